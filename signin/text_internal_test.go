package signin

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestNames(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"Ada": "Ada", "  Ada \n": "Ada", "A\x00d\x07a": "Ada", "\xffAda": "Ada", strings.Repeat("é", 100): strings.Repeat("é", 64),
	} {
		require.Equal(t, want, nameOf(in), "%q", in)
	}
	for in, want := range map[string]string{
		"https://example.com/a.png": "https://example.com/a.png", "javascript:alert(1)": "", "data:image/png;base64,AA": "", "//x/y": "", "": "",
		"https://example.com/" + strings.Repeat("x", maxURL): "",
	} {
		require.Equal(t, want, avatarOf(in), "%q", in)
	}
}

func TestNamesFitAlways(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := nameOf(rapid.String().Draw(t, "name"))
		if len(s) > maxName || !utf8.ValidString(s) || strings.TrimSpace(s) != s || strings.ContainsRune(s, 0) {
			t.Fatalf("%q", s)
		}
	})
}

func TestStatesAreLongAndPlain(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 1000 {
		s := NewState()
		require.Regexp(t, `^[A-Za-z0-9_-]{32}$`, s)
		require.False(t, seen[s])
		seen[s] = true
	}
	a := Attempt{Verifier: NewVerifier()}
	require.NotContains(t, a.nonce(), a.Verifier)
	require.NotEqual(t, a.nonce(), Attempt{Verifier: NewVerifier()}.nonce())
}

// FuzzClaims: what passes is JSON that every store takes.
func FuzzClaims(f *testing.F) {
	f.Add([]byte(`{"sub":"1","a":"\u0000","n":1e400,"deep":[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]}`), []byte(`{"a":null}`))
	f.Add([]byte(`{"groups":["x",{"y":-0.0}]}`), []byte(`[]`))
	f.Fuzz(func(t *testing.T, one, two []byte) {
		claims, err := mergeClaims(one, two)
		if err != nil {
			return
		}
		raw, err := json.Marshal(claims)
		if err != nil || len(raw) > maxClaims || strings.Contains(string(raw), `\u0000`) && !strings.Contains(string(raw), `\\u0000`) {
			t.Fatalf("%s: %v", raw, err)
		}
		var again map[string]any
		if err := json.Unmarshal(raw, &again); err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
	})
}

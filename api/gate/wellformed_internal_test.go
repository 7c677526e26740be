package gate

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWellFormed(t *testing.T) {
	t.Parallel()
	nested := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	for body, quick := range map[string]bool{
		`{}`:     true,
		" { }\n": true,
		`{"username":"ada","email":"ada@example.com","age":1e9,"ok":true,"none":null}`: true,
		`{"a":{"b":[1,{"c":"{[,:}]"}]},"b":"\u00e4 x\"y"}`:                             true,
		`["a"]`:              true,
		`1`:                  true,
		nested(MaxDepth):     true,
		nested(MaxDepth + 1): false,
		"[" + strings.Repeat("{},", MaxDepth) + nested(MaxDepth-1) + "]": true,
		"[" + strings.Repeat("{},", MaxDepth) + nested(MaxDepth) + "]":   false,
		`{"a":1,"a":2}`:            false,
		`{"x":{"a":1,"\u0061":2}}`: false,
		`{"a":"\u0000"}`:           false,
		`{"a":"\ud800"}`:           false, // encoding/json lets it pass
		`{"a":1}{}`:                false,
		`{"a":1,}`:                 false,
		"":                         false,
		"{\"a\":\"\x00\"}":         false,
		"{\"a\":\"\xff\"}":         false,
	} {
		require.Equal(t, quick, wellFormed([]byte(body)), body)
	}
}

// FuzzWellFormed: what passes quickly has nothing wrong for the thorough check.
func FuzzWellFormed(f *testing.F) {
	for _, seed := range []string{`{}`, `{"a":1,"b":"}"}`, `{"a":1,"a":2}`, `{"a":[{"b" : "c\n"}] , "c" : null }`, `{"":""}`, "{", `{"a":1}}`, "[[]]"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if !wellFormed(raw) {
			return
		}
		if err := checkClosely(raw); err != nil {
			t.Fatalf("taken for well-formed: %q: %v", raw, err)
		}
	})
}

func BenchmarkCheckJSON(b *testing.B) {
	for name, body := range map[string]string{
		"plain":  `{"username":"user-12345","email":"user-12345@example.com","name":"User 12345"}`,
		"nested": `{"username":"user-12345","email":"user-12345@example.com","roles":[]}`,
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := CheckJSON([]byte(body)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

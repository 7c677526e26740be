package v1

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestStringsAreDecodedAsByTheLibrary, with escapes and without; other values are none.
func TestStringsAreDecodedAsByTheLibrary(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		want := rapid.String().Draw(rt, "text")
		raw, err := json.Marshal(want)
		require.NoError(rt, err)
		got, ok := stringOf(raw)
		require.True(rt, ok)
		require.Equal(rt, want, got)
	})
	for _, raw := range []string{`1`, `true`, `null1`, `{}`, `["a"]`, `"a\"`} {
		_, ok := stringOf(json.RawMessage(raw))
		require.False(t, ok, raw)
	}
	got, ok := stringOf(json.RawMessage(`"a\u0041\n"`))
	require.True(t, ok)
	require.Equal(t, "aA\n", got)
}

package live

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestRingIsAQueue compares a ring with a slice.
func TestRingIsAQueue(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(1, 20).Draw(t, "limit")
		var r ring
		var model []*frame
		for range rapid.IntRange(0, 60).Draw(t, "steps") {
			if rapid.Bool().Draw(t, "push") {
				f := &frame{}
				require.Equal(t, len(model) < limit, r.push(f, limit))
				if len(model) < limit {
					model = append(model, f)
				}
			} else {
				n := rapid.IntRange(1, 7).Draw(t, "n")
				got := r.take(make([]*frame, n))
				want := model[:min(n, len(model))]
				require.Len(t, got, len(want))
				for i := range want {
					require.Same(t, want[i], got[i])
				}
				model = model[len(want):]
			}
			require.Equal(t, len(model), r.n)
			require.LessOrEqual(t, len(r.items), limit)
			if r.n == 0 {
				require.Nil(t, r.items, "an idle client holds nothing")
			}
		}
	})
}

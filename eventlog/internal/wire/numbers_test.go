package wire_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/eventlog/internal/wire"
	"github.com/rosterhq/roster/events"
)

func TestNumbers(t *testing.T) {
	t.Parallel()
	ranges := []events.Numbers{{First: 1, Last: 100}, {First: 151, Last: 151}}
	require.Equal(t, "1-100,151-151", wire.FormatNumbers(ranges))
	for _, bad := range []string{"", "1", "1-", "-1", "2-1", "0-3", "a-b", "1-2,", "1-2 3-4"} {
		_, err := wire.ParseNumbers(bad)
		require.Error(t, err, bad)
	}
	for n, has := range map[int64]bool{0: false, 1: true, 100: true, 101: false, 150: false, 151: true, 152: false} {
		require.Equal(t, has, events.HasNumber(ranges, n), n)
	}
	require.False(t, events.HasNumber(nil, 1))
}

func FuzzParseNumbers(f *testing.F) {
	f.Add("1-100,151-151")
	f.Fuzz(func(t *testing.T, s string) {
		ranges, err := wire.ParseNumbers(s)
		if err != nil {
			return
		}
		again, err := wire.ParseNumbers(wire.FormatNumbers(ranges))
		require.NoError(t, err)
		require.Equal(t, ranges, again)
	})
}

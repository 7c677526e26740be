package commands_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/commands"
)

// biggest and usual are the most that one process leaves behind: after a load, and
// when nothing much happened.
const biggest, usual = 512, 16

// TestOneBlockIsLostPerStart starts one process after another on the same log. Each
// leaves at most one block of numbers unused.
func TestOneBlockIsLostPerStart(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, log commands.Log) {
		t.Helper()
		var last int64
		for start := range 4 {
			s := service(t, log)
			first := register(t, s, fmt.Sprint("first-", start), nil).Number
			require.Greater(t, first, last)
			require.LessOrEqual(t, first-last, int64(usual), "of the process before little was asked")
			last = first
		}

		busy := service(t, log)
		numbers := make([]int64, 200)
		each(len(numbers), func(i int) {
			res, err := busy.Register(context.Background(), system, commands.Register{Username: fmt.Sprint("busy-", i), Email: fmt.Sprintf("b%d@example.com", i)})
			require.NoError(t, err)
			numbers[i] = res.User.Number
		})
		seen := map[int64]bool{}
		for _, n := range numbers {
			require.False(t, seen[n], "%d was given twice", n)
			seen[n], last = true, max(last, n)
		}
		next := register(t, service(t, log), "next", nil).Number
		require.Greater(t, next, last)
		require.LessOrEqual(t, next-last, int64(biggest))
	})
}

// TestProcessesAtOnceShareNumbers: two processes on one log never give one number to
// two users.
func TestProcessesAtOnceShareNumbers(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, log commands.Log) {
		t.Helper()
		both := []*commands.Service{service(t, log), service(t, log)}
		numbers := make([]int64, 100)
		each(len(numbers), func(i int) {
			res, err := both[i%2].Register(context.Background(), system, commands.Register{Username: fmt.Sprint("user-", i), Email: fmt.Sprintf("u%d@example.com", i)})
			require.NoError(t, err)
			numbers[i] = res.User.Number
		})
		seen := map[int64]bool{}
		for _, n := range numbers {
			require.False(t, seen[n], "%d was given twice", n)
			seen[n] = true
			require.LessOrEqual(t, n, int64(len(numbers)+biggest))
		}
	})
}

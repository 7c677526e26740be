package runtime_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/projections/accountfeed"
	"github.com/rosterhq/roster/projections/activity"
	"github.com/rosterhq/roster/projections/internal/projtest"
	"github.com/rosterhq/roster/projections/runtime"
)

// TestAComparisonIsAskedFor: the answer of another process is what one would find
// oneself; who asks is told when nobody answers, and may leave.
func TestAComparisonIsAskedFor(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	e := projtest.New(t)
	p := activity.Projection()
	last := e.AppendAll(projtest.NewHistory(16).Activities(5, 50))
	e.Builds = &runtime.Builds{Keep: time.Hour}
	running := e.Run(p)
	e.Await(p, last)
	conn := e.Connect()
	_, err := conn.Exec(ctx, "delete from activity_v1.activities where sequence = 7")
	require.NoError(t, err)
	own, err := runtime.Compare(ctx, e.Config(p), p)
	require.NoError(t, err)
	require.False(t, own.Equal())
	answered, err := runtime.AskComparison(ctx, conn, p, "ada")
	require.NoError(t, err)
	require.Equal(t, own, answered)

	_, err = runtime.AskComparison(ctx, conn, accountfeed.Projection(), "ada")
	require.ErrorIs(t, err, runtime.ErrReaction)
	_, err = conn.Exec(ctx, "update roster.comparisons set state = 'running', updated_at = now()")
	require.NoError(t, err)
	_, err = runtime.AskComparison(ctx, conn, p, "ada")
	require.ErrorIs(t, err, runtime.ErrBusy)

	running.Stop()
	_, err = conn.Exec(ctx, "update roster.comparisons set updated_at = now() - interval '1 minute'") // by who ended in the middle
	require.NoError(t, err)
	state := func() (state string) {
		require.NoError(t, conn.QueryRow(ctx, "select state from roster.comparisons").Scan(&state))
		return state
	}
	ask := func(ctx context.Context) <-chan error {
		outcome, asking := make(chan error, 1), e.Connect()
		go func() {
			_, err := runtime.AskComparison(ctx, asking, p, "ada")
			outcome <- err
		}()
		e.Eventually("it is asked for", func() bool { return state() == "requested" })
		return outcome
	}
	unanswered := ask(ctx)
	_, err = conn.Exec(ctx, "update roster.comparisons set updated_at = now() - interval '1 minute'")
	require.NoError(t, err)
	require.ErrorIs(t, <-unanswered, runtime.ErrNobody)
	require.Equal(t, "cancelled", state())

	impatient, leave := context.WithTimeout(ctx, time.Minute)
	left := ask(impatient)
	leave()
	require.ErrorIs(t, <-left, context.Canceled)
}

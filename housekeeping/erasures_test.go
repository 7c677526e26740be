package housekeeping_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/housekeeping"
)

type erasures struct {
	since    []time.Time
	erased   []string
	failing  map[string]bool
	finished []string
}

func (e *erasures) ErasedSince(_ context.Context, since time.Time) ([]string, error) {
	e.since = append(e.since, since)
	return e.erased, nil
}

func (e *erasures) FinishErasure(_ context.Context, id string) error {
	if e.failing[id] {
		return errors.New("the log is away")
	}
	e.finished = append(e.finished, id)
	return nil
}

func TestErasuresAreFinished(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 5, 31, 12, 0, 0, 0, time.UTC)
	e := &erasures{erased: []string{"a", "b", "c"}, failing: map[string]bool{"b": true}}
	waits := 0
	sweeps, err := housekeeping.NewErasures(housekeeping.ErasuresConfig{
		Reads: e, Writes: e, Clock: func() time.Time { return now },
		Wait: func(context.Context, time.Duration) error {
			if waits++; waits > 3 {
				return context.Canceled
			}
			delete(e.failing, map[int]string{2: "b"}[waits])
			return nil
		},
	})
	require.NoError(t, err)
	sweeps.Run(context.Background())
	require.Equal(t, []time.Time{{}, {}, now.AddDate(0, 0, -30)}, e.since, "all of them once, since the keys may be an older copy")
	require.Equal(t, []string{"a", "c", "a", "b", "c", "a", "b", "c"}, e.finished, "one that fails keeps nobody from the others, and is tried again")

	_, err = housekeeping.NewErasures(housekeeping.ErasuresConfig{Reads: e})
	require.Error(t, err)
}

package app

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/projections/runtime"
)

func TestHealthSaysWhyNot(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status runtime.ProjectionStatus
		err    error
		why    string // "" for ready
	}{
		"well":           {status: runtime.ProjectionStatus{Lag: maxLag, Parked: maxParked}},
		"far behind":     {status: runtime.ProjectionStatus{Lag: maxLag + 1}, why: "10001 messages behind"},
		"much is parked": {status: runtime.ProjectionStatus{Parked: maxParked + 1}, why: "parked 101 events"},
		"log went back":  {status: runtime.ProjectionStatus{Stopped: "the log ends before"}, why: "is stopped: the log ends before"},
		"nobody to ask":  {err: errors.New("refused"), why: "can not be asked: refused"},
	} {
		h := &health{clock: time.Now, status: func(context.Context) ([]runtime.ProjectionStatus, error) {
			c.status.Name, c.status.Version = "users", 1
			return []runtime.ProjectionStatus{c.status}, c.err
		}}
		err := h.check(t.Context())
		if c.why == "" {
			require.NoError(t, err, name)
			continue
		}
		require.ErrorContains(t, err, c.why, name)
	}
}

func TestHealthIsNotAskedForEveryAsker(t *testing.T) {
	t.Parallel()
	now, looks := time.Unix(0, 0), 0
	h := &health{clock: func() time.Time { return now }, status: func(context.Context) ([]runtime.ProjectionStatus, error) {
		looks++
		return nil, nil
	}}
	require.NoError(t, h.check(t.Context()))
	require.NoError(t, h.check(t.Context()))
	require.Equal(t, 1, looks)
	now = now.Add(healthAge)
	require.NoError(t, h.check(t.Context()))
	require.Equal(t, 2, looks)
}

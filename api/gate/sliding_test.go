package gate_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/events"
)

// ledger keeps usages as the log does, and counts.
type ledger struct {
	kept  map[string]events.Usage
	err   error
	looks int
	notes int
}

func (l *ledger) Usage(_ context.Context, keyID string) (events.Usage, error) {
	l.looks++
	return l.kept[keyID], l.err
}

func (l *ledger) KeepUsage(u events.Usage) error {
	l.notes++
	l.kept[u.KeyID] = u
	return nil
}

const month = 30 * 24 * time.Hour

// visit is a session of a month, used at a time that the test moves.
func visit(t *testing.T) (s *shelf, l *ledger, use func(after time.Duration) (gate.Caller, error)) {
	t.Helper()
	s, l = newShelf(), &ledger{kept: map[string]events.Usage{}}
	s.found.UpdatedAt, s.found.ExpiresAt = now, now.Add(month)
	at := now
	clock := func() time.Time { return at }
	g := gate.New(gate.Config{Reads: s, Clock: clock, Usages: l})
	return s, l, func(after time.Duration) (gate.Caller, error) {
		at = now.Add(after)
		return g.Identify(bearing(keyID+"-"+secret), gate.DefaultForms())
	}
}

func TestSessionsSlide(t *testing.T) {
	t.Parallel()
	_, l, use := visit(t)
	for _, after := range []time.Duration{0, 20 * 24 * time.Hour, 45 * 24 * time.Hour, 74 * 24 * time.Hour} {
		c, err := use(after)
		require.NoError(t, err)
		require.Equal(t, now.Add(after+month), c.Key.ExpiresAt)
	}
	_, err := use(105 * 24 * time.Hour)
	require.Equal(t, gate.Expired, reasonOf(err), "a month without use ends it")
	require.Equal(t, 3, l.notes)
}

func TestUseIsNotedOnceAnHour(t *testing.T) {
	t.Parallel()
	_, l, use := visit(t)
	for minute := range 180 {
		_, err := use(time.Duration(minute) * time.Minute)
		require.NoError(t, err)
	}
	require.Equal(t, 2, l.notes)
	require.LessOrEqual(t, l.looks, 3, "memory answers in between")
}

func TestWhatDoesNotSlide(t *testing.T) {
	t.Parallel()
	s, l, use := visit(t)
	s.found.LoginType = events.LoginToken
	_, err := use(20 * 24 * time.Hour)
	require.NoError(t, err)
	_, err = use(31 * 24 * time.Hour)
	require.Equal(t, gate.Expired, reasonOf(err), "an API key ends when it was said to")

	s.found.LoginType, s.found.Account.Status = events.LoginPassword, events.StatusSuspended
	_, err = use(20 * 24 * time.Hour)
	require.Equal(t, gate.Suspended, reasonOf(err))
	require.Zero(t, l.notes, "who is refused prolongs nothing")
}

func TestUsageOutOfReach(t *testing.T) {
	t.Parallel()
	_, l, use := visit(t)
	l.err = errors.New("away")
	_, err := use(0)
	require.NoError(t, err, "a fresh session asks nobody")
	_, err = use(2 * time.Hour)
	require.Equal(t, gate.Unavailable, reasonOf(err))
}

func reasonOf(err error) gate.Reason {
	var refused *gate.Error
	if errors.As(err, &refused) {
		return refused.Reason
	}
	return ""
}

package gate_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

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

func newLedger() *ledger { return &ledger{kept: map[string]events.Usage{}} }

func (l *ledger) Usage(_ context.Context, keyID string) (events.Usage, error) {
	l.looks++
	return l.kept[keyID], l.err
}

func (l *ledger) KeepUsage(u events.Usage) error {
	if l.err != nil {
		return l.err
	}
	l.notes++
	l.kept[u.KeyID] = u
	return nil
}

const month = 30 * 24 * time.Hour

// visitor is who uses a key at times that the test chooses, through one process
// or several.
type visitor struct {
	shelf  *shelf
	ledger *ledger
	at     time.Time
	gates  []*gate.Gate
}

// visit is a key of a life, made now.
func visit(lifetime time.Duration, processes int) *visitor {
	v := &visitor{shelf: newShelf(), ledger: newLedger(), at: now}
	v.shelf.found.CreatedAt, v.shelf.found.UpdatedAt, v.shelf.found.ExpiresAt = now, now, now.Add(lifetime)
	for range processes {
		v.gates = append(v.gates, gate.New(gate.Config{Reads: v.shelf, Clock: func() time.Time { return v.at }, Usages: v.ledger}))
	}
	return v
}

func (v *visitor) use(after time.Duration) (gate.Caller, error) { return v.useAt(0, after) }

func (v *visitor) useAt(process int, after time.Duration) (gate.Caller, error) {
	v.at = now.Add(after)
	return v.gates[process].Identify(bearing(keyID+"-"+secret), gate.DefaultForms())
}

func TestKeysSlide(t *testing.T) {
	t.Parallel()
	for _, kind := range []events.LoginType{events.LoginPassword, events.LoginToken, events.LoginOIDC} {
		v := visit(month, 1)
		v.shelf.found.LoginType = kind
		for _, after := range []time.Duration{0, 20 * 24 * time.Hour, 45 * 24 * time.Hour, 74 * 24 * time.Hour} {
			c, err := v.use(after)
			require.NoError(t, err)
			require.Equal(t, now.Add(after+month), c.Key.ExpiresAt)
			require.Equal(t, v.at, v.ledger.kept[keyID].LastUsed)
		}
		_, err := v.use(105 * 24 * time.Hour)
		require.Equal(t, gate.Expired, gate.ReasonOf(err), "a month without use ends it")
		require.Equal(t, 4, v.ledger.notes)
	}
}

// TestSlidingEdge: at "expires_at - now <= lifetime - 1h", and not before.
func TestSlidingEdge(t *testing.T) {
	t.Parallel()
	v := visit(month, 1)
	for _, c := range []struct {
		after, ends time.Duration
		notes       int
	}{
		{0, month, 1}, // the first use is always kept
		{time.Hour - time.Microsecond, month, 1},
		{time.Hour, time.Hour + month, 2},
		{2*time.Hour - time.Microsecond, time.Hour + month, 2},
		{2 * time.Hour, 2*time.Hour + month, 3},
	} {
		got, err := v.use(c.after)
		require.NoError(t, err)
		require.Equal(t, now.Add(c.ends), got.Key.ExpiresAt, "%v", c.after)
		require.Equal(t, c.notes, v.ledger.notes, "%v", c.after)
	}
}

func TestUseIsNotedOnceAnHour(t *testing.T) {
	t.Parallel()
	v := visit(month, 1)
	for minute := range 180 {
		_, err := v.use(time.Duration(minute) * time.Minute)
		require.NoError(t, err)
	}
	require.Equal(t, 3, v.ledger.notes)
	require.LessOrEqual(t, v.ledger.looks, 3, "memory answers in between")
}

func TestShortLivesDoNotSlide(t *testing.T) {
	t.Parallel()
	for _, lifetime := range []time.Duration{time.Minute, time.Hour} {
		v := visit(lifetime, 1)
		_, err := v.use(lifetime - time.Second)
		require.NoError(t, err)
		require.Equal(t, 1, v.ledger.notes, "its use is known all the same")
		_, err = v.use(lifetime)
		require.Equal(t, gate.Expired, gate.ReasonOf(err))
	}
}

func TestEndedByHandStaysEnded(t *testing.T) {
	t.Parallel()
	v := visit(month, 2)
	for _, after := range []time.Duration{0, 24 * time.Hour} {
		_, err := v.useAt(0, after)
		require.NoError(t, err)
	}
	ended := now.Add(25 * time.Hour)
	v.shelf.found.ExpiresAt, v.shelf.found.UpdatedAt = ended, ended
	for process := range v.gates {
		_, err := v.useAt(process, 26*time.Hour)
		require.Equal(t, gate.Expired, gate.ReasonOf(err))
	}
	// A use that another process kept at the same time does not bring it back.
	v.ledger.kept[keyID] = events.Usage{KeyID: keyID, LastUsed: ended.Add(time.Second), ExpiresAt: ended.Add(month)}
	_, err := v.useAt(1, 27*time.Hour)
	require.Equal(t, gate.Expired, gate.ReasonOf(err))
}

func TestNewSecretForgetsOldUses(t *testing.T) {
	t.Parallel()
	v := visit(month, 1)
	_, err := v.use(10 * 24 * time.Hour)
	require.NoError(t, err)
	v.shelf.found.UpdatedAt = now.Add(11 * 24 * time.Hour)
	v.shelf.found.ExpiresAt = v.shelf.found.UpdatedAt.Add(2 * time.Hour)
	c, err := v.use(11*24*time.Hour + time.Minute)
	require.NoError(t, err)
	require.Equal(t, v.shelf.found.ExpiresAt, c.Key.ExpiresAt, "made anew for two hours")
	_, err = v.use(11*24*time.Hour + 2*time.Hour)
	require.Equal(t, gate.Expired, gate.ReasonOf(err))
}

func TestWhoIsRefusedProlongsNothing(t *testing.T) {
	t.Parallel()
	v := visit(month, 1)
	v.shelf.found.Account.Status = events.StatusSuspended
	_, err := v.use(20 * 24 * time.Hour)
	require.Equal(t, gate.Suspended, gate.ReasonOf(err))
	require.Zero(t, v.ledger.notes)
}

func TestUsageOutOfReach(t *testing.T) {
	t.Parallel()
	v := visit(month, 1)
	v.ledger.err = errors.New("away")
	for _, after := range []time.Duration{0, 2 * time.Hour} {
		_, err := v.use(after)
		require.NoError(t, err, "it lives by what it was given")
	}
	_, err := v.use(month + time.Hour)
	require.Equal(t, gate.Unavailable, gate.ReasonOf(err), "whether a use prolonged it can not be told")
}

// TestLifeByUse: whichever process a key is used through, it lives exactly while
// its uses are less than its lifetime apart, give or take the step; and of each
// key at most one use an hour is kept, and one more for each process.
func TestLifeByUse(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		const processes = 3
		lifetime := time.Duration(rapid.IntRange(2, 200).Draw(t, "hours")) * time.Hour
		v := visit(lifetime, processes)
		at, last := time.Duration(0), time.Duration(0)
		for range rapid.IntRange(1, 30).Draw(t, "uses") {
			at += time.Duration(rapid.IntRange(0, 2*int(lifetime/time.Minute)).Draw(t, "minutes")) * time.Minute
			_, err := v.useAt(rapid.IntRange(0, processes-1).Draw(t, "process"), at)
			switch since := at - last; {
			case since < lifetime-time.Hour:
				require.NoError(t, err, "used %v ago, given %v", since, lifetime)
			case since >= lifetime:
				require.Equal(t, gate.Expired, gate.ReasonOf(err), "unused for %v, given %v", since, lifetime)
			}
			if err != nil {
				break
			}
			last = at
		}
		require.LessOrEqual(t, v.ledger.notes, int(at/time.Hour)+1+processes)
	})
}

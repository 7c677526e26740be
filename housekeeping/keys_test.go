package housekeeping_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/housekeeping"
	"github.com/rosterhq/roster/query"
)

// ring is both sides of an installation's keys.
type ring struct {
	keys    []query.Key // by their end
	sweeps  []commands.Sweep
	noted   []string
	failing map[string]error
	err     error
}

func (r *ring) add(user, id string, t events.LoginType, ended time.Duration) {
	r.keys = append(r.keys, query.Key{ID: id, UserID: user, LoginType: t, ExpiresAt: now.Add(-ended)})
	slices.SortStableFunc(r.keys, func(a, b query.Key) int { return a.ExpiresAt.Compare(b.ExpiresAt) })
}

func (r *ring) EndedKeys(_ context.Context, before time.Time, after query.EndedKey, limit int) ([]query.EndedKey, error) {
	var out []query.EndedKey
	behind := after.ID == ""
	for _, k := range r.keys {
		if behind && k.ExpiresAt.Before(before) && len(out) < limit {
			out = append(out, query.EndedKey{ID: k.ID, UserID: k.UserID, EndedAt: k.ExpiresAt})
		}
		behind = behind || k.ID == after.ID
	}
	return out, r.err
}

func (r *ring) Keys(_ context.Context, userID string) ([]query.Key, error) {
	var out []query.Key
	for _, k := range r.keys {
		if k.UserID == userID {
			out = append(out, k)
		}
	}
	return out, nil
}

func (r *ring) NoteCredentials(userID string, _ events.Position) { r.noted = append(r.noted, userID) }

func (r *ring) SweepKeys(_ context.Context, q commands.Request, userID string, c commands.Sweep) (commands.Result, error) {
	if q.Actor.UserID != commands.SystemActor {
		return commands.Result{}, errors.New("not the installation")
	}
	if err := r.failing[userID]; err != nil {
		return commands.Result{}, err
	}
	r.sweeps = append(r.sweeps, c)
	return commands.Result{Swept: len(c.KeyIDs)}, nil
}

func (r *ring) sweep(t *testing.T) (int, error) {
	t.Helper()
	total := 0
	k, err := housekeeping.NewKeys(housekeeping.KeysConfig{
		Retention: 30 * day, Reads: r, Writes: r, Clock: func() time.Time { return now },
		Swept: func(n int) { total += n }, Wait: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	})
	require.NoError(t, err)
	n, err := k.Sweep(t.Context())
	require.Equal(t, n, total, "each that went is counted")
	return n, err
}

func TestWhichKeysGo(t *testing.T) {
	t.Parallel()
	r := &ring{}
	r.add("ann", "old-key", events.LoginToken, 31*day)
	r.add("ann", "ended-key", events.LoginToken, 29*day)
	r.add("ann", "old-session", events.LoginPassword, 40*day)
	r.add("ann", "ended-session", events.LoginPassword, 2*day)
	r.add("ann", "just-ended", events.LoginPassword, 23*time.Hour)
	r.add("ann", "open", events.LoginPassword, -day)
	r.add("bob", "bobs", events.LoginPassword, 29*day)
	n, err := r.sweep(t)
	require.NoError(t, err)
	require.Equal(t, 3, n)
	require.Equal(t, []commands.Sweep{{
		KeyIDs:         []string{"old-session", "old-key", "ended-session"},
		SessionsBefore: now.Add(-day), KeysBefore: now.Add(-30 * day),
	}}, r.sweeps, "bob has nothing that ended so long ago, and waits")
	require.Equal(t, []string{"ann"}, r.noted)
}

// TestManyKeysGo: more than a page of users, more than one command can take of one,
// and users who are gone.
func TestManyKeysGo(t *testing.T) {
	t.Parallel()
	r := &ring{failing: map[string]error{"gone": &commands.Error{Code: commands.NotFound}}}
	for i := range 450 {
		r.add(fmt.Sprint("user-", i), fmt.Sprint("key-", i), events.LoginToken, 31*day)
	}
	for i := range 1200 {
		r.add("bot", fmt.Sprint("session-", i), events.LoginPassword, 32*day)
	}
	r.add("gone", "lost", events.LoginToken, 33*day)
	n, err := r.sweep(t)
	require.NoError(t, err)
	require.Equal(t, 1650, n)
	require.Len(t, r.sweeps, 453)

	r.failing["user-7"] = &commands.Error{Code: commands.Unavailable}
	_, err = r.sweep(t)
	require.ErrorContains(t, err, "user-7", "a log out of reach ends the sweep")
	r.err = query.ErrUnavailable
	n, err = r.sweep(t)
	require.ErrorIs(t, err, query.ErrUnavailable)
	require.Zero(t, n)
}

func TestConfigOfKeys(t *testing.T) {
	t.Parallel()
	for _, c := range []housekeeping.KeysConfig{{}, {Retention: time.Hour, Reads: &ring{}, Writes: &ring{}}} {
		_, err := housekeeping.NewKeys(c)
		require.Error(t, err)
	}
}

// TestRunOfKeys: a sweep soon after the start and one each hour, until the end.
func TestRunOfKeys(t *testing.T) {
	t.Parallel()
	var pauses []time.Duration
	k, err := housekeeping.NewKeys(housekeeping.KeysConfig{
		Retention: 30 * day, Reads: &ring{}, Writes: &ring{}, Clock: func() time.Time { return now },
		Wait: func(_ context.Context, d time.Duration) error {
			if pauses = append(pauses, d); len(pauses) == 3 {
				return context.Canceled
			}
			return nil
		},
	})
	require.NoError(t, err)
	k.Run(t.Context())
	require.Equal(t, []time.Duration{time.Minute, time.Hour, time.Hour}, pauses)
}

package commands_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
)

// TestSweepOfKeys: what is over goes, by the state and the newest uses; the rest and
// the names of the rest stay.
func TestSweepOfKeys(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, log commands.Log) {
		t.Helper()
		var after atomic.Int64
		began := time.Date(2026, 5, 3, 10, 0, 0, 0, time.UTC)
		at := func(d time.Duration) time.Time { return began.Add(d) }
		ctx, s := context.Background(), serviceAt(t, log, func() time.Time { return at(time.Duration(after.Load())) })
		ada := register(t, s, "ada", nil)
		key := func(name string) string {
			res, err := s.CreateKey(ctx, system, commands.CreateKey{UserID: ada.ID, Name: name, Lifetime: time.Hour})
			require.NoError(t, err)
			return res.Key.ID
		}
		session := func() string {
			res, err := s.SignIn(ctx, anyone, commands.SignIn{Username: "ada", Password: "correct horse", Lifetime: time.Hour})
			require.NoError(t, err)
			return res.Key.ID
		}
		use := func(id string) { // half an hour after the beginning, it gives 90 minutes
			require.NoError(t, s.KeepUsage(events.Usage{KeyID: id, UserID: ada.ID, LastUsed: at(30 * time.Minute), ExpiresAt: at(2 * time.Hour)}))
			require.Eventually(t, func() bool {
				u, err := s.Usage(ctx, id)
				return err == nil && !u.LastUsed.IsZero()
			}, 10*time.Second, time.Millisecond)
		}
		unused, used, byHand := key("unused"), key("used"), key("by hand")
		left, usedSession := session(), session()
		after.Store(int64(40 * time.Minute))
		_, err := s.ExpireKey(ctx, system, ada.ID, byHand)
		require.NoError(t, err)
		for _, id := range []string{used, byHand, usedSession} {
			use(id)
		}
		sweep := func(sessions, keys time.Duration, want ...string) {
			t.Helper()
			res, err := s.SweepKeys(ctx, system, ada.ID, commands.Sweep{
				KeyIDs:         []string{unused, used, byHand, left, usedSession, left, "nobodys000"},
				SessionsBefore: at(sessions), KeysBefore: at(keys),
			})
			require.NoError(t, err)
			require.Equal(t, len(want), res.Swept)
			require.Equal(t, len(want) > 0, res.Changed)
			if len(want) > 0 {
				recorded, err := log.Read(ctx, events.Aggregate{Kind: events.User, ID: ada.ID}, res.Position.Sequence)
				require.NoError(t, err)
				require.ElementsMatch(t, want, recorded[0].Payload.(*events.UserCredentialsSwept).KeyIDs)
				require.Equal(t, commands.SystemActor, recorded[0].Actor)
			}
		}
		after.Store(int64(3 * time.Hour))
		_, err = s.Suspend(ctx, system, ada.ID) // any event: both sessions leave the state
		require.NoError(t, err)
		sweep(time.Hour, 40*time.Minute) // what ended at that very time stays
		sweep(time.Hour, time.Hour, byHand)
		sweep(2*time.Hour, time.Hour, left)
		_, err = s.CreateKey(ctx, system, commands.CreateKey{UserID: ada.ID, Name: "unused"})
		refused(t, err, commands.Conflict, "key-name")
		sweep(2*time.Hour, 2*time.Hour, unused)
		sweep(2*time.Hour, 2*time.Hour) // once is enough
		key("unused")                   // the name is free again
		sweep(2*time.Hour+1, 2*time.Hour+1, used, usedSession)
		for _, id := range []string{used, usedSession} {
			_, err = s.ExpireKey(ctx, system, ada.ID, id)
			refused(t, err, commands.NotFound, "key")
		}
	})
}

// TestWhoSweepsKeys: nobody but the installation.
func TestWhoSweepsKeys(t *testing.T) {
	t.Parallel()
	s, _ := onMemory(t)
	ctx := context.Background()
	ada := register(t, s, "ada", nil)
	for _, actor := range []commands.Request{as(chief(t, s), ""), as(ada, ""), anyone} {
		_, err := s.SweepKeys(ctx, actor, ada.ID, commands.Sweep{KeyIDs: []string{"k123456789"}, KeysBefore: time.Now()})
		refused(t, err, commands.Forbidden, "sweep-keys")
	}
	var many []string
	for i := range commands.MostSwept + 1 {
		many = append(many, fmt.Sprintf("k%09d", i))
	}
	_, err := s.SweepKeys(ctx, system, ada.ID, commands.Sweep{KeyIDs: many})
	refused(t, err, commands.Invalid, "")
	_, err = s.Delete(ctx, system, ada.ID)
	require.NoError(t, err)
	_, err = s.SweepKeys(ctx, system, ada.ID, commands.Sweep{KeyIDs: many[:1], KeysBefore: time.Now()})
	refused(t, err, commands.NotFound, "user")
}

package projections_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/internal/testenv"
	"github.com/rosterhq/roster/projections"
	"github.com/rosterhq/roster/projections/internal/projtest"
	"github.com/rosterhq/roster/projections/runtime"
)

// TestReplayGivesEqualTables projects random histories as they grow, in batches of
// any size, then the whole log at once into a fresh database.
func TestReplayGivesEqualTables(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3) {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			e := projtest.New(t)
			all := projections.All()
			live := e.Run(all...)
			h := projtest.NewHistory(seed)
			for n := range 12 {
				e.AppendAll(h.Take(1 + n*n*4))
				e.AppendAll(h.Activities(10, 1+n*7))
			}
			await(t, e, e.DSN, all)
			live.Stop()

			fresh := testenv.Postgres(t)
			require.NoError(t, runtime.Migrate(context.Background(), fresh, all))
			replay := e.StartOn(fresh, all...)
			await(t, e, fresh, all)
			replay.Stop()
			for _, p := range all {
				want := e.Dump(p)
				require.Equal(t, want, projtest.DumpOn(t, fresh, p), p.Schema())
				if p.Migrations != nil {
					require.Greater(t, len(want), 300, "%s has rows", p.Schema())
				}
			}
			parked, err := runtime.Parked(context.Background(), e.Connect(), "", 10)
			require.NoError(t, err)
			require.Empty(t, parked)
			require.Empty(t, e.Logs.FilterLevelExact(zap.WarnLevel).All(), "nothing had to start again")
		})
	}
}

// await waits until everything is projected, first the log that reactions read.
func await(t *testing.T, e *projtest.Env, dsn string, all []runtime.Projection) {
	t.Helper()
	for _, stream := range []events.Stream{events.Roster, events.Activity} {
		for _, p := range all {
			if p.Stream == stream {
				projtest.AwaitOn(t, dsn, p, e.Head(stream))
			}
		}
	}
}

// TestErasedPersonReplaysWithoutPersonalData erases a person between two replays.
func TestErasedPersonReplaysWithoutPersonalData(t *testing.T) {
	t.Parallel()
	e := projtest.New(t)
	all := projections.All()
	h := projtest.NewHistory(5)
	gone, stays := h.Register(), h.Register()
	user := gone.Meta.Aggregate.ID
	e.AppendAll([]events.Draft{gone, stays})
	e.Append(h.Activity(user))
	e.Keys.Erase(user)
	e.Run(all...)
	await(t, e, e.DSN, all)
	conn := e.Connect()
	var username, email, title, status string
	require.NoError(t, conn.QueryRow(context.Background(), `select username, email, status from users_v2.users where id = $1`, user).
		Scan(&username, &email, &status))
	require.Empty(t, username+email)
	require.Equal(t, "dormant", status)
	require.NoError(t, conn.QueryRow(context.Background(), `select entity_title from activity_v1.activities where user_id = $1`, user).Scan(&title))
	require.Empty(t, title)
	require.NoError(t, conn.QueryRow(context.Background(), `select username from users_v2.users where id = $1`, stays.Meta.Aggregate.ID).Scan(&username))
	require.Equal(t, "user-2", username)
}

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

// TestErasureLeavesWhatAReplayLeaves erases a person of whom much is known: the rows
// that lived through it equal those that are built without the person's key, and
// nothing planted is in either.
func TestErasureLeavesWhatAReplayLeaves(t *testing.T) {
	t.Parallel()
	e := projtest.New(t)
	all := projections.All()
	live := e.Run(all...)
	h := projtest.NewHistory(7)
	gone, planted := projtest.UUID(1, 1), "planted-of-a-person"
	e.AppendAll(h.Take(200))
	e.AppendAll(h.Activities(5, 80))
	e.AppendAll([]events.Draft{
		h.Draft(gone, &events.UserProfileUpdated{Sealed: events.Seal(events.UserProfileUpdatedPrivate{Name: &planted, Avatar: &planted}), Fields: []string{"name", "avatar"}}),
		h.Draft(gone, &events.UserEmailChanged{Sealed: events.Seal(events.UserEmailChangedPrivate{Email: planted})}),
		h.Draft(gone, &events.UserUsernameChanged{Sealed: events.Seal(events.UserUsernameChangedPrivate{Username: planted})}),
		h.Draft(gone, &events.UserPreferencesUpdated{Sealed: events.Seal(events.UserPreferencesUpdatedPrivate{
			Changes: map[string]any{"theme": planted}, Language: &planted,
		}), Dialect: "codimir"}),
		h.Draft(gone, &events.UserIdentityLinked{Sealed: events.Seal(events.Identity{Provider: "oidc", Subject: planted})}),
		h.Draft(gone, &events.UserParameterRecorded{Sealed: events.Seal(events.UserParameterPrivate{Value: planted}), TemplateID: projtest.UUID(4, 1), Name: "p"}),
		h.Draft(gone, &events.UserSSHKeyGenerated{Sealed: events.Seal(events.UserSSHKeyPrivate{PublicKey: planted, PrivateKey: planted})}),
		h.Draft(gone, &events.UserKeyCreated{
			Sealed: events.Seal(events.UserKeyPrivate{SecretHash: []byte{1}, Name: planted, IP: planted, UserAgent: planted}), KeyID: "keyplanted",
			LoginType: events.LoginToken, Scopes: []string{"all"}, ExpiresAt: projtest.Epoch,
		}),
		h.Skill(gone, planted),
	})
	e.Append(h.Draft(gone, &events.ActivityRecorded{
		Sealed: events.Seal(events.ActivityPrivate{
			EntityTitle: planted, EntityURL: planted, ProjectName: planted, Metadata: []byte(`{"text":"` + planted + `"}`),
		}),
		User: gone, Type: events.TicketActivity, Action: "created", EntityID: "1", OccurredAt: projtest.Epoch,
	}))
	await(t, e, e.DSN, all)
	require.Contains(t, e.Dump(all[0]), planted)

	e.AppendAll([]events.Draft{h.Draft(gone, &events.UserDeleted{}), h.Draft(gone, &events.UserErased{})})
	e.Keys.Erase(gone)
	await(t, e, e.DSN, all)
	live.Stop()

	fresh := testenv.Postgres(t)
	require.NoError(t, runtime.Migrate(context.Background(), fresh, all))
	replay := e.StartOn(fresh, all...)
	await(t, e, fresh, all)
	replay.Stop()
	for _, p := range all {
		want := e.Dump(p)
		require.NotContains(t, want, planted, p.Schema())
		require.Equal(t, projtest.DumpOn(t, fresh, p), want, p.Schema())
	}
	parked, err := runtime.Parked(context.Background(), e.Connect(), "", 10)
	require.NoError(t, err)
	require.Empty(t, parked)
	var erasures int
	require.NoError(t, e.Connect().QueryRow(context.Background(), `select count(*) from users_v2.erasures where user_id = $1`, gone).Scan(&erasures))
	require.Equal(t, 1, erasures)
}

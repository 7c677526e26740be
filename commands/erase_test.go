package commands_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
)

func TestErasing(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, log commands.Log) {
		t.Helper()
		ctx, s := context.Background(), service(t, log)
		owner, err := s.Register(ctx, system, commands.Register{Username: "owner", Roles: []events.Role{events.RoleOwner}})
		require.NoError(t, err)
		all := []string{commands.ScopeAll}
		asOwner := commands.Request{Actor: commands.Actor{UserID: owner.User.ID, Roles: owner.User.Roles, Scopes: all}}
		ada, err := s.Register(ctx, system, commands.Register{Username: "ada", Email: "ada@example.com", Name: "Ada Lovelace", Password: "correct horse"})
		require.NoError(t, err)
		id := ada.User.ID
		_, err = s.UpdatePreferences(ctx, system, commands.UpdatePreferences{UserID: id, Dialect: "codimir", Changes: map[string]any{"theme": "dark"}})
		require.NoError(t, err)

		for _, actor := range []commands.Actor{
			{UserID: id, Scopes: all}, {UserID: "0190c3a8-0000-7000-8000-00000000000c", Roles: []events.Role{events.RoleUserAdmin}, Scopes: all}, {},
		} {
			_, err = s.Erase(ctx, commands.Request{Actor: actor}, id)
			require.Error(t, err)
		}
		_, err = s.Erase(ctx, asOwner, owner.User.ID)
		refused(t, err, commands.Precondition, "last-owner")
		_, err = s.Erase(ctx, asOwner, "0190c3a8-0000-7000-8000-00000000000c")
		refused(t, err, commands.NotFound, "user")

		gone, err := s.Erase(ctx, asOwner, id)
		require.NoError(t, err)
		require.Equal(t, commands.User{
			ID: id, Number: ada.User.Number, LoginType: events.LoginPassword, Status: events.StatusDeleted, Confirmed: true,
			Memberships: ada.User.Memberships, CreatedAt: ada.User.CreatedAt, UpdatedAt: gone.User.UpdatedAt, Erased: true,
		}, gone.User)
		recorded, err := log.Read(ctx, events.Aggregate{Kind: events.User, ID: id}, 1)
		require.NoError(t, err)
		require.Len(t, recorded, 4)
		require.Equal(t, &events.UserErased{}, recorded[3].Payload)
		registered, ok := recorded[0].Payload.(*events.UserRegistered)
		require.True(t, ok)
		require.Equal(t, events.UserRegisteredPrivate{}, registered.Private, "the log can not tell any more")
		require.Equal(t, ada.User.Number, registered.Number, "the fact stays")

		again, err := s.Erase(ctx, asOwner, id)
		require.NoError(t, err, "it may be repeated")
		require.Equal(t, gone.Position, again.Position)
		_, err = s.Register(ctx, system, commands.Register{Username: "ada", Email: "ada@example.com"})
		require.NoError(t, err, "the names are free")
		_, err = s.SignIn(ctx, commands.Request{}, commands.SignIn{Email: "ada@example.com", Password: "correct horse"})
		require.Error(t, err)
	})
}

func TestErasingWhoWasDeleted(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, log commands.Log) {
		t.Helper()
		ctx, s := context.Background(), service(t, log)
		ada, err := s.Register(ctx, system, commands.Register{Username: "ada", Name: "Ada Lovelace"})
		require.NoError(t, err)
		_, err = s.Delete(ctx, system, ada.User.ID)
		require.NoError(t, err)
		gone, err := s.Erase(ctx, system, ada.User.ID)
		require.NoError(t, err)
		require.True(t, gone.User.Erased)
		recorded, err := log.Read(ctx, events.Aggregate{Kind: events.User, ID: ada.User.ID}, 1)
		require.NoError(t, err)
		require.Len(t, recorded, 3)
		// A process that knows nothing of it folds the same state.
		found, err := service(t, log).Erase(ctx, system, ada.User.ID)
		require.NoError(t, err)
		require.Equal(t, gone.User, found.User)
	})
}

package commands_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
)

func TestConfirming(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, log commands.Log) {
		t.Helper()
		ctx, s := context.Background(), service(t, log)
		ada := register(t, s, "ada", func(c *commands.Register) { c.Unconfirmed = true })
		signIn := commands.SignIn{Email: ada.Email, Password: "correct horse"}
		_, err := s.SignIn(ctx, anyone, signIn)
		refused(t, err, commands.Unauthenticated, "unconfirmed")
		_, err = s.SignIn(ctx, anyone, commands.SignIn{Email: ada.Email, Password: "wrong"})
		refused(t, err, commands.Unauthenticated, "credentials")
		for _, changed := range []bool{true, false} {
			res, err := s.ConfirmUser(ctx, system, ada.ID)
			require.NoError(t, err)
			require.Equal(t, changed, res.Changed)
		}
		_, err = s.SignIn(ctx, anyone, signIn)
		require.NoError(t, err)
	})
}

func TestRefreshing(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, log commands.Log) {
		t.Helper()
		ctx, s := context.Background(), service(t, log)
		ada := register(t, s, "ada", nil)
		in, err := s.SignIn(ctx, anyone, commands.SignIn{Username: "ada", Password: "correct horse"})
		require.NoError(t, err)
		refresh := func(generation int64) (commands.Result, error) {
			return s.RefreshSession(ctx, anyone, ada.ID, in.Key.ID, generation, 30*24*time.Hour)
		}
		_, err = refresh(1)
		refused(t, err, commands.Unauthenticated, "credentials")
		for generation := range int64(3) {
			res, err := refresh(generation)
			require.NoError(t, err)
			require.Equal(t, generation+1, res.Key.Generation)
			require.WithinDuration(t, time.Now().Add(30*24*time.Hour), res.Key.ExpiresAt, time.Minute)
		}
		_, err = refresh(1)
		refused(t, err, commands.Unauthenticated, "reused")
		_, err = refresh(3)
		refused(t, err, commands.Unauthenticated, "credentials")
		for _, c := range []struct{ user, key string }{{ada.ID, "nosuchkey0"}, {in.Key.ID, in.Key.ID}, {"", ""}} {
			_, err := s.RefreshSession(ctx, anyone, c.user, c.key, 0, time.Hour)
			refused(t, err, commands.Unauthenticated, "credentials")
		}
	})
}

func TestReadableKeys(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, log commands.Log) {
		t.Helper()
		ctx, s := context.Background(), service(t, log)
		ada := register(t, s, "ada", nil)
		first, err := s.SetReadableKey(ctx, as(ada, ""), ada.ID)
		require.NoError(t, err)
		require.Regexp(t, `^[0-9a-f]{64}$`, first.User.ReadableKey)
		u, err := s.UserByReadableKey(ctx, first.User.ReadableKey)
		require.NoError(t, err)
		require.Equal(t, ada.ID, u.ID)
		second, err := s.SetReadableKey(ctx, as(ada, ""), ada.ID)
		require.NoError(t, err)
		for _, dead := range []string{first.User.ReadableKey, "", "x", first.User.ReadableKey[:63]} {
			_, err = s.UserByReadableKey(ctx, dead)
			refused(t, err, commands.NotFound, "user")
		}
		limited := as(ada, "")
		limited.Actor.Scopes = []string{commands.ScopeKeysWrite}
		_, err = s.SetReadableKey(ctx, limited, ada.ID)
		refused(t, err, commands.Forbidden, "scope")

		_, err = s.SetPassword(ctx, system, commands.SetPassword{UserID: ada.ID, New: "another horse"})
		require.NoError(t, err)
		_, err = s.UserByReadableKey(ctx, second.User.ReadableKey)
		require.NoError(t, err, "a password that revokes nothing")
		_, err = s.SetPassword(ctx, system, commands.SetPassword{UserID: ada.ID, New: "correct horse", Revoke: true})
		require.NoError(t, err)
		_, err = s.UserByReadableKey(ctx, second.User.ReadableKey)
		refused(t, err, commands.NotFound, "user")
		held, err := log.Claim(ctx, events.Claim{Kind: "api-key", Value: second.User.ReadableKey})
		require.NoError(t, err)
		require.Empty(t, held.Holder, "the claim went with the key")

		third, err := s.SetReadableKey(ctx, as(ada, ""), ada.ID)
		require.NoError(t, err)
		_, err = s.Delete(ctx, system, ada.ID)
		require.NoError(t, err)
		_, err = s.UserByReadableKey(ctx, third.User.ReadableKey)
		refused(t, err, commands.NotFound, "user")
	})
}

func TestSigningUp(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, log commands.Log) {
		t.Helper()
		ctx, s := context.Background(), service(t, log)
		wanted := commands.Register{Username: "ada", Email: "ada@example.com", Password: "correct horse", Roles: []events.Role{events.RoleOwner}}
		acme := commands.SignUpOptions{Organization: &commands.CreateOrganization{Name: "acme", DisplayName: "ACME"}}
		res, err := s.SignUp(ctx, anyone, wanted, acme)
		require.NoError(t, err)
		require.False(t, res.User.Confirmed)
		require.Empty(t, res.User.Roles, "nobody makes themselves an owner")
		org := res.User.Memberships[0].Organization
		require.Equal(t, []events.Membership{{Organization: org, Roles: []string{events.OrganizationAdmin}}}, res.User.Memberships)

		wanted.Username = "bob"
		other := commands.SignUpOptions{Organization: &commands.CreateOrganization{Name: "other"}}
		_, err = s.SignUp(ctx, anyone, wanted, other)
		refused(t, err, commands.Conflict, "taken")
		_, err = s.FindOrganization(ctx, "other")
		refused(t, err, commands.NotFound, "organization")
		wanted.Email = "bob@example.com"
		_, err = s.SignUp(ctx, anyone, wanted, acme)
		refused(t, err, commands.Conflict, "taken")
		res, err = s.SignUp(ctx, anyone, wanted, commands.SignUpOptions{JoinPending: org})
		require.NoError(t, err)
		require.Equal(t, []events.Membership{{Organization: org, Roles: []string{events.OrganizationInvitationPending}}}, res.User.Memberships)
		pending := commands.Actor{UserID: res.User.ID, Scopes: []string{commands.ScopeAll}, Memberships: res.User.Memberships}
		require.False(t, commands.AllowedIn(pending, commands.ReadOrganization, org), "who is invited is not in it")
	})
}

func TestKeysOfStrangersWhoSignUp(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, log commands.Log) {
		t.Helper()
		ctx, s := context.Background(), service(t, log)
		wanted := func(name string) commands.Register {
			return commands.Register{Username: name, Email: name + "@example.com", Password: "correct horse"}
		}
		request := func(hash string) commands.Request {
			return commands.Request{IdempotencyKey: "1", RequestHash: hash, Dialect: "coder"}
		}
		ada, err := s.SignUp(ctx, request("ada"), wanted("ada"), commands.SignUpOptions{})
		require.NoError(t, err)
		again, err := s.SignUp(ctx, request("ada"), wanted("ada"), commands.SignUpOptions{})
		require.NoError(t, err)
		require.True(t, again.Repeated)
		require.Equal(t, ada.User.ID, again.User.ID)
		_, err = s.SignUp(ctx, request("other"), wanted("ada"), commands.SignUpOptions{})
		refused(t, err, commands.KeyReused, "")

		bob, err := s.SignUp(ctx, request("bob"), wanted("bob"), commands.SignUpOptions{})
		require.NoError(t, err, "the key is another stranger's")
		require.Equal(t, "bob", bob.User.Username)

		acme := commands.SignUpOptions{Organization: &commands.CreateOrganization{Name: "acme"}}
		eve, err := s.SignUp(ctx, request("eve"), wanted("eve"), acme)
		require.NoError(t, err)
		org, err := s.FindOrganization(ctx, "acme")
		require.NoError(t, err)
		require.Equal(t, []events.Membership{{Organization: org.ID, Roles: []string{events.OrganizationAdmin}}}, eve.User.Memberships)
		_, err = s.SignUp(ctx, request("eve"), wanted("eve"), acme)
		refused(t, err, commands.Conflict, "taken")
		_, err = s.FindOrganization(ctx, "acme")
		require.NoError(t, err, "the repeat takes nothing back")
	})
}

package commands_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
)

func TestProfileWritesMaySetThePassword(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, log commands.Log) {
		t.Helper()
		ctx, s := context.Background(), service(t, log)
		ada, bob := register(t, s, "ada", nil), register(t, s, "bob", nil)
		in, err := s.SignIn(ctx, anyone, commands.SignIn{Username: "ada", Password: "correct horse"})
		require.NoError(t, err)

		res, err := s.UpdateUser(ctx, as(ada, ""), commands.UpdateUser{UserID: ada.ID, FirstName: text("Ada"), Password: text("1111")})
		require.NoError(t, err)
		require.Equal(t, "Ada", res.User.FirstName)
		require.Equal(t, ada.Epoch, res.User.Epoch)
		require.Contains(t, res.User.Keys, in.Key.ID, "sessions stay")
		_, err = s.SignIn(ctx, anyone, commands.SignIn{Username: "ada", Password: "1111"})
		require.NoError(t, err)

		_, err = s.UpdateUser(ctx, as(ada, ""), commands.UpdateUser{UserID: ada.ID, Email: text(bob.Email), Password: text("2222")})
		refused(t, err, commands.Conflict, "taken")
		_, err = s.UpdateUser(ctx, as(ada, ""), commands.UpdateUser{UserID: ada.ID, Password: text("")})
		refused(t, err, commands.Invalid, "")
		_, err = s.UpdateUser(ctx, as(bob, ""), commands.UpdateUser{UserID: ada.ID, Password: text("2222")})
		refused(t, err, commands.Forbidden, "set-password")
		limited := as(ada, "")
		limited.Actor.Scopes = []string{commands.ScopeUsersWrite}
		_, err = s.UpdateUser(ctx, limited, commands.UpdateUser{UserID: ada.ID, Password: text("2222")})
		refused(t, err, commands.Forbidden, "set-password")
		_, err = s.SignIn(ctx, anyone, commands.SignIn{Username: "ada", Password: "1111"})
		require.NoError(t, err, "nothing of a refused write is there")

		none := register(t, s, "none", func(c *commands.Register) { c.LoginType, c.Password = events.LoginNone, "" })
		_, err = s.UpdateUser(ctx, as(none, ""), commands.UpdateUser{UserID: none.ID, Password: text("2222")})
		refused(t, err, commands.Precondition, "login-type")
	})
}

func TestResettingAPassword(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, log commands.Log) {
		t.Helper()
		ctx, s := context.Background(), service(t, log)
		ada := register(t, s, "ada", func(c *commands.Register) { c.Unconfirmed = true })
		reset := func(mark, password string) error {
			_, err := s.ResetPassword(ctx, anyone, commands.ResetPassword{UserID: ada.ID, Mark: mark, Password: password})
			return err
		}
		mark := commands.PasswordMark(ada)
		require.NotContains(t, ada.PasswordHash, mark)
		for _, wrong := range []string{"", "x", mark[1:], mark + "0"} {
			refused(t, reset(wrong, "1111"), commands.Unauthenticated, "reset")
		}
		refused(t, reset(mark, ""), commands.Invalid, "")
		require.NoError(t, reset(mark, "1111"))
		refused(t, reset(mark, "2222"), commands.Unauthenticated, "reset")
		_, err := s.SignIn(ctx, anyone, commands.SignIn{Username: "ada", Password: "1111"})
		require.NoError(t, err, "who read the mail has the address")

		now, err := s.Find(ctx, commands.UserRef{ID: ada.ID})
		require.NoError(t, err)
		mark = commands.PasswordMark(now)
		_, err = s.UpdateUser(ctx, as(ada, ""), commands.UpdateUser{UserID: ada.ID, Email: text("other@example.com")})
		require.NoError(t, err)
		refused(t, reset(mark, "3333"), commands.Unauthenticated, "reset")

		for _, id := range []string{"", "x", commandIDOfNobody} {
			_, err := s.ResetPassword(ctx, anyone, commands.ResetPassword{UserID: id, Mark: mark, Password: "4444"})
			refused(t, err, commands.NotFound, "user")
		}
		none := register(t, s, "none", func(c *commands.Register) { c.LoginType, c.Password = events.LoginNone, "" })
		_, err = s.ResetPassword(ctx, anyone, commands.ResetPassword{UserID: none.ID, Mark: commands.PasswordMark(none), Password: "4444"})
		refused(t, err, commands.Precondition, "login-type")
	})
}

const commandIDOfNobody = "01900000-0000-7000-8000-000000000000"

package commands_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/commands"
)

func TestCheckPassword(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, log commands.Log) {
		t.Helper()
		ctx, s := context.Background(), service(t, log)
		ada := register(t, s, "ada", nil)
		for _, c := range []commands.SignIn{{Email: "ADA@example.com", Password: "correct horse"}, {Username: "Ada", Password: "correct horse"}} {
			u, err := s.CheckPassword(ctx, c)
			require.NoError(t, err)
			require.Equal(t, ada.ID, u.ID)
			require.Empty(t, u.Keys, "no session is opened")
		}
		for _, c := range []commands.SignIn{
			{Email: ada.Email, Password: "wrong"}, {Email: "nobody@example.com", Password: "correct horse"}, {Username: "nobody", Password: "correct horse"},
		} {
			_, err := s.CheckPassword(ctx, c)
			refused(t, err, commands.Unauthenticated, "credentials")
		}
		_, err := s.CheckPassword(ctx, commands.SignIn{Password: "correct horse"})
		require.Equal(t, commands.Invalid, commands.CodeOf(err))
		_, err = s.Suspend(ctx, system, ada.ID)
		require.NoError(t, err)
		_, err = s.CheckPassword(ctx, commands.SignIn{Username: "ada", Password: "correct horse"})
		refused(t, err, commands.Unauthenticated, "suspended")
	})
}

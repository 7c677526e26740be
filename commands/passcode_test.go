package commands_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
)

func TestPasscodes(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, log commands.Log) {
		t.Helper()
		ctx := context.Background()
		s := service(t, log)
		u := register(t, s, "ann", nil)
		session, err := s.SignIn(ctx, anyone, commands.SignIn{Email: u.Email, Password: "correct horse"})
		require.NoError(t, err)
		change := commands.ChangePasswordByPasscode{Email: "ANN@example.com", Password: "battery staple"}

		code, who, err := s.RequestPasscode(ctx, anyone, "Ann@Example.com")
		require.NoError(t, err)
		require.Equal(t, u.ID, who.ID)
		require.Len(t, code, 22)
		for _, email := range []string{"", "nobody@example.com", "ann", "\x00", strings.Repeat("x", 9000)} {
			none, who, err := s.RequestPasscode(ctx, anyone, email)
			require.NoError(t, err)
			require.Empty(t, none)
			require.Empty(t, who.ID)
		}

		for _, wrong := range []string{"", code + "x", code[1:], strings.ToLower(code) + "\x00"} {
			change.Passcode = wrong
			_, err = s.ChangePasswordByPasscode(ctx, anyone, change)
			refused(t, err, commands.Unauthenticated, "passcode")
		}
		change.Passcode, change.Email = code, "nobody@example.com"
		_, err = s.ChangePasswordByPasscode(ctx, anyone, change)
		refused(t, err, commands.Unauthenticated, "passcode")
		change.Email, change.Password = u.Email, ""
		_, err = s.ChangePasswordByPasscode(ctx, anyone, change)
		refused(t, err, commands.Invalid, "")

		change.Password = "battery staple"
		res, err := s.ChangePasswordByPasscode(ctx, anyone, change)
		require.NoError(t, err)
		require.Empty(t, res.User.Keys, "every session is over")
		require.Greater(t, res.User.Epoch, session.User.Epoch)
		_, err = s.ChangePasswordByPasscode(ctx, anyone, change)
		refused(t, err, commands.Unauthenticated, "passcode")
		_, err = s.SignIn(ctx, anyone, commands.SignIn{Email: u.Email, Password: "correct horse"})
		refused(t, err, commands.Unauthenticated, "credentials")
		_, err = s.SignIn(ctx, anyone, commands.SignIn{Email: u.Email, Password: "battery staple"})
		require.NoError(t, err)

		recorded, err := log.Read(ctx, events.Aggregate{Kind: events.User, ID: u.ID}, 1)
		require.NoError(t, err)
		for _, e := range recorded {
			if p, ok := e.Payload.(*events.UserPasscodeRequested); ok {
				require.Equal(t, commands.HashSecret(code), p.Private.Hash, "its hash alone is kept")
			}
		}
	})
}

func TestPasscodesEnd(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	var late atomic.Int64
	start := time.Now()
	s := serviceAt(t, logs["memory"](t), func() time.Time { return start.Add(time.Duration(late.Load())) })
	u := register(t, s, "ann", nil)
	code, _, err := s.RequestPasscode(ctx, anyone, u.Email)
	require.NoError(t, err)
	late.Store(int64(20 * time.Minute))
	_, err = s.ChangePasswordByPasscode(ctx, anyone, commands.ChangePasswordByPasscode{Email: u.Email, Passcode: code, Password: "battery staple"})
	refused(t, err, commands.Unauthenticated, "passcode")
}

func TestPasscodeIsUsedOnceByWhoeverIsFirst(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, log commands.Log) {
		t.Helper()
		ctx := context.Background()
		services := []*commands.Service{service(t, log), service(t, log)}
		u := register(t, services[0], "ann", nil)
		code, _, err := services[0].RequestPasscode(ctx, anyone, u.Email)
		require.NoError(t, err)
		var won atomic.Int64
		each(16, func(i int) {
			_, err := services[i%2].ChangePasswordByPasscode(ctx, anyone, commands.ChangePasswordByPasscode{
				Email: u.Email, Passcode: code, Password: "battery staple",
			})
			if err == nil {
				won.Add(1)
				return
			}
			refused(t, err, commands.Unauthenticated, "passcode")
		})
		require.EqualValues(t, 1, won.Load())
	})
}

func TestWhoGetsNoPasscode(t *testing.T) {
	t.Parallel()
	s, _ := onMemory(t)
	ctx := context.Background()
	for name, change := range map[string]func(*commands.Register){
		"oidc":        func(c *commands.Register) { c.LoginType, c.Password = events.LoginOIDC, "" },
		"unconfirmed": func(c *commands.Register) { c.Unconfirmed = true },
	} {
		u := register(t, s, name, change)
		code, _, err := s.RequestPasscode(ctx, anyone, u.Email)
		require.NoError(t, err)
		require.Empty(t, code)
	}
	u := register(t, s, "gone", nil)
	_, err := s.Delete(ctx, system, u.ID)
	require.NoError(t, err)
	code, _, err := s.RequestPasscode(ctx, anyone, u.Email)
	require.NoError(t, err)
	require.Empty(t, code)
	u = register(t, s, "asleep", func(c *commands.Register) { c.Status = events.StatusDormant })
	code, _, err = s.RequestPasscode(ctx, anyone, u.Email)
	require.NoError(t, err)
	require.NotEmpty(t, code)
}

func TestSSHKeys(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, log commands.Log) {
		t.Helper()
		ctx := context.Background()
		s := service(t, log)
		u := register(t, s, "ann", nil)
		first, err := s.EnsureSSHKey(ctx, as(u, ""), u.ID)
		require.NoError(t, err)
		require.True(t, first.Changed)
		require.Equal(t, u.UpdatedAt, first.User.UpdatedAt, "the account is what it was")
		key := first.User.SSHKey
		require.NotNil(t, key)
		same, err := s.EnsureSSHKey(ctx, as(u, ""), u.ID)
		require.NoError(t, err)
		require.False(t, same.Changed)
		require.Equal(t, key, same.User.SSHKey)

		next, err := s.RegenerateSSHKey(ctx, as(u, "k"), u.ID)
		require.NoError(t, err)
		require.NotEqual(t, key.PublicKey, next.User.SSHKey.PublicKey)
		require.Equal(t, key.CreatedAt, next.User.SSHKey.CreatedAt)
		require.True(t, next.User.SSHKey.UpdatedAt.After(key.UpdatedAt))
		again, err := s.RegenerateSSHKey(ctx, as(u, "k"), u.ID)
		require.NoError(t, err)
		require.True(t, again.Repeated)
		require.Equal(t, next.User.SSHKey, again.User.SSHKey)

		bob := register(t, s, "bob", nil)
		_, err = s.EnsureSSHKey(ctx, as(bob, ""), u.ID)
		refused(t, err, commands.Forbidden, "read-personal")
		_, err = s.RegenerateSSHKey(ctx, as(bob, ""), u.ID)
		refused(t, err, commands.Forbidden, "write-personal")
	})
}

func TestParameters(t *testing.T) {
	t.Parallel()
	s, log := onMemory(t)
	ctx := context.Background()
	u := register(t, s, "ann", nil)
	c := commands.RecordParameter{UserID: u.ID, TemplateID: "0190C3A8-0000-7000-8000-0000000000EE", Name: "region", Value: "eu-1"}
	res, err := s.RecordParameter(ctx, as(u, ""), c)
	require.NoError(t, err)
	require.Equal(t, u.UpdatedAt, res.User.UpdatedAt)
	recorded, err := log.Read(ctx, events.Aggregate{Kind: events.User, ID: u.ID}, res.Position.Sequence)
	require.NoError(t, err)
	p, ok := recorded[0].Payload.(*events.UserParameterRecorded)
	require.True(t, ok)
	require.Equal(t, "0190c3a8-0000-7000-8000-0000000000ee", p.TemplateID)
	require.Equal(t, "region", p.Name)
	require.Equal(t, "eu-1", p.Private.Value)

	for field, change := range map[string]func(*commands.RecordParameter){
		"templateId": func(c *commands.RecordParameter) { c.TemplateID = "x" },
		"name":       func(c *commands.RecordParameter) { c.Name = "" },
		"value":      func(c *commands.RecordParameter) { c.Value = "\x00" },
	} {
		bad := c
		change(&bad)
		_, err := s.RecordParameter(ctx, as(u, ""), bad)
		require.Equal(t, field, refused(t, err, commands.Invalid, "").Fields[0].Field)
	}
	bob := register(t, s, "bob", func(c *commands.Register) { c.Roles = []events.Role{events.RoleUserAdmin} })
	_, err = s.RecordParameter(ctx, as(bob, ""), c)
	refused(t, err, commands.Forbidden, "record-parameters")
}

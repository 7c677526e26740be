package commands_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
)

func TestSignIn(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, log commands.Log) {
		t.Helper()
		ctx := context.Background()
		s := service(t, log)
		u := register(t, s, "ann", func(c *commands.Register) { c.Status = events.StatusDormant })
		res, err := s.SignIn(ctx, commands.Request{IP: "192.0.2.1", UserAgent: "test"}, commands.SignIn{Email: "Ann@Example.com", Password: "correct horse"})
		require.NoError(t, err)
		require.Equal(t, events.StatusActive, res.User.Status)
		require.Len(t, res.Token, 33)
		require.Equal(t, res.Key.ID, res.Token[:10])
		require.Equal(t, res.Key.SecretHash, commands.HashSecret(res.Token[11:]))
		require.WithinDuration(t, time.Now().Add(commands.DefaultSessionLifetime), res.Key.ExpiresAt, time.Minute)

		for _, c := range []commands.SignIn{
			{Username: "ann", Password: "wrong horse"}, {Username: "nobody", Password: "correct horse"}, {Email: "x@example.com", Password: "x"},
		} {
			_, err = s.SignIn(ctx, anyone, c)
			refused(t, err, commands.Unauthenticated, "credentials")
		}
		out, err := s.SignOut(ctx, as(u, ""), u.ID, res.Key.ID)
		require.NoError(t, err)
		require.True(t, out.Changed)
		require.Empty(t, out.User.Keys)
		out, err = s.SignOut(ctx, as(u, ""), u.ID, res.Key.ID)
		require.NoError(t, err)
		require.False(t, out.Changed)

		_, err = s.Suspend(ctx, system, u.ID)
		require.NoError(t, err)
		_, err = s.SignIn(ctx, anyone, commands.SignIn{Username: "ann", Password: "correct horse"})
		refused(t, err, commands.Unauthenticated, "suspended")
		_, err = s.SignIn(ctx, anyone, commands.SignIn{Username: "ann", Password: "wrong"})
		refused(t, err, commands.Unauthenticated, "credentials")
	})
}

func TestHashIsMadeAnewWhenItsCostsChange(t *testing.T) {
	t.Parallel()
	old, log := onMemory(t)
	ctx := context.Background()
	u := register(t, old, "ann", nil)
	dearer, err := commands.NewService(ctx, commands.Config{Log: log, PasswordParams: commands.PasswordParams{MemoryKiB: 128, Iterations: 1, Parallelism: 1}})
	require.NoError(t, err)
	for range 2 {
		res, err := dearer.SignIn(ctx, anyone, commands.SignIn{Username: "ann", Password: "correct horse"})
		require.NoError(t, err)
		require.NotEqual(t, u.PasswordHash, res.User.PasswordHash)
	}
	recorded, err := log.Read(ctx, events.Aggregate{Kind: events.User, ID: u.ID}, 1)
	require.NoError(t, err)
	require.Len(t, recorded, 4, "registered, rehashed, two sessions")
}

func TestRepeatedSignInShowsNoToken(t *testing.T) {
	t.Parallel()
	s, _ := onMemory(t)
	ctx := context.Background()
	register(t, s, "ann", nil)
	r := commands.Request{IdempotencyKey: "k", RequestHash: "h"}
	first, err := s.SignIn(ctx, r, commands.SignIn{Username: "ann", Password: "correct horse"})
	require.NoError(t, err)
	again, err := s.SignIn(ctx, r, commands.SignIn{Username: "ann", Password: "correct horse"})
	require.NoError(t, err)
	require.True(t, again.Repeated)
	require.Empty(t, again.Token)
	require.Equal(t, first.Key, again.Key)
	_, err = s.SignIn(ctx, r, commands.SignIn{Username: "ann", Password: "wrong"})
	refused(t, err, commands.Unauthenticated, "credentials")
}

func TestSetPassword(t *testing.T) {
	t.Parallel()
	s, _ := onMemory(t)
	ctx := context.Background()
	u := register(t, s, "ann", nil)
	_, err := s.SetPassword(ctx, as(u, ""), commands.SetPassword{UserID: u.ID, New: "next"})
	refused(t, err, commands.Invalid, "old-password")
	_, err = s.SetPassword(ctx, as(u, ""), commands.SetPassword{UserID: u.ID, Old: "wrong", New: "next"})
	refused(t, err, commands.Invalid, "old-password")
	_, err = s.SignIn(ctx, anyone, commands.SignIn{Username: "ann", Password: "correct horse"})
	require.NoError(t, err)
	res, err := s.SetPassword(ctx, as(u, ""), commands.SetPassword{UserID: u.ID, Old: "correct horse", New: "next", Revoke: true})
	require.NoError(t, err)
	require.Empty(t, res.User.Keys)
	_, err = s.SignIn(ctx, anyone, commands.SignIn{Username: "ann", Password: "correct horse"})
	refused(t, err, commands.Unauthenticated, "credentials")
	_, err = s.SignIn(ctx, anyone, commands.SignIn{Username: "ann", Password: "next"})
	require.NoError(t, err)
	limited := as(u, "")
	limited.Actor.Scopes = []string{commands.ScopeUsersWrite}
	_, err = s.SetPassword(ctx, limited, commands.SetPassword{UserID: u.ID, Old: "next", New: "third"})
	refused(t, err, commands.Forbidden, "set-password")
}

func TestKeys(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, log commands.Log) {
		t.Helper()
		ctx := context.Background()
		now := time.Date(2026, 5, 3, 12, 0, 0, 0, time.UTC)
		s := serviceAt(t, log, func() time.Time { return now })
		u := register(t, s, "ann", nil)
		made, err := s.CreateKey(ctx, as(u, ""), commands.CreateKey{UserID: u.ID, Name: "ci", Scopes: []string{"users:read", "users:read"}, Lifetime: time.Hour})
		require.NoError(t, err)
		require.Equal(t, []string{"users:read"}, made.Key.Scopes)
		_, err = s.CreateKey(ctx, as(u, ""), commands.CreateKey{UserID: u.ID, Name: "ci"})
		refused(t, err, commands.Conflict, "key-name")
		renewed, err := s.RegenerateKey(ctx, as(u, ""), u.ID, made.Key.ID, 2*time.Hour)
		require.NoError(t, err)
		require.NotEqual(t, made.Token, renewed.Token)
		require.Equal(t, made.Token[:11], renewed.Token[:11])
		require.Equal(t, renewed.Key.SecretHash, commands.HashSecret(renewed.Token[11:]))
		require.Equal(t, now.Add(2*time.Hour), renewed.Key.ExpiresAt)

		ended, err := s.ExpireKey(ctx, as(u, ""), u.ID, made.Key.ID)
		require.NoError(t, err)
		require.Equal(t, now, ended.Key.ExpiresAt)
		require.Equal(t, now, ended.User.Keys[made.Key.ID].ExpiresAt)
		ended, err = s.ExpireKey(ctx, as(u, ""), u.ID, made.Key.ID)
		require.NoError(t, err)
		require.False(t, ended.Changed)
		_, err = s.RegenerateKey(ctx, as(u, ""), u.ID, made.Key.ID, 0)
		refused(t, err, commands.NotFound, "key")
		gone, err := s.DeleteKey(ctx, as(u, ""), u.ID, made.Key.ID)
		require.NoError(t, err)
		require.True(t, gone.Changed)
		_, err = s.DeleteKey(ctx, as(u, ""), u.ID, made.Key.ID)
		refused(t, err, commands.NotFound, "key")
		_, err = s.CreateKey(ctx, as(u, ""), commands.CreateKey{UserID: u.ID, Scopes: []string{"everything"}, Lifetime: -1, Name: "\x00"})
		require.Len(t, refused(t, err, commands.Invalid, "").Fields, 3)
	})
}

// A session whose use prolonged its life leaves the state when the life that it
// was given ends; signing out must end it all the same.
func TestSignOutOfASessionThatOutlivedItself(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, log commands.Log) {
		t.Helper()
		ctx := context.Background()
		now := time.Now()
		s := serviceAt(t, log, func() time.Time { return now })
		u := register(t, s, "ann", nil)
		in, err := s.SignIn(ctx, anyone, commands.SignIn{Username: "ann", Password: "correct horse", Lifetime: time.Hour})
		require.NoError(t, err)
		now = now.Add(48 * time.Hour)
		_, err = s.UpdateUser(ctx, as(u, ""), commands.UpdateUser{UserID: u.ID, Name: text("A")})
		require.NoError(t, err)

		out, err := s.SignOut(ctx, as(u, ""), u.ID, in.Key.ID)
		require.NoError(t, err)
		require.True(t, out.Changed)
		out, err = s.SignOut(ctx, as(u, ""), u.ID, in.Key.ID)
		require.NoError(t, err)
		require.False(t, out.Changed)
	})
}

package commands_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
)

const anID = "0190c3a8-0000-7000-8000-00000000000a"

func TestLifetimesOfKeysFollowTheirUser(t *testing.T) {
	t.Parallel()
	log := logs["memory"](t)
	ctx := context.Background()
	now := time.Date(2026, 5, 3, 12, 0, 0, 0, time.UTC)
	s, err := commands.NewService(ctx, commands.Config{
		Log: log, Clock: func() time.Time { return now }, PasswordParams: cheap,
		SessionLifetime: 2 * time.Hour, DefaultTokenLifetime: 300 * time.Hour, MaxTokenLifetime: 1000 * time.Hour, MaxAdminTokenLifetime: 10 * time.Hour,
	})
	require.NoError(t, err)
	boss, ann := chief(t, s), register(t, s, "ann", nil)
	require.Equal(t, 10*time.Hour, s.MaxLifetime(boss))
	require.Equal(t, 1000*time.Hour, s.MaxLifetime(ann))
	create := func(by, of commands.User, lifetime time.Duration) (commands.Result, error) {
		return s.CreateKey(ctx, as(by, ""), commands.CreateKey{UserID: of.ID, Lifetime: lifetime})
	}
	res, err := create(boss, ann, 1000*time.Hour)
	require.NoError(t, err, "the cap itself is allowed, and that of who makes it does not count")
	require.Equal(t, now.Add(1000*time.Hour), res.Key.ExpiresAt)
	require.Equal(t, 1000*time.Hour, res.Key.Lifetime)
	_, err = create(ann, ann, 1000*time.Hour+1)
	require.Equal(t, commands.FieldError{Field: "lifetime", Rule: "too-long", Detail: "must be less than 1000h0m0s"}, refused(t, err, commands.Invalid, "").Fields[0])
	_, err = create(boss, boss, 11*time.Hour)
	require.Equal(t, "must be less than 10h0m0s", refused(t, err, commands.Invalid, "").Fields[0].Detail)
	res, err = create(boss, boss, 0)
	require.NoError(t, err, "there is no cap for the usual time")
	require.Equal(t, now.Add(300*time.Hour), res.Key.ExpiresAt)
	_, err = s.RegenerateKey(ctx, as(boss, ""), boss.ID, res.Key.ID, 11*time.Hour)
	refused(t, err, commands.Invalid, "")
	_, err = create(ann, ann, -1)
	refused(t, err, commands.Invalid, "")
	in, err := s.SignIn(ctx, anyone, commands.SignIn{Username: "ann", Password: "correct horse"})
	require.NoError(t, err)
	require.Equal(t, now.Add(2*time.Hour), in.Key.ExpiresAt)
}

func TestSessionWithoutASignIn(t *testing.T) {
	t.Parallel()
	s, _ := onMemory(t)
	ctx := context.Background()
	u := register(t, s, "ann", nil)
	res, err := s.CreateKey(ctx, as(u, ""), commands.CreateKey{UserID: u.ID, LoginType: events.LoginPassword})
	require.NoError(t, err)
	require.Equal(t, events.LoginPassword, res.Key.LoginType)
	require.Equal(t, []string{commands.ScopeAll}, res.Key.Scopes)
	require.Equal(t, commands.DefaultKeyLifetime, res.Key.Lifetime)
	_, err = s.CreateKey(ctx, as(u, ""), commands.CreateKey{UserID: u.ID, LoginType: events.LoginNone})
	refused(t, err, commands.Invalid, "")
	limited := as(u, "")
	limited.Actor.Scopes = []string{"api_key:create"}
	_, err = s.CreateKey(ctx, limited, commands.CreateKey{UserID: u.ID, LoginType: events.LoginPassword})
	refused(t, err, commands.Forbidden, "scope")
}

func TestAllowListsOfKeys(t *testing.T) {
	t.Parallel()
	s, log := onMemory(t)
	ctx := context.Background()
	u := register(t, s, "ann", nil)
	res, err := s.CreateKey(ctx, as(u, ""), commands.CreateKey{UserID: u.ID, AllowList: []events.Resource{
		{Type: "workspace", ID: "0190C3A8-0000-7000-8000-00000000000A"}, {Type: "user", ID: "*"}, {Type: "user", ID: anID}, {Type: "api_key", ID: "*"},
	}})
	require.NoError(t, err)
	list := []events.Resource{{Type: "api_key", ID: "*"}, {Type: "user", ID: "*"}, {Type: "workspace", ID: anID}}
	require.Equal(t, list, res.Key.AllowList)
	found, err := service(t, log).Find(ctx, commands.UserRef{ID: u.ID})
	require.NoError(t, err)
	require.Equal(t, list, found.Keys[res.Key.ID].AllowList)

	limited := as(u, "")
	limited.Actor.AllowList = list
	for _, wanted := range [][]events.Resource{nil, {{Type: "workspace", ID: "*"}}, {{Type: "*", ID: anID}}, {{Type: "template", ID: "*"}}} {
		_, err = s.CreateKey(ctx, limited, commands.CreateKey{UserID: u.ID, AllowList: wanted})
		refused(t, err, commands.Forbidden, "scope")
	}
	_, err = s.CreateKey(ctx, limited, commands.CreateKey{UserID: u.ID, AllowList: list[1:]})
	require.NoError(t, err)
	wide, err := s.CreateKey(ctx, as(u, ""), commands.CreateKey{UserID: u.ID, AllowList: []events.Resource{{Type: "*", ID: "*"}, list[0]}})
	require.NoError(t, err)
	require.Empty(t, wide.Key.AllowList)
	_, err = s.RegenerateKey(ctx, limited, u.ID, wide.Key.ID, 0)
	refused(t, err, commands.Forbidden, "scope")
	for _, bad := range [][]events.Resource{{{Type: "spaceship", ID: "*"}}, {{Type: "user", ID: "x"}}, {{}}, make([]events.Resource, 129)} {
		_, err = s.CreateKey(ctx, as(u, ""), commands.CreateKey{UserID: u.ID, AllowList: bad})
		require.Equal(t, "allowList", refused(t, err, commands.Invalid, "").Fields[0].Field)
	}
}

// A key whose use prolonged its life is ended by its expiry all the same, though
// in the log it had ended before.
func TestExpiryOfAKeyThatOutlivedItself(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, log commands.Log) {
		t.Helper()
		ctx := context.Background()
		now := time.Date(2026, 5, 3, 12, 0, 0, 0, time.UTC)
		s := serviceAt(t, log, func() time.Time { return now })
		u := register(t, s, "ann", nil)
		token, err := s.CreateKey(ctx, as(u, ""), commands.CreateKey{UserID: u.ID, Lifetime: 2 * time.Hour})
		require.NoError(t, err)
		session, err := s.SignIn(ctx, anyone, commands.SignIn{Username: "ann", Password: "correct horse", Lifetime: 2 * time.Hour})
		require.NoError(t, err)
		now = now.Add(90 * time.Minute)
		for _, id := range []string{token.Key.ID, session.Key.ID} {
			require.NoError(t, s.KeepUsage(events.Usage{KeyID: id, UserID: u.ID, LastUsed: now, ExpiresAt: now.Add(2 * time.Hour)}))
			require.Eventually(t, func() bool {
				kept, err := s.Usage(ctx, id)
				return err == nil && kept.LastUsed.Equal(now)
			}, 5*time.Second, time.Millisecond)
		}
		now = now.Add(time.Hour)
		_, err = s.UpdateUser(ctx, as(u, ""), commands.UpdateUser{UserID: u.ID, Name: text("A")})
		require.NoError(t, err, "with which what ended in the log leaves the state")
		for _, id := range []string{token.Key.ID, session.Key.ID} {
			for i := range 2 {
				res, err := s.ExpireKey(ctx, as(u, ""), u.ID, id)
				require.NoError(t, err)
				require.Equal(t, i == 0, res.Changed, "%s %d", id, i)
			}
		}
		_, err = s.RegenerateKey(ctx, as(u, ""), u.ID, token.Key.ID, 0)
		refused(t, err, commands.NotFound, "key")
	})
}

func TestSignOutEndsTheKeysOfApplications(t *testing.T) {
	t.Parallel()
	s, _ := onMemory(t)
	ctx := context.Background()
	u := register(t, s, "ann", nil)
	key := func(name string, scopes ...string) commands.Key {
		res, err := s.CreateKey(ctx, as(u, ""), commands.CreateKey{UserID: u.ID, Name: name, Scopes: scopes})
		require.NoError(t, err)
		return res.Key
	}
	in, err := s.SignIn(ctx, anyone, commands.SignIn{Username: "ann", Password: "correct horse"})
	require.NoError(t, err)
	other, err := s.SignIn(ctx, anyone, commands.SignIn{Username: "ann", Password: "correct horse"})
	require.NoError(t, err)
	stays := key("ci", "user:read")
	key("app1", "application_connect")
	key("app2", commands.ScopeApplicationConnect, "user:read")
	out, err := s.SignOut(ctx, as(u, ""), u.ID, in.Key.ID)
	require.NoError(t, err)
	require.Len(t, out.User.Keys, 2)
	require.Contains(t, out.User.Keys, other.Key.ID)
	require.Contains(t, out.User.Keys, stays.ID)
}

func TestClosedSignIn(t *testing.T) {
	t.Parallel()
	log := logs["memory"](t)
	ctx := context.Background()
	s, err := commands.NewService(ctx, commands.Config{Log: log, PasswordParams: cheap, NoPasswords: true})
	require.NoError(t, err)
	u := register(t, s, "ann", nil)
	_, err = s.Suspend(ctx, system, u.ID)
	require.NoError(t, err)
	_, err = s.SignIn(ctx, anyone, commands.SignIn{Username: "ann", Password: "wrong"})
	refused(t, err, commands.Unauthenticated, "credentials")
	_, err = s.SignIn(ctx, anyone, commands.SignIn{Username: "ann", Password: "correct horse"})
	refused(t, err, commands.Forbidden, "password-disabled")
}

func TestTheSamePasswordAgain(t *testing.T) {
	t.Parallel()
	s, _ := onMemory(t)
	ctx := context.Background()
	u := register(t, s, "ann", nil)
	set := func(r commands.Request, old, next string) error {
		_, err := s.SetPassword(ctx, r, commands.SetPassword{UserID: u.ID, Old: old, New: next, Different: true})
		return err
	}
	refused(t, set(as(u, ""), "correct horse", "correct horse"), commands.Invalid, "same-password")
	refused(t, set(as(u, ""), "wrong", "correct horse"), commands.Invalid, "old-password")
	refused(t, set(system, "", "correct horse"), commands.Invalid, "same-password")
	require.NoError(t, set(system, "", "another"))
}

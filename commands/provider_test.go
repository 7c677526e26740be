package commands_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
)

func byOIDC(name string, change func(*commands.SignInWith)) commands.SignInWith {
	c := commands.SignInWith{
		LoginType: events.LoginOIDC, Identity: events.Identity{Provider: "oidc", Subject: "https://id.example.com|" + name},
		Email: name + "@example.com", Username: name, Name: "Name of " + name, SignUp: true,
		Claims: map[string]any{"sub": name, "groups": []any{"a\x00", "b"}},
		Tokens: commands.ProviderTokens{AccessToken: "access", RefreshToken: "refresh", ExpiresAt: time.Now().Add(time.Hour)},
	}
	if change != nil {
		change(&c)
	}
	return c
}

func TestSignInWithAProvider(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, log commands.Log) {
		t.Helper()
		ctx := context.Background()
		s := service(t, log)
		r := commands.Request{Dialect: "coder", IP: "192.0.2.1", UserAgent: "browser"}

		first, err := s.SignInWith(ctx, r, byOIDC("root", func(c *commands.SignInWith) { c.SignUp = false }))
		require.NoError(t, err)
		require.Equal(t, []events.Role{events.RoleOwner}, first.User.Roles, "the first one becomes owner")
		require.Equal(t, events.LoginOIDC, first.User.LoginType)
		require.Equal(t, "root", first.User.Username)

		_, err = s.SignInWith(ctx, r, byOIDC("ann", func(c *commands.SignInWith) { c.SignUp = false }))
		refused(t, err, commands.Forbidden, "signup")
		res, err := s.SignInWith(ctx, r, byOIDC("ann", nil))
		require.NoError(t, err)
		u := res.User
		require.Empty(t, u.Roles)
		require.Equal(t, events.StatusActive, u.Status)
		require.Equal(t, []events.Membership{{Organization: s.DefaultOrganization()}}, u.Memberships)
		require.Equal(t, "Name of ann", u.Name)
		require.Equal(t, "access", u.Providers["oidc"].AccessToken)
		require.NotNil(t, u.SSHKey)
		require.Len(t, res.Token, 33)
		require.Equal(t, events.LoginOIDC, res.Key.LoginType)
		require.Equal(t, res.Key.SecretHash, commands.HashSecret(res.Token[11:]))
		require.WithinDuration(t, time.Now().Add(commands.DefaultSessionLifetime), res.Key.ExpiresAt, time.Minute)
		require.JSONEq(t, `{"sub":"ann","groups":["a","b"]}`, string(claimsOf(t, log, u.ID)))

		// A second time: found by the account, whatever the address and the name are.
		again, err := s.SignInWith(ctx, r, byOIDC("ann", func(c *commands.SignInWith) {
			c.Email, c.Username, c.Name, c.SignUp = "ann@other.example.com", "other", "", false
		}))
		require.NoError(t, err)
		require.Equal(t, u.ID, again.User.ID)
		require.Equal(t, "ann@other.example.com", again.User.Email)
		require.Equal(t, "ann", again.User.Username)
		require.Equal(t, "Name of ann", again.User.Name, "what is not said stays")
		require.Len(t, again.User.Keys, 2)
		found, err := s.Find(ctx, commands.UserRef{Email: "ann@other.example.com"})
		require.NoError(t, err)
		require.Equal(t, u.ID, found.ID)

		// Somebody else's address is left where it is.
		again, err = s.SignInWith(ctx, r, byOIDC("ann", func(c *commands.SignInWith) { c.Email = "root@example.com" }))
		require.NoError(t, err)
		require.Equal(t, u.ID, again.User.ID)
		require.Equal(t, "ann@other.example.com", again.User.Email)

		_, err = s.Suspend(ctx, system, u.ID)
		require.NoError(t, err)
		_, err = s.SignInWith(ctx, r, byOIDC("ann", nil))
		refused(t, err, commands.Unauthenticated, "suspended")

		_, err = s.Delete(ctx, system, u.ID)
		require.NoError(t, err)
		next, err := s.SignInWith(ctx, r, byOIDC("ann", nil))
		require.NoError(t, err)
		require.NotEqual(t, u.ID, next.User.ID, "a new user of the same account")
	})
}

// claimsOf returns the claims that a provider gave at the last sign-in.
func claimsOf(tb testing.TB, log commands.Log, id string) json.RawMessage {
	tb.Helper()
	recorded, err := log.Read(context.Background(), events.Aggregate{Kind: events.User, ID: id}, 1)
	require.NoError(tb, err)
	var out json.RawMessage
	for _, e := range recorded {
		if p, ok := e.Payload.(*events.UserProviderAnswered); ok && p.Private.Claims != nil {
			out = p.Private.Claims
		}
	}
	return out
}

func TestSignInWithAProviderFindsByAddress(t *testing.T) {
	t.Parallel()
	s, _ := onMemory(t)
	ctx := context.Background()
	register(t, s, "ann", nil)
	made := register(t, s, "bob", func(c *commands.Register) {
		c.LoginType, c.Password, c.Status = events.LoginOIDC, "", events.StatusDormant
	})
	_, err := s.SignInWith(ctx, anyone, byOIDC("ann", nil))
	e := refused(t, err, commands.Unauthenticated, "login-type")
	require.Equal(t, "password", e.Fields[0].Detail)

	res, err := s.SignInWith(ctx, anyone, byOIDC("x", func(c *commands.SignInWith) { c.Email, c.SignUp = "BOB@example.com", false }))
	require.NoError(t, err)
	require.Equal(t, made.ID, res.User.ID)
	require.Equal(t, events.StatusActive, res.User.Status, "it woke up")
	require.Equal(t, []events.Identity{{Provider: "oidc", Subject: "https://id.example.com|x"}}, res.User.Identities)
	require.Equal(t, "BOB@example.com", res.User.Email)

	_, err = s.SignInWith(ctx, anyone, byOIDC("y", func(c *commands.SignInWith) { c.Email = "bob@example.com" }))
	refused(t, err, commands.Forbidden, "identity")
}

func TestUsernamesFromProviders(t *testing.T) {
	t.Parallel()
	s, _ := onMemory(t)
	ctx := context.Background()
	register(t, s, "ann", nil)
	github := func(login string, n int) commands.SignInWith {
		return commands.SignInWith{
			LoginType: events.LoginGitHub, Identity: events.Identity{Provider: "github", Subject: fmt.Sprint(n)},
			Email: fmt.Sprintf("g%d@example.com", n), Username: login, SignUp: true,
		}
	}
	for i, tt := range []struct{ login, want string }{
		{"bob", "^bob$"},
		{"Ann", "^Ann-[a-z0-9]{6}$"},
		{"a_b", "^a-b$"},
		{"carl@example.com", "^carl$"},
		{"\x00\xff", "^[a-z]+-[a-z]+$"},
		{"", "^g5$"},
		{strings.Repeat("x", 5000), "^[a-z]+-[a-z]+$"},
	} {
		res, err := s.SignInWith(ctx, anyone, github(tt.login, i))
		require.NoError(t, err, tt.login)
		require.Regexp(t, tt.want, res.User.Username, tt.login)
	}
}

func TestConvertLogin(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, log commands.Log) {
		t.Helper()
		ctx := context.Background()
		s := service(t, log)
		u, bob := register(t, s, "ann", nil), register(t, s, "bob", nil)
		convert := func(c *commands.SignInWith) { c.Convert, c.SignUp = u.ID, true }

		_, err := s.ProvePassword(ctx, as(u, ""), u.ID, "wrong")
		refused(t, err, commands.Unauthenticated, "credentials")
		_, err = s.ProvePassword(ctx, as(bob, ""), u.ID, "correct horse")
		refused(t, err, commands.Forbidden, "set-password")
		limited := as(u, "")
		limited.Actor.Scopes = []string{"user:update_personal"}
		_, err = s.ProvePassword(ctx, limited, u.ID, "correct horse")
		refused(t, err, commands.Forbidden, "set-password")
		proved, err := s.ProvePassword(ctx, as(u, ""), u.ID, "correct horse")
		require.NoError(t, err)
		require.Equal(t, u.ID, proved.ID)

		_, err = s.SignInWith(ctx, anyone, byOIDC("stranger", convert))
		refused(t, err, commands.Precondition, "convert")
		_, err = s.SignInWith(ctx, anyone, byOIDC("bob", convert))
		refused(t, err, commands.Precondition, "convert")

		res, err := s.SignInWith(ctx, anyone, byOIDC("ann", convert))
		require.NoError(t, err)
		require.Equal(t, u.ID, res.User.ID)
		require.Equal(t, events.LoginOIDC, res.User.LoginType)
		require.NotEmpty(t, res.Token)
		_, err = s.SignIn(ctx, anyone, commands.SignIn{Email: u.Email, Password: "correct horse"})
		refused(t, err, commands.Unauthenticated, "credentials")
		_, err = s.ProvePassword(ctx, as(u, ""), u.ID, "correct horse")
		refused(t, err, commands.Unauthenticated, "credentials")
		_, err = s.SignInWith(ctx, anyone, byOIDC("ann", nil))
		require.NoError(t, err)
	})
}

func TestSignInsOfOneNewcomerAtOnce(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, log commands.Log) {
		t.Helper()
		ctx := context.Background()
		services := []*commands.Service{service(t, log), service(t, log)}
		var mu sync.Mutex
		ids, owners := map[string]int{}, map[string]bool{}
		each(16, func(i int) {
			name := []string{"ann", "bob"}[i/2%2]
			res, err := services[i%2].SignInWith(ctx, anyone, byOIDC(name, nil))
			mu.Lock()
			defer mu.Unlock()
			require.NoError(t, err)
			ids[res.User.ID]++
			if len(res.User.Roles) > 0 {
				owners[res.User.ID] = true
			}
		})
		require.Len(t, ids, 2, "one user for each account")
		require.Len(t, owners, 1, "one of them was the first")
	})
}

func TestRenewedTokens(t *testing.T) {
	t.Parallel()
	s, log := onMemory(t)
	ctx := context.Background()
	res, err := s.SignInWith(ctx, anyone, byOIDC("ann", nil))
	require.NoError(t, err)
	u := res.User
	r := commands.Request{Actor: commands.Actor{UserID: commands.SystemActor}}
	tokens := commands.ProviderTokens{AccessToken: "newer", RefreshToken: "refresh2", ExpiresAt: time.Now().Add(time.Hour)}
	renewed, err := s.RenewProviderTokens(ctx, r, u.ID, "oidc", tokens)
	require.NoError(t, err)
	require.True(t, renewed.Changed)
	require.Equal(t, "newer", renewed.User.Providers["oidc"].AccessToken)
	require.WithinDuration(t, tokens.ExpiresAt, renewed.User.Providers["oidc"].ExpiresAt, time.Millisecond)
	require.JSONEq(t, `{"sub":"ann","groups":["a","b"]}`, string(claimsOf(t, log, u.ID)))
	renewed, err = s.RenewProviderTokens(ctx, r, u.ID, "oidc", tokens)
	require.NoError(t, err)
	require.False(t, renewed.Changed)
	_, err = s.RenewProviderTokens(ctx, r, u.ID, "github", tokens)
	refused(t, err, commands.NotFound, "provider")
}

func TestBadWordsOfProviders(t *testing.T) {
	t.Parallel()
	s, _ := onMemory(t)
	ctx := context.Background()
	for field, change := range map[string]func(*commands.SignInWith){
		"loginType":    func(c *commands.SignInWith) { c.LoginType, c.Identity.Provider = events.LoginPassword, "password" },
		"identity":     func(c *commands.SignInWith) { c.Identity.Provider = "github" },
		"email":        func(c *commands.SignInWith) { c.Email = "ann" },
		"accessToken":  func(c *commands.SignInWith) { c.Tokens.AccessToken = strings.Repeat("x", 40<<10) },
		"refreshToken": func(c *commands.SignInWith) { c.Tokens.RefreshToken = "\x00" },
		"claims":       func(c *commands.SignInWith) { c.Claims = map[string]any{"x": strings.Repeat("x", 200<<10)} },
		"lifetime":     func(c *commands.SignInWith) { c.Lifetime = -1 },
	} {
		_, err := s.SignInWith(ctx, anyone, byOIDC("ann", change))
		e := refused(t, err, commands.Invalid, "")
		require.Equal(t, field, e.Fields[0].Field, "%v", e.Fields)
	}
	_, err := s.SignInWith(ctx, anyone, byOIDC("ann", func(c *commands.SignInWith) { c.Identity.Subject = "" }))
	refused(t, err, commands.Invalid, "")
	exists, err := s.FirstUserExists(ctx)
	require.NoError(t, err)
	require.False(t, exists)
	res, err := s.SignInWith(ctx, anyone, byOIDC("ann", func(c *commands.SignInWith) {
		c.Avatar, c.Name, c.Email = "javascript:x", " \x00 ", ""
	}))
	require.NoError(t, err)
	require.Empty(t, res.User.Avatar+res.User.Name+res.User.Email)
}

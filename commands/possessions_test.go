package commands

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"
	"pgregory.net/rapid"

	"github.com/rosterhq/roster/events"
)

// anyPossession draws a command on what a user has and signs in by.
func anyPossession(t *rapid.T, id string, u User) userCommand {
	identities := []events.Identity{{Provider: "github", Subject: "1"}, {Provider: "github", Subject: "2"}, {Provider: "oidc", Subject: "a|1"}}
	identity := pick(t, identities)
	return pick(t, []userCommand{
		generateSSHKey{pair: events.UserSSHKeyPrivate{PublicKey: "p" + id, PrivateKey: "s"}, missing: rapid.Bool().Draw(t, "missing")},
		recordParameter{RecordParameter{UserID: id, TemplateID: "t", Name: "region", Value: "eu"}},
		requestPasscode{hash: []byte("one")},
		usePasscode{hash: []byte(pick(t, []string{"one", "two"})), password: "passed"},
		renewTokens{provider: identity.Provider, tokens: ProviderTokens{AccessToken: pick(t, []string{"a", "b"})}},
		signInWith{
			loginType: events.LoginType(identity.Provider), identity: identity, email: pick(t, someMails), name: pick(t, someNames),
			said: []byte(`{"sub":"1"}`), tokens: ProviderTokens{AccessToken: "a"}, convert: rapid.Bool().Draw(t, "convert"),
			keyID: pick(t, someKeys), secretHash: []byte("s"), lifetime: time.Hour,
		},
	})
}

func TestSSHKeysAreKeys(t *testing.T) {
	t.Parallel()
	pair, err := newSSHKey()
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(pair.PublicKey, "ssh-ed25519 AAAA"))
	require.True(t, strings.HasSuffix(pair.PublicKey, "\n"))
	require.Equal(t, 1, strings.Count(pair.PublicKey, "\n"), "one line of authorized_keys")
	require.Contains(t, pair.PrivateKey, "BEGIN OPENSSH PRIVATE KEY")
	public, _, _, rest, err := ssh.ParseAuthorizedKey([]byte(pair.PublicKey))
	require.NoError(t, err)
	require.Empty(t, rest)
	signer, err := ssh.ParsePrivateKey([]byte(pair.PrivateKey))
	require.NoError(t, err)
	require.Equal(t, public.Marshal(), signer.PublicKey().Marshal(), "the halves belong together")
	other, err := newSSHKey()
	require.NoError(t, err)
	require.NotEqual(t, pair, other)
}

func TestPossessionDecisions(t *testing.T) {
	t.Parallel()
	signIn := func(change func(*signInWith)) signInWith {
		c := signInWith{
			loginType: events.LoginOIDC, identity: events.Identity{Provider: "oidc", Subject: "https://id.example.com|1"},
			email: "bob@example.com", keyID: "k1", secretHash: []byte("s"), lifetime: time.Hour,
		}
		if change != nil {
			change(&c)
		}
		return c
	}
	oidc := func(t *testing.T, w *world) {
		t.Helper()
		require.Nil(t, w.do(t, system, "bob", newcomer("bob", func(c *registerUser) { c.loginType, c.password = events.LoginOIDC, "" }), ""))
	}
	linked := func(t *testing.T, w *world) {
		t.Helper()
		oidc(t, w)
		require.Nil(t, w.do(t, system, "bob", signIn(nil), ""))
	}
	passcode := func(t *testing.T, w *world) {
		t.Helper()
		require.Nil(t, w.do(t, Actor{}, "ann", requestPasscode{hash: []byte("one")}, ""))
	}
	opened, answered := events.Type("roster.user.session-opened.v1"), events.Type("roster.user.provider-answered.v1")
	tests := []struct {
		name    string
		given   func(t *testing.T, w *world)
		after   time.Duration
		actor   Actor
		user    string
		command userCommand
		events  []events.Type
		code    Code
		reason  string
	}{
		{
			name: "first SSH key", actor: ann, user: "ann", command: generateSSHKey{missing: true},
			events: []events.Type{"roster.user.ssh-key-generated.v1"},
		},
		{
			name: "SSH key that is there", actor: ann, user: "ann", command: generateSSHKey{missing: true},
			given: func(t *testing.T, w *world) { t.Helper(); require.Nil(t, w.do(t, ann, "ann", generateSSHKey{}, "")) },
		},
		{
			name: "SSH key again", actor: ann, user: "ann", command: generateSSHKey{},
			given:  func(t *testing.T, w *world) { t.Helper(); require.Nil(t, w.do(t, ann, "ann", generateSSHKey{}, "")) },
			events: []events.Type{"roster.user.ssh-key-generated.v1"},
		},
		{
			name: "passcode", user: "ann", command: requestPasscode{hash: []byte("one")},
			events: []events.Type{"roster.user.passcode-requested.v1"},
		},
		{name: "passcode of who has no password", given: oidc, user: "bob", command: requestPasscode{}, code: Unauthenticated, reason: "passcode"},
		{
			name: "passcode of who is not confirmed", user: "bob", command: requestPasscode{}, code: Unauthenticated, reason: "passcode",
			given: func(t *testing.T, w *world) {
				t.Helper()
				require.Nil(t, w.do(t, system, "bob", newcomer("bob", func(c *registerUser) { c.confirmed = false }), ""))
			},
		},
		{name: "no passcode was made", user: "ann", command: usePasscode{}, code: Unauthenticated, reason: "passcode"},
		{name: "wrong passcode", given: passcode, user: "ann", command: usePasscode{hash: []byte("two")}, code: Unauthenticated, reason: "passcode"},
		{
			name: "right passcode", given: passcode, after: 20*time.Minute - 1, user: "ann",
			command: usePasscode{hash: []byte("one"), password: "p"}, events: []events.Type{"roster.user.password-set.v1"},
		},
		{name: "late passcode", given: passcode, after: 20 * time.Minute, user: "ann", command: usePasscode{hash: []byte("one")}, code: Unauthenticated, reason: "passcode"},
		{
			name: "passcode after another password", user: "ann", command: usePasscode{hash: []byte("one")}, code: Unauthenticated, reason: "passcode",
			given: func(t *testing.T, w *world) {
				t.Helper()
				passcode(t, w)
				require.Nil(t, w.do(t, system, "ann", setPassword{hash: "other"}, ""))
			},
		},
		{
			name: "older passcode", user: "ann", command: usePasscode{hash: []byte("one")}, code: Unauthenticated, reason: "passcode",
			given: func(t *testing.T, w *world) {
				t.Helper()
				passcode(t, w)
				require.Nil(t, w.do(t, Actor{}, "ann", requestPasscode{hash: []byte("two")}, ""))
			},
		},
		{
			name: "first sign-in by a provider", given: oidc, user: "bob", command: signIn(nil),
			events: []events.Type{"roster.user.identity-linked.v1", answered, opened},
		},
		{name: "second sign-in by a provider", given: linked, user: "bob", command: signIn(nil), events: []events.Type{answered, opened}},
		{
			name: "the provider says everything anew", given: linked, user: "bob",
			command: signIn(func(c *signInWith) {
				c.email, c.name, c.avatar = "b@example.com", "Bob", "https://example.com/b.png"
			}),
			events: []events.Type{"roster.user.profile-updated.v1", "roster.user.email-changed.v1", answered, opened},
		},
		{
			name: "the provider knows another case of the address", given: linked, user: "bob",
			command: signIn(func(c *signInWith) { c.email = "Bob@example.com" }),
			events:  []events.Type{"roster.user.email-changed.v1", answered, opened},
		},
		{
			name: "the provider says somebody else's address", given: linked, user: "bob",
			command: signIn(func(c *signInWith) { c.email = "ann@example.com" }), events: []events.Type{answered, opened},
		},
		{
			name: "the provider says no address", given: linked, user: "bob",
			command: signIn(func(c *signInWith) { c.email = "" }), events: []events.Type{answered, opened},
		},
		{
			name: "another account of the same issuer with the address", given: linked, user: "bob",
			command: signIn(func(c *signInWith) { c.identity.Subject = "https://id.example.com|2" }), code: Forbidden, reason: "identity",
		},
		{
			name: "another account whose name at the issuer has a bar", given: linked, user: "bob",
			command: signIn(func(c *signInWith) { c.identity.Subject = "https://id.example.com|auth0|2" }), code: Forbidden, reason: "identity",
		},
		{
			name: "an account of another issuer with the address", given: linked, user: "bob",
			command: signIn(func(c *signInWith) { c.identity.Subject = "https://other.example.com|1" }),
			events:  []events.Type{"roster.user.identity-linked.v1", answered, opened},
		},
		{
			name: "the address is no longer the user's", given: oidc, user: "bob",
			command: signIn(func(c *signInWith) { c.email = "b@example.com" }), code: Conflict, reason: "race",
		},
		{
			name: "the account was tied to somebody else", user: "eve", code: Conflict, reason: "race",
			given: func(t *testing.T, w *world) {
				t.Helper()
				linked(t, w)
				require.Nil(t, w.do(t, system, "eve", newcomer("eve", func(c *registerUser) { c.loginType, c.password = events.LoginOIDC, "" }), ""))
			},
			command: signIn(func(c *signInWith) { c.email = "eve@example.com" }),
		},
		{
			name: "who signs in by password", user: "ann", code: Unauthenticated, reason: "login-type",
			command: signIn(func(c *signInWith) { c.email = "ann@example.com" }),
		},
		{
			name: "who signs in by another provider", given: oidc, user: "bob", code: Unauthenticated, reason: "login-type",
			command: signIn(func(c *signInWith) {
				c.loginType, c.identity = events.LoginGitHub, events.Identity{Provider: "github", Subject: "1"}
				c.convert = true
			}),
		},
		{
			name: "from a password to a provider", user: "ann",
			command: signIn(func(c *signInWith) { c.email, c.convert = "ann@example.com", true }),
			events:  []events.Type{"roster.user.identity-linked.v1", "roster.user.login-type-changed.v1", answered, opened},
		},
		{
			name: "suspended", user: "bob", command: signIn(nil), code: Unauthenticated, reason: "suspended",
			given: func(t *testing.T, w *world) {
				t.Helper()
				oidc(t, w)
				require.Nil(t, w.do(t, system, "bob", suspendUser{}, ""))
			},
		},
		{
			name: "not confirmed", user: "bob", command: signIn(nil), code: Unauthenticated, reason: "unconfirmed",
			given: func(t *testing.T, w *world) {
				t.Helper()
				require.Nil(t, w.do(t, system, "bob", newcomer("bob", func(c *registerUser) {
					c.loginType, c.password, c.confirmed = events.LoginOIDC, "", false
				}), ""))
			},
		},
		{
			name: "newer tokens", given: linked, user: "bob", command: renewTokens{provider: "oidc", tokens: ProviderTokens{AccessToken: "new"}},
			events: []events.Type{answered},
		},
		{name: "the same tokens", given: linked, user: "bob", command: renewTokens{provider: "oidc"}},
		{name: "tokens of another provider", given: linked, user: "bob", command: renewTokens{provider: "github"}, code: NotFound, reason: "provider"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := town(t)
			if test.given != nil {
				test.given(t, w)
			}
			w.now = w.now.Add(test.after)
			before := len(w.history[test.user])
			refused := w.do(t, test.actor, test.user, test.command, "")
			w.check(t)
			if test.code != "" {
				require.NotNil(t, refused)
				require.Equal(t, test.code, refused.Code)
				require.Equal(t, test.reason, refused.Reason)
				return
			}
			require.Nil(t, refused)
			var got []events.Type
			for _, e := range w.history[test.user][before:] {
				got = append(got, e.Type)
			}
			require.Equal(t, test.events, got)
		})
	}
}

func TestConversionEndsThePassword(t *testing.T) {
	t.Parallel()
	w := town(t)
	require.Nil(t, w.do(t, Actor{}, "ann", requestPasscode{hash: []byte("one")}, ""))
	require.Nil(t, w.do(t, Actor{}, "ann", signInWith{
		loginType: events.LoginGitHub, identity: events.Identity{Provider: "github", Subject: "7"}, email: "ann@example.com",
		convert: true, keyID: "k1", lifetime: time.Hour,
	}, ""))
	u := w.state["ann"]
	require.Equal(t, events.LoginGitHub, u.LoginType)
	require.Empty(t, u.PasswordHash)
	require.Nil(t, u.Passcode)
	require.Equal(t, events.LoginGitHub, u.Keys["k1"].LoginType)
	require.Equal(t, "ann", w.claims[identityClaim(events.Identity{Provider: "github", Subject: "7"})].Holder)
}

func TestWhatProvidersClaim(t *testing.T) {
	t.Parallel()
	require.Equal(t, "Ann B", claimedName(" Ann\x00 B\n"))
	require.Equal(t, strings.Repeat("é", 64), claimedName(strings.Repeat("é", 65)))
	require.Equal(t, strings.Repeat("x", 127), claimedName(strings.Repeat("x", 127)+"é"), "no half characters")
	require.Empty(t, claimedName("\xff"))
	require.Equal(t, "https://example.com/a", claimedURL("https://example.com/a"))
	require.Empty(t, claimedURL("javascript:alert(1)"))
	require.Empty(t, claimedURL("\x00"))
	require.Equal(t, map[string]any{"ab": []any{"cd", 1, nil}, "e": map[string]any{"f": "g"}},
		withoutNUL(map[string]any{"a\x00b": []any{"c\x00d", 1, nil}, "e": map[string]any{"f": "g\x00"}}))
}

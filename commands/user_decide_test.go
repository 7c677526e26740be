package commands

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/events"
)

var (
	system = Actor{UserID: SystemActor}
	ann    = Actor{UserID: "ann", Scopes: []string{ScopeAll}}
	owner  = Actor{UserID: "root", Roles: []events.Role{events.RoleOwner}, Scopes: []string{ScopeAll}}
	admin  = Actor{UserID: "adm", Roles: []events.Role{events.RoleUserAdmin}, Scopes: []string{ScopeAll}}
)

func newcomer(id string, change func(*registerUser)) registerUser {
	c := registerUser{
		id: id, username: id, email: id + "@example.com", password: "hash", loginType: events.LoginPassword,
		status: events.StatusActive, confirmed: true, number: 7,
	}
	if change != nil {
		change(&c)
	}
	return c
}

// town has root, an owner, and ann, with nothing special about her.
func town(t *testing.T) *world {
	t.Helper()
	w := newWorld()
	require.Nil(t, w.do(t, system, "root", newcomer("root", func(c *registerUser) {
		c.first, c.roles = true, []events.Role{events.RoleOwner}
	}), ""))
	require.Nil(t, w.do(t, system, "ann", newcomer("ann", nil), ""))
	return w
}

func text(s string) *string { return &s }

func TestDecisions(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		given   func(t *testing.T, w *world)
		actor   Actor
		user    string
		command userCommand
		events  []events.Type
		code    Code
		reason  string
		fields  []string
	}{
		{name: "register", actor: admin, user: "bob", command: newcomer("bob", nil), events: []events.Type{"roster.user.registered.v1"}},
		{
			name: "register with names that are taken, all told at once", actor: admin, user: "bob",
			command: newcomer("bob", func(c *registerUser) { c.username, c.email = "ANN", "Ann@Example.com" }),
			code:    Conflict, reason: "taken", fields: []string{"username", "email"},
		},
		{
			name: "register with a role by who may not grant it", actor: admin, user: "bob",
			command: newcomer("bob", func(c *registerUser) { c.roles = []events.Role{events.RoleAuditor} }),
			code:    Forbidden, reason: "role",
		},
		{
			name: "register a second first user", user: "bob", command: newcomer("bob", func(c *registerUser) { c.first = true }),
			code: Conflict, reason: "first-user-exists",
		},
		{
			name: "change everything in one commit", actor: admin, user: "ann",
			command: updateUser{UpdateUser: UpdateUser{Name: text("Ann B"), Username: text("annie"), Email: text("a@b.example")}},
			events:  []events.Type{"roster.user.profile-updated.v1", "roster.user.username-changed.v1", "roster.user.email-changed.v1"},
		},
		{
			name: "change nothing", actor: ann, user: "ann",
			command: updateUser{UpdateUser: UpdateUser{Name: text(""), Username: text("ann"), Email: text("ann@example.com")}},
		},
		{
			name: "change of case alone", actor: admin, user: "ann", command: updateUser{UpdateUser: UpdateUser{Username: text("Ann")}},
			events: []events.Type{"roster.user.username-changed.v1"},
		},
		{
			name: "own username", actor: ann, user: "ann", command: updateUser{UpdateUser: UpdateUser{Username: text("Ann")}},
			code: Forbidden, reason: "change-username",
		},
		{
			name: "a taken username", actor: admin, user: "ann", command: updateUser{UpdateUser: UpdateUser{Username: text("ROOT")}},
			code: Conflict, reason: "taken", fields: []string{"username"},
		},
		{name: "unknown user", actor: admin, user: "nobody", command: suspendUser{}, code: NotFound, reason: "user"},
		{name: "suspend", actor: admin, user: "ann", command: suspendUser{}, events: []events.Type{"roster.user.suspended.v1"}},
		{name: "suspend the last owner", actor: owner, user: "root", command: suspendUser{}, code: Precondition, reason: "last-owner"},
		{name: "delete the last owner", actor: owner, user: "root", command: deleteUser{}, code: Precondition, reason: "last-owner"},
		{name: "demote the last owner", actor: owner, user: "root", command: assignRoles{}, code: Precondition, reason: "last-owner"},
		{
			name: "demote one of two owners", actor: owner, user: "root", command: assignRoles{}, events: []events.Type{"roster.user.roles-assigned.v1"},
			given: func(t *testing.T, w *world) {
				t.Helper()
				require.Nil(t, w.do(t, owner, "ann", assignRoles{roles: []events.Role{events.RoleOwner}}, ""))
			},
		},
		{
			name: "a suspended owner does not count", actor: owner, user: "root", command: assignRoles{}, code: Precondition, reason: "last-owner",
			given: func(t *testing.T, w *world) {
				t.Helper()
				require.Nil(t, w.do(t, owner, "ann", assignRoles{roles: []events.Role{events.RoleOwner}}, ""))
				require.Nil(t, w.do(t, owner, "ann", suspendUser{}, ""))
			},
		},
		{
			name: "roles by a user-admin", actor: admin, user: "ann", command: assignRoles{roles: []events.Role{events.RoleAuditor}},
			code: Forbidden, reason: "role",
		},
		{name: "the same roles by a user-admin", actor: admin, user: "root", command: assignRoles{roles: []events.Role{events.RoleOwner}}},
		{name: "activate an active user", actor: admin, user: "ann", command: activateUser{}},
		{
			name: "an owner's password by a user-admin", actor: admin, user: "root", command: setPassword{hash: "x"},
			code: Forbidden, reason: "owner-password",
		},
		{
			name: "an owner's address by a user-admin", actor: admin, user: "root", command: updateUser{UpdateUser: UpdateUser{Email: text("mine@example.com")}},
			code: Forbidden, reason: "owner-email",
		},
		{
			name: "an owner's address by an owner", actor: owner, user: "root", command: updateUser{UpdateUser: UpdateUser{Email: text("mine@example.com")}},
			events: []events.Type{"roster.user.email-changed.v1"},
		},
		{
			name: "own password without the old one", actor: ann, user: "ann", command: setPassword{hash: "x"},
			code: Invalid, reason: "old-password", fields: []string{"oldPassword"},
		},
		{
			name: "own password with a wrong old one", actor: ann, user: "ann", command: setPassword{hash: "x", old: true, compared: true, verified: "hash"},
			code: Invalid, reason: "old-password", fields: []string{"oldPassword"},
		},
		{
			name: "old password compared with an older hash", actor: ann, user: "ann", command: setPassword{hash: "x", old: true, compared: true, oldRight: true, verified: "older"},
			code: Conflict, reason: "hash-moved",
		},
		{
			name: "own password", actor: ann, user: "ann", command: setPassword{hash: "x", old: true, compared: true, oldRight: true, verified: "hash"},
			events: []events.Type{"roster.user.password-set.v1"},
		},
		{name: "another's password", actor: admin, user: "ann", command: setPassword{hash: "x"}, events: []events.Type{"roster.user.password-set.v1"}},
		{
			name: "sign in", user: "ann", command: openSession{verified: "hash", right: true, keyID: "k"},
			events: []events.Type{"roster.user.session-opened.v1"},
		},
		{
			name: "sign in with an outdated hash", user: "ann", command: openSession{verified: "hash", right: true, rehash: "new", keyID: "k"},
			events: []events.Type{"roster.user.password-rehashed.v1", "roster.user.session-opened.v1"},
		},
		{name: "sign in wrongly", user: "ann", command: openSession{verified: "hash", keyID: "k"}, code: Unauthenticated, reason: "credentials"},
		{
			name: "sign in while suspended", user: "ann", command: openSession{verified: "hash", right: true, keyID: "k"}, code: Unauthenticated, reason: "suspended",
			given: func(t *testing.T, w *world) {
				t.Helper()
				require.Nil(t, w.do(t, admin, "ann", suspendUser{}, ""))
			},
		},
		{
			name: "sign in wrongly while suspended", user: "ann", command: openSession{verified: "hash", keyID: "k"}, code: Unauthenticated, reason: "credentials",
			given: func(t *testing.T, w *world) {
				t.Helper()
				require.Nil(t, w.do(t, admin, "ann", suspendUser{}, ""))
			},
		},
		{
			name: "sign in unconfirmed", user: "bob", command: openSession{verified: "hash", right: true, keyID: "k"}, code: Unauthenticated, reason: "unconfirmed",
			given: func(t *testing.T, w *world) {
				t.Helper()
				require.Nil(t, w.do(t, system, "bob", newcomer("bob", func(c *registerUser) { c.confirmed = false }), ""))
			},
		},
		{
			name: "sign in with another login type", user: "bob", command: openSession{verified: "hash", right: true, keyID: "k"}, code: Unauthenticated, reason: "login-type", fields: []string{"loginType"},
			given: func(t *testing.T, w *world) {
				t.Helper()
				require.Nil(t, w.do(t, system, "bob", newcomer("bob", func(c *registerUser) { c.loginType = events.LoginOIDC }), ""))
			},
		},
		{
			name: "sign in without a password", user: "bob", command: openSession{right: true, keyID: "k"}, code: Unauthenticated, reason: "credentials",
			given: func(t *testing.T, w *world) {
				t.Helper()
				require.Nil(t, w.do(t, system, "bob", newcomer("bob", func(c *registerUser) { c.password = "" }), ""))
			},
		},
		{name: "sign out of nothing", actor: ann, user: "ann", command: closeSession{keyID: "gone"}},
		{
			name: "key of wider scope than the key that asks", actor: Actor{UserID: "ann", Scopes: []string{ScopeKeysWrite}}, user: "ann",
			command: createKey{loginType: events.LoginToken, limits: usualLifetimes, id: "k", scopes: []string{ScopeAll}}, code: Forbidden, reason: "scope",
		},
		{
			name: "key with a name that is taken", actor: ann, user: "ann", command: createKey{loginType: events.LoginToken, limits: usualLifetimes, id: "k2", name: "ci", scopes: []string{ScopeAll}, lifetime: time.Hour},
			code: Conflict, reason: "key-name", fields: []string{"name"},
			given: func(t *testing.T, w *world) {
				t.Helper()
				require.Nil(t, w.do(t, ann, "ann", createKey{loginType: events.LoginToken, limits: usualLifetimes, id: "k1", name: "ci", scopes: []string{ScopeAll}, lifetime: time.Hour}, ""))
			},
		},
		{name: "expire a key that ended", actor: ann, user: "ann", command: expireKey{id: "old", past: pastKey{Key: Key{ID: "k3"}, known: true}}},
		{name: "delete a key that ended", actor: ann, user: "ann", command: deleteKey{id: "old", past: pastKey{Key: Key{ID: "k3"}, known: true}}, events: []events.Type{"roster.user.key-deleted.v1"}},
		{name: "delete an unknown key", actor: ann, user: "ann", command: deleteKey{id: "none"}, code: NotFound, reason: "key"},
		{
			name: "the first command makes the record of preferences", actor: ann, user: "ann",
			command: updatePreferences{UpdatePreferences{Dialect: "codimir"}},
			events:  []events.Type{"roster.user.preferences-updated.v1"},
		},
		{
			name: "preferences that are so already", actor: ann, user: "ann",
			given: func(t *testing.T, w *world) {
				t.Helper()
				require.Nil(t, w.do(t, ann, "ann", updatePreferences{UpdatePreferences{Dialect: "codimir"}}, "first"))
			},
			command: updatePreferences{UpdatePreferences{Dialect: "codimir", Changes: map[string]any{"theme": nil}, Language: text("")}},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := town(t)
			if test.given != nil {
				test.given(t, w)
			}
			u := w.state[test.user]
			d, refused := decideUser(u, test.command, w.facts(test.actor, u, test.command))
			if test.code != "" {
				require.NotNil(t, refused)
				require.Equal(t, test.code, refused.Code)
				require.Equal(t, test.reason, refused.Reason)
				var fields []string
				for _, f := range refused.Fields {
					fields = append(fields, f.Field)
				}
				require.Equal(t, test.fields, fields)
				return
			}
			require.Nil(t, refused)
			var types []events.Type
			for _, p := range d.events {
				types = append(types, p.EventType())
			}
			require.Equal(t, test.events, types)
			require.Nil(t, w.do(t, test.actor, test.user, test.command, ""))
			w.check(t)
		})
	}
}

func TestChangeOfCaseKeepsTheClaim(t *testing.T) {
	t.Parallel()
	w := town(t)
	c := updateUser{UpdateUser: UpdateUser{Username: text("ANN"), Email: text("ANN@example.com")}}
	d, refused := decideUser(w.state["ann"], c, w.facts(admin, w.state["ann"], c))
	require.Nil(t, refused)
	require.Len(t, d.events, 2)
	require.Empty(t, d.claims)
}

func TestRevokingEndsSessionsAndKeys(t *testing.T) {
	t.Parallel()
	w := town(t)
	require.Nil(t, w.do(t, Actor{}, "ann", openSession{verified: "hash", right: true, keyID: "s", lifetime: time.Hour}, ""))
	require.Nil(t, w.do(t, ann, "ann", createKey{loginType: events.LoginToken, limits: usualLifetimes, id: "k", scopes: []string{ScopeAll}, lifetime: time.Hour}, ""))
	require.Nil(t, w.do(t, admin, "ann", setPassword{hash: "x"}, ""))
	require.Len(t, w.state["ann"].Keys, 2)
	require.Nil(t, w.do(t, admin, "ann", setPassword{hash: "y", revoke: true}, ""))
	require.Empty(t, w.state["ann"].Keys)
	require.EqualValues(t, 1, w.state["ann"].Epoch)
}

func TestDormantUserWakesBySigningIn(t *testing.T) {
	t.Parallel()
	w := town(t)
	require.Nil(t, w.do(t, system, "bob", newcomer("bob", func(c *registerUser) { c.status = events.StatusDormant }), ""))
	require.Nil(t, w.do(t, Actor{}, "bob", openSession{verified: "hash", right: true, keyID: "s", lifetime: time.Hour}, ""))
	require.Equal(t, events.StatusActive, w.state["bob"].Status)
}

func aToken(id, name string, scopes ...string) createKey {
	if len(scopes) == 0 {
		scopes = []string{ScopeAll}
	}
	return createKey{
		loginType: events.LoginToken, limits: usualLifetimes, id: id, name: name, scopes: scopes,
		secretHash: []byte("s"), lifetime: time.Hour,
	}
}

func TestEndedSessionsLeaveTheStateAndTokensStay(t *testing.T) {
	t.Parallel()
	w := town(t)
	require.Nil(t, w.do(t, ann, "ann", aToken("k", "ci"), ""))
	require.Nil(t, w.do(t, Actor{}, "ann", openSession{verified: "hash", right: true, keyID: "s", lifetime: time.Hour}, ""))
	require.Len(t, w.state["ann"].Keys, 2)
	w.now = w.now.Add(time.Hour)
	require.Nil(t, w.do(t, ann, "ann", updateUser{UpdateUser: UpdateUser{Name: text("Ann")}}, ""))
	require.Equal(t, []string{"k"}, slices.Collect(maps.Keys(w.state["ann"].Keys)))
	refused := w.do(t, ann, "ann", aToken("k2", "ci"), "")
	require.Equal(t, "key-name", refused.Reason, "it is listed still, and its use may have prolonged its life")
	require.Nil(t, w.do(t, ann, "ann", deleteKey{id: "k"}, ""))
	require.Nil(t, w.do(t, ann, "ann", aToken("k2", "ci"), ""))
}

func TestTokensThatEndedMakeRoom(t *testing.T) {
	t.Parallel()
	w := town(t)
	for i := range maxKeys {
		w.now = w.now.Add(time.Second)
		require.Nil(t, w.do(t, ann, "ann", aToken(fmt.Sprintf("k%03d", i), ""), ""))
	}
	require.Equal(t, "too-many-keys", w.do(t, ann, "ann", aToken("more", ""), "").Reason)
	w.now = w.now.Add(time.Hour)
	list := aToken("list", "")
	list.allowList = make([]events.Resource, maxAllowList)
	require.Nil(t, w.do(t, ann, "ann", list, ""))
	u := w.state["ann"]
	require.Len(t, u.Keys, maxKeys-maxAllowList/4)
	require.NotContains(t, u.Keys, "k000", "those that ended first leave")
	require.Contains(t, u.Keys, "k499")
}

func TestOneSessionTooManyClosesTheOldest(t *testing.T) {
	t.Parallel()
	w := town(t)
	for i := range maxSessions + 1 {
		w.now = w.now.Add(time.Second)
		require.Nil(t, w.do(t, Actor{}, "ann", openSession{verified: "hash", right: true, keyID: fmt.Sprint("s", i), lifetime: 24 * time.Hour}, ""))
	}
	require.Len(t, w.state["ann"].Keys, maxSessions)
	require.NotContains(t, w.state["ann"].Keys, "s0")
}

func TestCommandsAreRememberedForADay(t *testing.T) {
	t.Parallel()
	w := town(t)
	for i := range rememberedCommands + 3 {
		require.Nil(t, w.do(t, ann, "ann", updateUser{UpdateUser: UpdateUser{Name: text(fmt.Sprint(i))}}, fmt.Sprint("c", i)))
	}
	require.Len(t, w.state["ann"].Commands, rememberedCommands)
	_, ok := w.state["ann"].command("c2", w.now)
	require.False(t, ok, "pushed out by newer ones")
	_, ok = w.state["ann"].command("c66", w.now.Add(rememberedFor-1))
	require.True(t, ok)
	_, ok = w.state["ann"].command("c66", w.now.Add(rememberedFor))
	require.False(t, ok)
}

package projections_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/projections/credentials"
	"github.com/rosterhq/roster/projections/internal/projtest"
	"github.com/rosterhq/roster/projections/users"
)

// story appends events of one user, one after another, and lets a test look at
// the rows in between.
type story struct {
	*projtest.Env
	h    *projtest.History
	user string
	conn *pgx.Conn
	last events.Draft
}

func newStory(t *testing.T) *story {
	t.Helper()
	e := projtest.New(t)
	s := &story{Env: e, h: projtest.NewHistory(1)}
	e.Run(users.Projection(), credentials.Projection())
	s.conn = e.Connect()
	d := s.h.Register()
	s.user = d.Meta.Aggregate.ID
	s.wait(e.Append(d))
	return s
}

func (s *story) tell(p events.Payload) {
	s.last = s.h.Draft(s.user, p)
	s.wait(s.Append(s.last))
}

func (s *story) wait(sequence uint64) {
	s.Await(users.Projection(), sequence)
	s.Await(credentials.Projection(), sequence)
}

// value returns one value as text.
func (s *story) value(sql string) string {
	s.TB.Helper()
	var out string
	require.NoError(s.TB, s.conn.QueryRow(context.Background(), "select coalesce(("+sql+")::text, '-')", s.user).Scan(&out))
	return out
}

func (s *story) account(column string) string {
	return s.value("select " + column + " from users_v2.users where id = $1")
}

func (s *story) login(column string) string {
	return s.value("select " + column + " from credentials_v2.accounts where user_id = $1")
}

func (s *story) keys() string {
	return s.value("select string_agg(id, ',' order by id) from credentials_v2.keys where user_id = $1")
}

func (s *story) memberships() string {
	return s.value(`select string_agg(organization_id::text || ' ' || roles::text, ', ' order by joined, place)
		from users_v2.memberships where user_id = $1`)
}

func TestUserRows(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	require.Equal(t, "user-1", s.account("username"))
	require.Equal(t, "{auditor}", s.account("roles"))
	require.JSONEq(t, `[{"organization":"`+projtest.UUID(2, 1)+`","roles":["member"]}]`, s.login("memberships"))
	require.Equal(t, projtest.UUID(2, 1)+" {member}", s.memberships())
	require.JSONEq(t, `[{"provider":"github","subject":"1"}]`, s.account("identities"))

	name, cleared := "Ada", ""
	s.tell(&events.UserProfileUpdated{Sealed: events.Seal(events.UserProfileUpdatedPrivate{FirstName: &name, Name: &cleared})})
	require.Equal(t, "Ada", s.account("first_name"))
	require.Empty(t, s.account("name"), "cleared")
	require.Equal(t, s.last.Meta.Time.Format("2006-01-02T15:04:05.999999Z"), s.account(`to_char(updated_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`))

	s.tell(&events.UserUsernameChanged{Sealed: events.Seal(events.UserUsernameChangedPrivate{Username: "ada"})})
	s.tell(&events.UserEmailChanged{Sealed: events.Seal(events.UserEmailChangedPrivate{})})
	require.Equal(t, "ada", s.account("username"))
	require.Empty(t, s.account("email"))
	s.tell(&events.UserRolesAssigned{Removed: []events.Role{events.RoleAuditor}})
	require.Equal(t, "{}", s.account("roles"))
	require.Equal(t, "{}", s.login("roles"))

	s.tell(&events.UserSuspended{})
	require.Equal(t, "suspended", s.account("status"))
	require.Equal(t, "suspended", s.login("status"))
	s.tell(&events.UserActivated{})
	require.Equal(t, "active", s.login("status"))
	s.tell(&events.UserDeleted{})
	require.Equal(t, "deleted", s.account("status"))
	require.Equal(t, "ada", s.account("username"), "names stay for those who may read")
	require.Equal(t, "deleted", s.login("status"))
}

func TestPreferencesMerge(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	set := func(dialect string, language *string, changes map[string]any) {
		s.tell(&events.UserPreferencesUpdated{
			Sealed:  events.Seal(events.UserPreferencesUpdatedPrivate{Changes: changes, Language: language}),
			Dialect: dialect,
		})
	}
	settings := func(dialect string) string {
		return s.value("select settings from users_v2.preferences where user_id = $1 and dialect = '" + dialect + "'")
	}
	language := "de"
	before := s.account("updated_at")
	set("codimir", &language, map[string]any{"theme": "dark", "emailNotifications.weeklyDigest": true, "nothing": nil})
	require.JSONEq(t, `{"theme":"dark","emailNotifications.weeklyDigest":true}`, settings("codimir"))
	require.Equal(t, "de", s.account("language"))
	require.Equal(t, before, s.account("updated_at"))
	set("codimir", nil, map[string]any{"theme": "light", "emailNotifications.weeklyDigest": nil})
	set("coder", nil, map[string]any{"theme": "other"})
	require.JSONEq(t, `{"theme":"light"}`, settings("codimir"))
	require.JSONEq(t, `{"theme":"other"}`, settings("coder"))
	require.Equal(t, "de", s.account("language"))
}

func TestKeyRows(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	expires := projtest.Epoch.Add(time.Hour)
	private := events.Seal(events.UserKeyPrivate{SecretHash: []byte{1}, Name: "ci", IP: "192.0.2.1", UserAgent: "curl"})
	s.tell(&events.UserSessionOpened{Sealed: private, KeyID: "s1", LoginType: events.LoginPassword, ExpiresAt: expires, Activated: true})
	require.Equal(t, "active", s.login("status"), "signing in woke the account")
	require.Equal(t, "active", s.account("status"))
	s.tell(&events.UserKeyCreated{Sealed: private, KeyID: "k1", LoginType: events.LoginToken, Scopes: []string{"record"}, ExpiresAt: expires})
	require.Equal(t, "k1,s1", s.keys())
	require.Equal(t, "password {all}", s.value("select login_type || ' ' || scopes::text from credentials_v2.keys where user_id = $1 and id = 's1'"))
	require.Equal(t, "token {record}", s.value("select login_type || ' ' || scopes::text from credentials_v2.keys where user_id = $1 and id = 'k1'"))

	s.tell(&events.UserKeyRegenerated{Sealed: events.Seal(events.UserKeyPrivate{SecretHash: []byte{9}}), KeyID: "k1", ExpiresAt: expires.Add(time.Hour)})
	require.Equal(t, `\x09 ci`, s.value("select secret_hash::text || ' ' || name from credentials_v2.keys where user_id = $1 and id = 'k1'"))
	s.tell(&events.UserKeyExpired{KeyID: "k1", ExpiresAt: projtest.Epoch})
	require.Equal(t, "t", s.value("select case when expires_at <= '2026-03-01 12:00Z' then 't' end from credentials_v2.keys where user_id = $1 and id = 'k1'"))
	s.tell(&events.UserSessionClosed{KeyID: "s1"})
	require.Equal(t, "k1", s.keys())
	s.tell(&events.UserKeyDeleted{KeyID: "k1"})
	require.Equal(t, "-", s.keys())
	for _, id := range []string{"e1", "e2", "e3"} {
		s.tell(&events.UserKeyCreated{Sealed: private, KeyID: id, LoginType: events.LoginToken, Scopes: nil, ExpiresAt: expires})
	}
	s.tell(&events.UserCredentialsSwept{KeyIDs: []string{"e1", "e3", "k1"}})
	require.Equal(t, "e2", s.keys())
	s.tell(&events.UserKeyDeleted{KeyID: "e2"})

	s.tell(&events.UserKeyCreated{Sealed: private, KeyID: "k2", LoginType: events.LoginToken, Scopes: nil, ExpiresAt: expires})
	s.tell(&events.UserPasswordSet{Sealed: events.Seal(events.UserPasswordPrivate{Hash: "h"})})
	require.Equal(t, "k2", s.keys(), "this change of password keeps keys")
	s.tell(&events.UserPasswordSet{Sealed: events.Seal(events.UserPasswordPrivate{Hash: "h"}), Revoked: true})
	require.Equal(t, "-", s.keys())
	require.Equal(t, "1", s.login("epoch"))
	s.tell(&events.UserKeyCreated{Sealed: private, KeyID: "k3", LoginType: events.LoginToken, Epoch: 1, ExpiresAt: expires})
	require.Equal(t, "k3", s.keys())
	s.tell(&events.UserDeleted{})
	require.Equal(t, "-", s.keys())
}

func TestPlacesAndPossessions(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	first, second := projtest.UUID(2, 1), projtest.UUID(2, 2)
	s.tell(&events.UserMembershipAdded{Membership: events.Membership{Organization: second}})
	s.tell(&events.UserOrganizationRolesAssigned{Organization: second, Roles: []string{events.OrganizationAdmin}})
	s.tell(&events.UserOrganizationRolesAssigned{Organization: projtest.UUID(2, 3), Roles: []string{events.OrganizationAdmin}})
	s.tell(&events.UserMembershipAdded{Membership: events.Membership{Organization: first}})
	require.Equal(t, first+" {}, "+second+" {organization-admin}", s.memberships(), "of an organization that the user is not in there are no roles")
	require.JSONEq(t, `[{"organization":"`+first+`"},{"organization":"`+second+`","roles":["organization-admin"]}]`, s.login("memberships"))
	s.tell(&events.UserMembershipRemoved{Organization: first})
	require.Equal(t, second+" {organization-admin}", s.memberships())
	s.tell(&events.UserMembershipRemoved{Organization: second})
	require.Equal(t, "[]", s.login("memberships"))

	s.tell(&events.UserBecameDormant{})
	require.Equal(t, "dormant dormant", s.account("status")+" "+s.login("status"))
	s.tell(&events.UserActivated{})
	require.Equal(t, "t", s.value("select case when active_since = updated_at then 't' end from users_v2.users where id = $1"))
	s.tell(&events.UserLoginTypeChanged{LoginType: events.LoginOIDC})
	require.Equal(t, "oidc", s.account("login_type"))
	linked := &events.UserIdentityLinked{Sealed: events.Seal(events.Identity{Provider: "oidc", Subject: "x"})}
	s.tell(linked)
	s.tell(linked)
	require.JSONEq(t, `[{"provider":"github","subject":"1"},{"provider":"oidc","subject":"x"}]`, s.account("identities"))

	s.tell(&events.UserSSHKeyGenerated{Sealed: events.Seal(events.UserSSHKeyPrivate{PublicKey: "one", PrivateKey: "p"})})
	s.tell(&events.UserSSHKeyGenerated{Sealed: events.Seal(events.UserSSHKeyPrivate{PublicKey: "two", PrivateKey: "p"})})
	require.Equal(t, "two t", s.value("select public_key || ' ' || case when created_at < updated_at then 't' end from users_v2.ssh_keys where user_id = $1"))
	for _, value := range []string{"1", "2"} {
		s.tell(&events.UserParameterRecorded{Sealed: events.Seal(events.UserParameterPrivate{Value: value}), TemplateID: "t", Name: "n"})
	}
	require.Equal(t, "2", s.value("select string_agg(value, ',') from users_v2.parameters where user_id = $1"))
	s.tell(&events.UserProviderAnswered{Sealed: events.Seal(events.UserProviderPrivate{Claims: []byte(`{"a": "\u0000"}`)}), Provider: "oidc"})
	s.tell(&events.UserProviderAnswered{Sealed: events.Seal(events.UserProviderPrivate{AccessToken: "renewed"}), Provider: "oidc"})
	claims := "select claims from users_v2.provider_claims where user_id = $1"
	require.Equal(t, `{"a":"\u0000"}`, s.value(claims))

	s.tell(&events.UserDeleted{})
	require.Equal(t, "-", s.value(claims))
	require.Equal(t, "-", s.value("select public_key from users_v2.ssh_keys where user_id = $1"))
	require.Equal(t, "-", s.value("select value from users_v2.parameters where user_id = $1"))
}

func TestLimitedAndRefreshedKeys(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	expires := projtest.Epoch.Add(time.Hour)
	key := func(column, id string) string {
		return s.value("select " + column + " from credentials_v2.keys where user_id = $1 and id = '" + id + "'")
	}
	s.tell(&events.UserKeyCreated{
		KeyID: "k1", LoginType: events.LoginToken, AllowList: []events.Resource{{Type: "user", ID: "*"}}, Lifetime: 60, ExpiresAt: expires,
	})
	require.JSONEq(t, `[{"type":"user","id":"*"}]`, key("allow_list", "k1"))
	require.Equal(t, "60", key("lifetime", "k1"))
	s.tell(&events.UserKeyCreated{KeyID: "k2", LoginType: events.LoginPassword, ExpiresAt: expires})
	require.Equal(t, "password 3596", key("login_type || ' ' || lifetime", "k2"), "of an event that does not say so")
	s.tell(&events.UserSessionRefreshed{KeyID: "k2", Generation: 2, ExpiresAt: expires.Add(time.Hour)})
	s.tell(&events.UserSessionRefreshed{KeyID: "k2", Generation: 1, ExpiresAt: expires})
	require.Equal(t, "2 t", key("generation || ' ' || case when expires_at > '2026-03-01 13:30Z' then 't' end", "k2"))
	s.tell(&events.UserKeyRegenerated{KeyID: "k1", ExpiresAt: expires.Add(time.Hour)})
	require.NotEqual(t, "60", key("lifetime", "k1"))
}

// Package users is the read model of accounts: users with their places in
// organizations, preferences for each dialect and possessions, and organizations.
//
// A deleted user's row stays, with its names and the status deleted. Where a data
// key is erased, the columns that came from sealed members are empty.
package users

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/projections/runtime"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Projection returns the read model.
func Projection() runtime.Projection {
	return runtime.Projection{
		Name: "users", Version: 2, Stream: events.Roster, Migrations: migrations,
		Extensions: []string{"pg_trgm"}, // searches
		Handlers: []runtime.Handler{
			runtime.On(registered),
			runtime.On(profileUpdated),
			runtime.On(usernameChanged),
			runtime.On(emailChanged),
			runtime.OnPublic(rolesAssigned),
			runtime.OnPublic(suspended),
			runtime.OnPublic(activated),
			runtime.OnPublic(becameDormant),
			runtime.OnPublic(confirmed),
			runtime.OnPublic(loginTypeChanged),
			runtime.On(identityLinked),
			runtime.OnPublic(deleted),
			runtime.OnPublic(erased),
			runtime.OnPublic(sessionOpened),
			runtime.OnPublic(membershipAdded),
			runtime.OnPublic(membershipRemoved),
			runtime.OnPublic(organizationRolesAssigned),
			runtime.On(preferencesUpdated),
			runtime.On(sshKeyGenerated),
			runtime.On(parameterRecorded),
			runtime.On(providerAnswered),
			runtime.OnPublic(organizationCreated),
			runtime.OnPublic(organizationUpdated),
			runtime.OnPublic(organizationDeleted),
		},
	}
}

// Each statement carries the event's sequence and touches a row only when that is
// newer, so that a repeat does nothing.
const (
	// Many register at once, so this one takes a set; roles are joined by commas.
	registeredSQL = `with u as (
			select * from unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
				$9::text[], $10::text[], $11::text[], $12::boolean[], $13::text[], $14::text[], $15::text[],
				$16::timestamptz[], $17::bigint[], $18::timestamptz[])
				as u (id, number, username, email, name, first_name, last_name, avatar, language, login_type, status,
				confirmed, roles, memberships, identities, registered_at, position, created_at)
		), places as (
			insert into memberships (user_id, organization_id, roles, joined, place, position)
			select u.id, (m.value ->> 'organization')::uuid, ` + rolesOfMembership + `, u.position, m.ordinality, u.position
			from u, jsonb_array_elements(u.memberships::jsonb) with ordinality as m
			on conflict (user_id, organization_id) do nothing
		)
		insert into users (id, number, username, email, name, first_name, last_name, avatar, language, login_type, status,
			confirmed, roles, identities, active_since, created_at, updated_at, position)
		select id, number, username, email, name, first_name, last_name, avatar, language, login_type, status, confirmed,
			string_to_array(roles, ','), identities::jsonb, registered_at, created_at, registered_at, position
		from u
		on conflict (id) do nothing`
	rolesOfMembership = `array(select jsonb_array_elements_text(m.value -> 'roles'))`

	// Changes of users take sets as well: many fit into a statement of a rebuild.
	profileSQL = `update users u set name = coalesce(n.name, u.name), first_name = coalesce(n.first_name, u.first_name),
			last_name = coalesce(n.last_name, u.last_name), avatar = coalesce(n.avatar, u.avatar), language = coalesce(n.language, u.language),
			updated_at = n.at, position = n.position
		from unnest($1::uuid[], $2::bigint[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[])
			as n (id, position, at, name, first_name, last_name, avatar, language)
		where u.id = n.id and u.position < n.position`
	usernameSQL  = `update users u set username = n.value` + changed
	emailSQL     = `update users u set email = n.value` + changed
	rolesSQL     = `update users u set roles = string_to_array(n.value, ',')` + changed // joined by commas
	statusSQL    = `update users u set status = n.value` + changed
	activeSQL    = `update users u set status = n.value, active_since = n.at` + changed
	confirmedSQL = `update users u set confirmed = n.value::boolean` + changed
	loginTypeSQL = `update users u set login_type = n.value` + changed
	changed      = `, updated_at = n.at, position = n.position
		from unnest($1::uuid[], $2::bigint[], $3::timestamptz[], $4::text[]) as n (id, position, at, value)
		where u.id = n.id and u.position < n.position`
	// As in the write side's state, an identity or a preference is no change of the account.
	identitySQL = `update users set identities = case when identities @> $3::jsonb then identities else identities || $3::jsonb end,
			position = $2
		where id = $1 and position < $2`
	erasedSQL = `update users set username = '', email = '', name = '', first_name = '', last_name = '', avatar = '',
			language = '', identities = '[]', updated_at = $3, position = $2
		where id = $1 and position < $2`
	forgetPreferencesSQL = `update preferences set settings = '{}' where user_id = $1 and position < $2`
	rememberErasureSQL   = `insert into erasures (user_id, erased_at) values ($1, $2) on conflict do nothing`
	languageSQL          = `update users set language = $3, position = $2 where id = $1 and position < $2`
)

func registered(_ context.Context, q runtime.Queue, m runtime.Event, e *events.UserRegistered) error {
	memberships, err := list(e.Memberships)
	if err != nil {
		return fmt.Errorf("memberships: %w", err)
	}
	identities, err := list(e.Private.Identities)
	if err != nil {
		return fmt.Errorf("identities: %w", err)
	}
	created := e.CreatedAt
	if created.IsZero() {
		created = m.Time
	}
	p := &e.Private
	runtime.Row(q, registeredSQL, m.Aggregate.ID, e.Number, p.Username, p.Email, p.Name, p.FirstName, p.LastName, p.Avatar, p.Language,
		string(e.LoginType), string(e.Status), e.Confirmed, strings.Join(roles(e.Roles), ","), memberships, identities, m.Time, position(m), created)
	return nil
}

func profileUpdated(_ context.Context, q runtime.Queue, m runtime.Event, e *events.UserProfileUpdated) error {
	p := &e.Private
	runtime.Change(q, m.Aggregate.ID, profileSQL, m.Aggregate.ID, position(m), m.Time, p.Name, p.FirstName, p.LastName, p.Avatar, p.Language)
	return nil
}

func usernameChanged(_ context.Context, q runtime.Queue, m runtime.Event, e *events.UserUsernameChanged) error {
	change(q, m, usernameSQL, e.Private.Username)
	return nil
}

func emailChanged(_ context.Context, q runtime.Queue, m runtime.Event, e *events.UserEmailChanged) error {
	change(q, m, emailSQL, e.Private.Email)
	return nil
}

func rolesAssigned(_ context.Context, q runtime.Queue, m runtime.Event, e *events.UserRolesAssigned) error {
	change(q, m, rolesSQL, strings.Join(roles(e.Roles), ","))
	return nil
}

func suspended(_ context.Context, q runtime.Queue, m runtime.Event, _ *events.UserSuspended) error {
	return setStatus(q, m, events.StatusSuspended)
}

func activated(_ context.Context, q runtime.Queue, m runtime.Event, _ *events.UserActivated) error {
	change(q, m, activeSQL, string(events.StatusActive))
	return nil
}

func becameDormant(_ context.Context, q runtime.Queue, m runtime.Event, _ *events.UserBecameDormant) error {
	return setStatus(q, m, events.StatusDormant)
}

func confirmed(_ context.Context, q runtime.Queue, m runtime.Event, _ *events.UserConfirmed) error {
	change(q, m, confirmedSQL, "true")
	return nil
}

func loginTypeChanged(_ context.Context, q runtime.Queue, m runtime.Event, e *events.UserLoginTypeChanged) error {
	change(q, m, loginTypeSQL, string(e.LoginType))
	return nil
}

func identityLinked(_ context.Context, q runtime.Queue, m runtime.Event, e *events.UserIdentityLinked) error {
	if e.Private.Provider == "" { // erased
		return nil
	}
	identity, err := list([]events.Identity{e.Private})
	if err != nil {
		return fmt.Errorf("identity: %w", err)
	}
	q.Queue(identitySQL, m.Aggregate.ID, position(m), identity)
	return nil
}

// deleted keeps the row, for those who may still look at deleted users by id.
func deleted(_ context.Context, q runtime.Queue, m runtime.Event, _ *events.UserDeleted) error {
	dropPossessions(q, m)
	return setStatus(q, m, events.StatusDeleted)
}

// erased leaves what a replay without the person's data key leaves.
func erased(_ context.Context, q runtime.Queue, m runtime.Event, _ *events.UserErased) error {
	q.Queue(erasedSQL, m.Aggregate.ID, position(m), m.Time)
	q.Queue(forgetPreferencesSQL, m.Aggregate.ID, position(m))
	q.Queue(rememberErasureSQL, m.Aggregate.ID, m.Time)
	return nil
}

// sessionOpened matters to the account only when it woke it up.
func sessionOpened(_ context.Context, q runtime.Queue, m runtime.Event, e *events.UserSessionOpened) error {
	if e.Activated {
		change(q, m, activeSQL, string(events.StatusActive))
	}
	return nil
}

func setStatus(q runtime.Queue, m runtime.Event, s events.Status) error {
	change(q, m, statusSQL, string(s))
	return nil
}

// change queues the change of one column of a user.
func change(q runtime.Queue, m runtime.Event, sql, value string) {
	runtime.Change(q, m.Aggregate.ID, sql, m.Aggregate.ID, position(m), m.Time, value)
}

func roles(in []events.Role) []string {
	out := make([]string, len(in))
	for i, r := range in {
		out[i] = string(r)
	}
	return out
}

// list encodes a list for a jsonb column: none is [], not null.
func list[T any](in []T) (string, error) {
	if len(in) == 0 {
		return "[]", nil
	}
	out, err := json.Marshal(in)
	return string(out), err
}

func position(m runtime.Event) int64 { return int64(m.Sequence) }

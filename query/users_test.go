package query

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/events"
)

func TestUserIsFoundByEachReference(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	s.user(1, "Ada", "Ada@Example.com", "active")
	s.user(2, "gone", "gone@example.com", "deleted")
	q, ctx := s.open(nil), context.Background()
	for _, ref := range []UserRef{{ID: userID(1)}, {Username: "aDA"}, {Email: "ada@example.COM"}, {Number: 1}} {
		u, err := q.User(ctx, ref)
		require.NoError(t, err, "%+v", ref)
		require.Equal(t, User{
			ID: userID(1), Number: 1, Username: "Ada", Email: "Ada@Example.com", LoginType: events.LoginPassword,
			Status: events.StatusActive, Confirmed: true, Roles: []events.Role{events.RoleOwner},
			Organizations: []events.Membership{{Organization: organizationID(1), Roles: []string{"admin"}}},
			Identities:    []events.Identity{{Provider: "github", Subject: "7"}},
			CreatedAt:     time.Date(2026, 1, 2, 3, 4, 5, 123456000, time.UTC), UpdatedAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		}, u)
	}
	_, err := q.User(ctx, UserRef{ID: userID(2)})
	require.NoError(t, err, "a deleted user is found by id")
	for _, ref := range []UserRef{
		{},
		{ID: userID(3)},
		{ID: "me"},
		{ID: "{" + userID(1) + "}"},
		{ID: userID(1) + "\x00"},
		{Username: "a\x00da"},
		{Username: "\xff"},
		{Email: "x\x00"},
		{Username: "gone"},
		{Email: "gone@example.com"},
		{Number: 2},
		{Number: -1},
		{Username: "A%"},
	} {
		_, err := q.User(ctx, ref)
		require.ErrorIs(t, err, ErrNotFound, "%+v", ref)
	}
}

func TestUsersArePagedInOrderOfTheirNames(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	want := []string{"ada", "Bob", "carl", "DORA", "emil", "fred", "gail"}
	for i, name := range []string{"emil", "DORA", "ada", "gail", "Bob", "fred", "carl"} {
		s.user(i+1, name, fmt.Sprintf("user%d@example.com", i), "active")
	}
	s.user(9, "dead", "dead@example.com", "deleted")
	q, ctx := s.open(nil), context.Background()
	var got []string
	f := UserFilter{Limit: 3}
	for {
		page, err := q.Users(ctx, f)
		require.NoError(t, err)
		require.LessOrEqual(t, len(page.Items), 3)
		for _, u := range page.Items {
			got = append(got, u.Username)
		}
		if page.Next == "" {
			break
		}
		f.Cursor = page.Next
	}
	require.Equal(t, want, got)

	page, err := q.Users(ctx, UserFilter{Limit: 7})
	require.NoError(t, err)
	require.Empty(t, page.Next, "a full last page has no next one")
}

func TestSearchTakesNoWildcards(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	s.user(1, "a_b", "x@example.com", "active")
	s.user(2, "acb", "y%z@example.com", "active")
	s.user(3, `back\slash`, "BIG@Example.com", "active")
	q := s.open(nil)
	for search, want := range map[string][]string{
		"":      {"a_b", "acb", `back\slash`},
		"A_B":   {"a_b"},
		"%":     {"acb"},
		`\`:     {`back\slash`},
		"big@":  {`back\slash`},
		"CB":    {"acb"},
		"none":  {},
		"a\x00": {},
	} {
		page, err := q.Users(context.Background(), UserFilter{Search: search, Limit: 10})
		require.NoError(t, err)
		got := []string{}
		for _, u := range page.Items {
			got = append(got, u.Username)
		}
		require.Equal(t, want, got, "search for %q", search)
	}
}

func TestPreferences(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	s.exec(`insert into preferences (user_id, dialect, settings, created_at, updated_at, position)
		values ($1, 'codimir', '{"theme":"dark","emailNotifications.weeklyDigest":true}', '2026-01-01Z', '2026-01-02Z', 1)`, userID(1))
	q, ctx := s.open(nil), context.Background()
	p, err := q.Preferences(ctx, userID(1), "codimir")
	require.NoError(t, err)
	require.Equal(t, map[string]any{"theme": "dark", "emailNotifications.weeklyDigest": true}, p.Values)
	require.Equal(t, time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC), p.UpdatedAt)
	for _, ref := range [][2]string{{userID(1), "coder"}, {userID(2), "codimir"}, {"x", "codimir"}, {userID(1), "\x00"}} {
		_, err = q.Preferences(ctx, ref[0], ref[1])
		require.ErrorIs(t, err, ErrNotFound)
	}
}

package query

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/events"
)

func statusesOf(names ...string) []events.Status {
	out := make([]events.Status, len(names))
	for i, name := range names {
		out[i] = events.Status(name)
	}
	return out
}

// people are six users and a deleted one, who differ in everything.
func people(t *testing.T) *store {
	t.Helper()
	s := newStore(t)
	for i, name := range []string{"Ada", "bob", "Carl", "dora", "Emil", "fred", "gone"} {
		s.user(i+1, name, fmt.Sprintf("%s_%d@Example.com", name, i+1), "active")
		s.exec("update users set roles = '{}', identities = '[]', created_at = $2, name = $3 where id = $1", userID(i+1), day(i+1), strings.ToUpper(name)+" Smith")
	}
	s.exec("update users set status = 'deleted' where username = 'gone'")
	s.exec("update users set status = 'dormant' where username = 'bob'")
	s.exec("update users set status = 'suspended' where username = 'Carl'")
	s.exec("update users set roles = '{owner,auditor}' where username = 'Ada'")
	s.exec("update users set roles = '{auditor}' where username = 'bob'")
	s.exec("update users set login_type = 'none' where username = 'dora'")
	s.exec(`update users set login_type = 'github', identities = '[{"provider":"github","subject":"7"}]' where username = 'Emil'`)
	s.exec("update users set name = '', first_name = 'Fred', last_name = 'Flint' where username = 'fred'")
	s.exec("insert into user_usage values ($1, $2), ($3, $4)", userID(1), day(10), userID(2), day(20))
	return s
}

func day(n int) time.Time { return time.Date(2026, 1, n, 0, 0, 0, 0, time.UTC) }

func names(users []User) string {
	out := make([]string, len(users))
	for i, u := range users {
		out[i] = strings.ToLower(u.Username)
	}
	return strings.Join(out, " ")
}

func TestSearchConditions(t *testing.T) {
	t.Parallel()
	s := people(t)
	q, ctx := s.open(nil), context.Background()
	yes, no := true, false
	at := func(n int) *time.Time { d := day(n); return &d }
	for name, c := range map[string]struct {
		UserSearch
		want  string
		count int64
	}{
		"everybody":            {UserSearch{}, "ada bob carl dora emil fred", 6},
		"username":             {UserSearch{Text: "ARL"}, "carl", 1},
		"e-mail":               {UserSearch{Text: "_4@example"}, "dora", 1},
		"one letter":           {UserSearch{Text: "A"}, "ada bob carl dora emil fred", 6},
		"wildcards are none":   {UserSearch{Text: "%"}, "", 0},
		"not the name":         {UserSearch{Text: "smith"}, "", 0},
		"not across both":      {UserSearch{Text: "ada\nada"}, "", 0},
		"no such text":         {UserSearch{Text: "a\x00"}, "", 0},
		"name":                 {UserSearch{Name: "a smi"}, "ada dora", 2},
		"first and last":       {UserSearch{Name: "fred flint"}, "fred", 1},
		"status":               {UserSearch{Statuses: statusesOf("dormant", "suspended")}, "bob carl", 2},
		"deleted never":        {UserSearch{Statuses: statusesOf("deleted")}, "", 0},
		"role":                 {UserSearch{Roles: rolesOf([]string{"owner", "user-admin"})}, "ada", 1},
		"any role":             {UserSearch{Roles: rolesOf([]string{"auditor"})}, "ada bob", 2},
		"everybody is member":  {UserSearch{Roles: rolesOf([]string{"owner", "member"})}, "ada bob carl dora emil fred", 6},
		"unstorable role":      {UserSearch{Roles: rolesOf([]string{"\x00"})}, "", 0},
		"login type":           {UserSearch{LoginTypes: []events.LoginType{events.LoginGitHub, events.LoginNone}}, "dora emil", 2},
		"service accounts":     {UserSearch{ServiceAccount: &yes}, "dora", 1},
		"no service accounts":  {UserSearch{ServiceAccount: &no}, "ada bob carl emil fred", 5},
		"seen before":          {UserSearch{LastSeenBefore: at(10)}, "ada carl dora emil fred", 5},
		"seen after":           {UserSearch{LastSeenAfter: at(11)}, "bob", 1},
		"created before":       {UserSearch{CreatedBefore: at(2)}, "ada bob", 2},
		"created after":        {UserSearch{CreatedAfter: at(5)}, "emil fred", 2},
		"github":               {UserSearch{GitHubUserID: 7}, "emil", 1},
		"another github":       {UserSearch{GitHubUserID: 70}, "", 0},
		"ids":                  {UserSearch{IDs: []string{userID(6), "x", userID(1), userID(7)}}, "ada fred", 2},
		"no ids":               {UserSearch{IDs: []string{}}, "", 0},
		"behind":               {UserSearch{AfterID: userID(4)}, "emil fred", 2},
		"behind a deleted one": {UserSearch{AfterID: userID(7)}, "", 0},
		"behind nobody":        {UserSearch{AfterID: userID(99)}, "", 0},
		"behind nothing":       {UserSearch{AfterID: "x"}, "", 0},
		"page":                 {UserSearch{Limit: 2, Offset: 1}, "bob carl", 6},
		"last page":            {UserSearch{Limit: 4, Offset: 4}, "emil fred", 6},
		"page behind":          {UserSearch{AfterID: userID(1), Limit: 2, Offset: 1}, "carl dora", 5},
		"past the end":         {UserSearch{Limit: 2, Offset: 9}, "", 6},
		"far past the end":     {UserSearch{Text: "example", Limit: 2, Offset: 5000}, "", 6},
		"page of a term":       {UserSearch{Text: "example", Limit: 2, Offset: 3}, "dora emil", 6},
		"all at once": {UserSearch{
			Text: "example", Name: "smith", Statuses: statusesOf("dormant"), Roles: rolesOf([]string{"auditor"}),
			LoginTypes: []events.LoginType{events.LoginPassword}, ServiceAccount: &no, LastSeenAfter: at(1), LastSeenBefore: at(28),
			CreatedAfter: at(1), CreatedBefore: at(28), IDs: []string{userID(1), userID(2)}, AfterID: userID(1), Limit: 5,
		}, "bob", 1},
	} {
		found, count, err := q.SearchUsers(ctx, c.UserSearch)
		require.NoError(t, err, name)
		require.Equal(t, c.want, names(found), name)
		require.Equal(t, c.count, count, name)
	}
	found, _, err := q.SearchUsers(ctx, UserSearch{Limit: 2})
	require.NoError(t, err)
	require.Equal(t, day(10), found[0].LastSeenAt)
	require.Equal(t, organizationID(1), found[0].Organizations[0].Organization)
}

// A search finds the same whichever of its ways it goes.
func TestEveryWayOfASearchFindsTheSame(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	s.copyUsers(6_000)
	q, ctx := s.open(nil), context.Background()
	for _, f := range []UserSearch{
		{Text: "curie"},
		{Text: "zuse-"},
		{Text: "e"},
		{Text: "q"},
		{Text: "77"},
		{Text: "nobody"},
		{Name: "grace"},
		{Text: "ada", Statuses: statusesOf("suspended")},
	} {
		search := newSearch(f)
		want, err := q.hits(ctx)(search.all(0, 0))
		require.NoError(t, err)
		all, count, err := q.SearchUsers(ctx, f)
		require.NoError(t, err)
		require.Len(t, all, len(want), "%+v", f)
		require.EqualValues(t, len(want), count)
		f.Limit = 7
		for f.Offset = 0; f.Offset <= min(len(want), 3*f.Limit); f.Offset += f.Limit {
			page, count, err := q.SearchUsers(ctx, f)
			require.NoError(t, err)
			require.Equal(t, names(all[f.Offset:min(f.Offset+f.Limit, len(all))]), names(page), "%+v", f)
			require.EqualValues(t, len(want), count, "%+v", f)
		}
	}
}

func TestMembers(t *testing.T) {
	t.Parallel()
	s := people(t)
	s.exec(`insert into organizations (id, number, name, created_at, updated_at, position) values ($1, 2, 'Other', now(), now(), 1)`, organizationID(2))
	for _, i := range []int{1, 3, 7} {
		s.exec(`insert into memberships values ($1, $2, '{organization-admin}', 2, 1, 2)`, userID(i), organizationID(2))
	}
	q, ctx := s.open(nil), context.Background()
	found, count, err := q.Members(ctx, MemberFilter{Organization: organizationID(2)})
	require.NoError(t, err)
	require.Equal(t, "ada carl", names(found))
	require.EqualValues(t, 2, count)
	require.Equal(t, []events.Membership{
		{Organization: organizationID(1), Roles: []string{"admin"}}, {Organization: organizationID(2), Roles: []string{"organization-admin"}},
	}, found[0].Organizations)
	found, count, err = q.Members(ctx, MemberFilter{Organization: organizationID(1), AfterID: userID(2), Limit: 2, Offset: 1})
	require.NoError(t, err)
	require.Equal(t, "dora emil", names(found))
	require.EqualValues(t, 4, count)
	for _, id := range []string{organizationID(3), "x", ""} {
		_, count, err = q.Members(ctx, MemberFilter{Organization: id})
		require.NoError(t, err)
		require.Zero(t, count)
	}
}

func TestSearchesUseTheirIndexes(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	s.copyUsers(20_000)
	explain := func(sql string, args []any) string {
		rows, err := s.conn.Query(context.Background(), "explain (costs off) "+sql, planned(args)...)
		require.NoError(t, err)
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(t, err)
		return strings.Join(lines, "\n")
	}
	term := func(f UserSearch) *search { return newSearch(f) }
	text := term(UserSearch{Text: "lovelace-1234"})
	for _, c := range []struct {
		plan string
		want []string
	}{
		{explain(text.all(25, 0)), []string{"Bitmap Index Scan on users_search"}},
		{explain(text.counting()), []string{"Bitmap Index Scan on users_search"}},
		{explain(text.among(firstLook, 25, 0)), []string{"Index Only Scan using users_username"}},
		{explain(term(UserSearch{Name: "lovelace 1234"}).all(25, 0)), []string{"Bitmap Index Scan on users_name"}},
		{explain(term(UserSearch{}).walk(25, 0)), []string{"Index Only Scan using users_username"}},
		{explain(term(UserSearch{Text: "e"}).walk(25, 0)), []string{"Index Only Scan using users_username"}},
		{explain(term(UserSearch{Text: "e", Statuses: statusesOf("active")}).among(wideLook, 25, 0)), []string{"Index Scan using users_username"}},
		{explain(term(UserSearch{Roles: rolesOf([]string{"owner"})}).all(25, 0)), []string{"users_roles"}},
		{explain(term(UserSearch{GitHubUserID: 7}).all(25, 0)), []string{"users_identities"}},
		{explain(term(UserSearch{IDs: []string{userID(1), userID(2)}}).all(25, 0)), []string{"users_pkey"}},
	} {
		for _, index := range c.want {
			require.Contains(t, c.plan, index)
		}
		require.NotContains(t, c.plan, "Seq Scan")
	}
	for _, inOrder := range []string{explain(text.among(firstLook, 25, 0)), explain(term(UserSearch{Text: "e"}).walk(25, 0))} {
		require.NotContains(t, inOrder, "Sort", "the index has the order")
	}
}

package query

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// plan returns PostgreSQL's plan for a query of sql/, with parameters whose values
// are unknown to the planner, as in prepared statements.
func (s *store) plan(name string) string {
	s.t.Helper()
	ctx := context.Background()
	text := statement(s.t, name)
	prepared, err := s.conn.Prepare(ctx, name, text)
	require.NoError(s.t, err)
	arguments := ""
	if n := len(prepared.ParamOIDs); n > 0 {
		arguments = "(" + strings.TrimSuffix(strings.Repeat("null, ", n), ", ") + ")"
	}
	s.exec("prepare p_" + name + " as " + text)
	rows, err := s.conn.Query(ctx, "explain (costs off) execute p_"+name+arguments, pgx.QueryExecModeSimpleProtocol)
	require.NoError(s.t, err)
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(s.t, err)
	return strings.Join(lines, "\n")
}

var generated = regexp.MustCompile("(?s)= `-- name: (\\w+) :\\w+\n(.*?)`")

// statement finds a query in the generated code.
func statement(t testing.TB, name string) string {
	t.Helper()
	files, err := filepath.Glob("internal/rows/*.sql.go")
	require.NoError(t, err)
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, m := range generated.FindAllStringSubmatch(string(data), -1) {
			if m[1] == name {
				return m[2]
			}
		}
	}
	t.Fatalf("no query %s", name)
	return ""
}

// Hot queries go through the index that serves them, in its order: no scan of a
// table, and no sort beyond a page's own rows.
func TestHotQueriesUseTheirIndexes(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	s.exec(`insert into users (id, number, username, email, login_type, status, confirmed, active_since, created_at, updated_at, position)
		select gen_random_uuid(), i, 'user' || i, 'user' || i || '@example.com', 'password', 'active', true, now(), now(), now(), 1
		from generate_series(1, 20000) i`)
	s.exec(`insert into memberships select id, $1, '{}', 1, 1, 1 from users`, organizationID(1))
	s.exec(insertOrganization, organizationID(1), "coder")
	s.exec(`insert into organizations select gen_random_uuid(), i, 'org' || i, '', '', '', false, false, now(), now(), 1 from generate_series(2, 2000) i`)
	s.exec(`insert into organization_states select id, true, 1 from organizations`)
	s.exec(`insert into user_usage select id, now() from users`)
	s.exec(`insert into key_usage select number::text, id, now(), now() from users`)
	s.exec(`insert into ssh_keys select id, '', now(), now(), 1 from users`)
	s.exec(`insert into parameters select id, 't', 'p', '', 1 from users`)
	s.exec(`insert into provider_claims select id, 'oidc', '{}', 1 from users`)
	s.exec(`insert into skills select gen_random_uuid(), id, 's', '', '', now(), now(), 1 from users`)
	s.exec(`insert into accounts (user_id, status, confirmed, position) select id, 'active', true, 1 from users`)
	s.exec(`insert into keys (id, user_id, login_type, scopes, lifetime, secret_hash, epoch, created_at, updated_at, expires_at)
		select number::text, id, 'token', '{all}', 1, '', 0, now(), now(), now() from users`)
	s.exec(`insert into activities (sequence, user_id, type, action, entity_id, occurred_at, recorded_at, source, source_id)
		select row_number() over (), id, (array['ticket', 'commit', 'comment', 'review', 'project'])[1 + i % 5], 'created', 'e',
			now() - i * interval '1 minute', now(), 's', '' from users, generate_series(1, 5) i`)
	s.feed(userID(1), 1_000_000, 20_000)
	s.exec(`insert into days (user_id, day) select id, '2026-01-01'::date + i from users, generate_series(1, 5) i`)
	s.exec(`insert into user_totals select id from users`)
	s.exec(`insert into tickets (ticket, source, entity_id, assignee, due) select gen_random_uuid(), '', '', id, now() from users`)
	s.exec(`insert into user_projects select id, gen_random_uuid(), true, true from users`)
	s.exec(`insert into projects select project, '', '', now(), '', false from user_projects limit 1000`)
	s.exec(`insert into events select id, number * 10 + i, 'user', 'type-' || i, now(), case when i = 1 then 'system' end, '', '{}', ''
		from users, generate_series(1, 3) i`)
	s.exec("vacuum analyze")
	s.exec("set plan_cache_mode = force_generic_plan")
	for name, want := range map[string][]string{
		"UserByID":        {"users_pkey"},
		"UserByUsername":  {"users_username"},
		"UserByEmail":     {"users_email"},
		"UserByNumber":    {"users_number"},
		"UsersOfIDs":      {"users_pkey", "memberships_pkey", "user_usage_pkey"},
		"UserPreferences": {"preferences"},
		"CredentialByKey": {"keys_pkey", "accounts_pkey"},
		"KeysOfUser":      {"keys_user", "key_usage_pkey"},
		"KeyByID":         {"keys_pkey", "key_usage_pkey"},
		"KeyByName":       {"keys_user"},
		"TokensOfUsers":   {"keys_user"},
		"EndedKeys":       {"keys_ended", "key_usage_pkey"},

		"OrganizationByID": {"organizations_pkey"}, "OrganizationByName": {"organizations_name"},
		"OrganizationByNumber": {"organizations_number"}, "DefaultOrganization": {"organizations_default"},
		"SSHKeyOfUser": {"ssh_keys_pkey"}, "ParametersOfUser": {"parameters_pkey"}, "ProviderClaims": {"provider_claims_pkey"},
		"SkillsOfUser": {"skills_owner"}, "SkillOfUser": {"skills_owner"},

		"SearchUsernames": {"users_search"}, "RecentWorkspaces": {"activities_feed"}, "ActivityDays": {"activities_feed"},

		"Feed":          {"Index Only Scan using activities_feed on", "activities_pkey"},
		"FeedOfTypes":   {"Merge Append", "Index Only Scan using activities_feed_type", "activities_pkey"},
		"ActivityTotal": {"activity_totals"},
		"FeedFromEnd":   {"Index Only Scan Backward using activities_feed on", "activities_pkey"},
		"FeedOfTypesFromEnd": {
			"Merge Append", "Index Only Scan Backward using activities_feed_type", "activities_pkey",
		},
		"EventsOfAggregate": {"events_pkey"}, "EventsOfAggregateBackwards": {"Index Scan Backward using events_pkey"},
		"EventsByActor": {"events_actor", "events_pkey"}, "EventsByActorBackwards": {"events_actor", "events_pkey"},
		"EventsOfTypes": {"events_type"}, "EventsOfTypesBackwards": {"Backward using events_type"}, "EventTypes": {"events_type"},
		"ActivitiesBetween": {"activities_stream"}, "ActivitiesBetweenBackwards": {"activities_stream"},
		"Statistics": {"days_pkey", "tickets_overdue", "user_projects_pkey", "user_totals_pkey"},
	} {
		plan := s.plan(name)
		for _, index := range want {
			require.Contains(t, plan, index, "%s:\n%s", name, plan)
		}
		for _, table := range []string{"users", "keys", "accounts", "memberships", "user_usage", "key_usage", "skills", "activities", "events", "days", "tickets", "user_projects", "user_totals"} {
			require.NotContains(t, plan, "Seq Scan on "+table, "%s:\n%s", name, plan)
		}
	}
}

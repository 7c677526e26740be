package query

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestUsersByNumber(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	for i, name := range []string{"Ada", "bob", "eve", "dan", "gone"} {
		status := "active"
		if name == "gone" {
			status = "deleted"
		}
		s.user(i+1, name, name+"@example.com", status)
	}
	s.user(6, "robot", "", "active")
	s.exec(`update users set login_type = 'none' where number = 6`)
	s.exec(`update users set last_name = 'O''Hara_%' where number = 3`)
	s.exec(`insert into workspaces (id, number, name, owner, created_at, updated_at, position)
		values ($1, 1, 'main', $2, now(), now(), 1)`, organizationID(7), userID(1))
	s.exec(`insert into workspace_permissions values ($1, 'user', $2, 'RW', 3, 1)`, organizationID(7), userID(4))
	q := s.open(nil)
	for name, c := range map[string]struct {
		filter NumberedFilter
		want   []string
		total  int64
	}{
		"all":                        {NumberedFilter{}, []string{"Ada", "bob", "eve", "dan", "robot"}, 5},
		"a page":                     {NumberedFilter{Limit: 2, Offset: 1}, []string{"bob", "eve"}, 5},
		"beyond the end":             {NumberedFilter{Limit: 2, Offset: 9}, nil, 5},
		"behind a number":            {NumberedFilter{After: 2, Limit: 1}, []string{"eve"}, 5},
		"behind the last number":     {NumberedFilter{After: 6}, nil, 5},
		"without services":           {NumberedFilter{WithoutServices: true}, []string{"Ada", "bob", "eve", "dan"}, 4},
		"services behind a number":   {NumberedFilter{WithoutServices: true, After: 3}, []string{"dan"}, 4},
		"services beyond the end":    {NumberedFilter{WithoutServices: true, Offset: 4}, nil, 4},
		"a term":                     {NumberedFilter{Search: "EXAMPLE"}, []string{"Ada", "bob", "eve", "dan"}, 4},
		"a term behind a number":     {NumberedFilter{Search: "da", After: 1}, []string{"dan"}, 2},
		"a name with wildcards":      {NumberedFilter{Search: "hara_%"}, []string{"eve"}, 1},
		"nobody":                     {NumberedFilter{Search: "a_a"}, nil, 0},
		"nobody, behind a number":    {NumberedFilter{Search: "a_a", After: 1}, nil, 0},
		"not to be stored":           {NumberedFilter{Search: "\x00"}, nil, 0},
		"a visitor":                  {NumberedFilter{VisibleTo: userID(1)}, []string{"Ada", "dan"}, 2},
		"a visitor behind a number":  {NumberedFilter{VisibleTo: userID(1), After: 1}, []string{"dan"}, 2},
		"a visitor beyond the end":   {NumberedFilter{VisibleTo: userID(1), Offset: 2}, nil, 2},
		"a visitor without any":      {NumberedFilter{VisibleTo: userID(2)}, []string{"bob"}, 1},
		"a visitor that is no id":    {NumberedFilter{VisibleTo: "x"}, nil, 0},
		"a visitor who looks for it": {NumberedFilter{VisibleTo: userID(4), Search: "ada"}, []string{"Ada"}, 1},
	} {
		found, total, err := q.UsersByNumber(context.Background(), c.filter)
		require.NoError(t, err, name)
		var names []string
		for _, u := range found {
			names = append(names, u.Username)
		}
		require.Equal(t, c.want, names, name)
		require.Equal(t, c.total, total, name)
	}
}

func TestSearchUsernames(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	for i, name := range []string{"Adalbert", "ada", "bob", "adab", "xada", "ada-gone"} {
		status := "active"
		if name == "ada-gone" {
			status = "deleted"
		}
		s.user(i+1, name, "ada@example.com", status) // an address is not looked at
	}
	q := s.open(nil)
	for text, want := range map[string][]string{
		"ADA": {"ada", "adab", "xada", "Adalbert"}, "ob": {"bob"}, "": nil, "a_a": nil, "%": nil, "example": nil,
		"ada\nada": nil, "\x00": nil,
	} {
		found, err := q.SearchUsernames(context.Background(), text, 10)
		require.NoError(t, err)
		var names []string
		for _, u := range found {
			names = append(names, u.Username)
		}
		require.Equal(t, want, names, "%q", text)
	}
	found, err := q.SearchUsernames(context.Background(), "ada", 2)
	require.NoError(t, err)
	require.Len(t, found, 2)
}

func TestRecentActivities(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	at := func(text string) time.Time {
		when, err := time.Parse(time.RFC3339, text)
		require.NoError(t, err)
		return when
	}
	for i, a := range []struct {
		user            int
		workspace, when string
	}{
		{1, "old", "2026-01-01T00:00:00Z"},
		{1, "b", "2026-01-02T23:59:59Z"},
		{1, "a", "2026-01-03T00:00:00Z"},
		{1, "c", "2026-01-03T01:00:00Z"},
		{1, "c", "2026-01-03T02:00:00Z"},
		{1, "", "2026-01-05T00:00:00Z"},
		{2, "c", "2026-01-03T03:00:00Z"},
	} {
		s.exec(`insert into activities (sequence, user_id, type, action, entity_id, workspace, occurred_at, recorded_at, source, source_id)
			values ($1, $2, 'commit', 'pushed', 'e', $3, $4, now(), 's', '')`, i+1, userID(a.user), a.workspace, at(a.when))
	}
	q, ctx, since := s.open(nil), context.Background(), at("2026-01-02T00:00:00Z")
	spaces, err := q.RecentWorkspaces(ctx, userID(1), since)
	require.NoError(t, err)
	require.Equal(t, []WorkspaceCount{
		{"c", 2, at("2026-01-03T02:00:00Z")}, {"a", 1, at("2026-01-03T00:00:00Z")}, {"b", 1, at("2026-01-02T23:59:59Z")},
	}, spaces)
	days, err := q.ActivityDays(ctx, userID(1), since)
	require.NoError(t, err)
	require.Equal(t, []DayCount{
		{at("2026-01-02T00:00:00Z"), 1}, {at("2026-01-03T00:00:00Z"), 3}, {at("2026-01-05T00:00:00Z"), 1},
	}, days)
	for _, nobody := range []string{userID(3), "x", ""} {
		spaces, err := q.RecentWorkspaces(ctx, nobody, since)
		require.NoError(t, err)
		require.Empty(t, spaces)
		days, err := q.ActivityDays(ctx, nobody, since)
		require.NoError(t, err)
		require.Empty(t, days)
	}
}

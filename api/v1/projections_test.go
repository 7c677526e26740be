package v1_test

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
)

const projectionsPath = "/v1/admin/projections"

func connectTo(t *testing.T, s *apitest.System) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), s.DSN)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// built waits until the last build of a kind is over and returns its state.
func built(t *testing.T, s *apitest.System, owner *apitest.Session, name, kind string) (state string) {
	t.Helper()
	require.Eventually(t, func() bool {
		for _, b := range projection(t, s, owner, name)["builds"].([]any) {
			if one := b.(map[string]any); one["kind"] == kind {
				state = one["state"].(string)
			}
		}
		return state == "done" || state == "failed" || state == "cancelled"
	}, time.Minute, 50*time.Millisecond)
	return state
}

func projection(t *testing.T, s *apitest.System, owner *apitest.Session, name string) map[string]any {
	t.Helper()
	list := owner.Do("GET", projectionsPath, nil, nil)
	require.Equal(t, http.StatusOK, list.Status, "%s", list.Body)
	for _, p := range list.Map(s)["items"].([]any) {
		if p := p.(map[string]any); p["name"] == name {
			return p
		}
	}
	require.Fail(t, "no projection "+name)
	return nil
}

// TestRebuildWhileOthersRead damages a read model, finds that out, builds it again
// under readers, and goes back.
func TestRebuildWhileOthersRead(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	ada := owner.NewUser("ada")
	users := projection(t, s, owner, "users")
	require.Equal(t, "active", users["state"])
	require.Contains(t, users["holder"], "process")

	equal := owner.Do("POST", projectionsPath+"/users/verify", nil, nil)
	require.Equal(t, http.StatusOK, equal.Status, "%s", equal.Body)
	require.Equal(t, true, equal.Map(s)["equal"], "%s", equal.Body)

	conn := connectTo(t, s)
	_, err := conn.Exec(context.Background(), `update users_v2.users set last_name = 'Damaged' where id = $1`, ada.ID)
	require.NoError(t, err)
	differs := owner.Do("POST", projectionsPath+"/users/verify", nil, nil).Map(s)
	require.Equal(t, false, differs["equal"])
	require.Contains(t, differsIn(differs, "users"), ada.ID)

	var failed atomic.Int64
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-stop:
				return
			default:
			}
			a, err := owner.Try("GET", "/v1/users?limit=50", nil, nil)
			if err != nil || a.Status != http.StatusOK || a.Header.Get("Roster-Stale") != "" {
				failed.Add(1)
			}
		}
	}()
	taken := owner.Do("POST", projectionsPath+"/users/rebuild", nil, map[string]any{"again": true, "maxRate": 0})
	require.Equal(t, http.StatusAccepted, taken.Status, "%s", taken.Body)
	require.Equal(t, "done", built(t, s, owner, "users", "again"))
	lastName := func() string {
		var name string
		require.NoError(t, conn.QueryRow(context.Background(), `select last_name from users_v2.users where id = $1`, ada.ID).Scan(&name))
		return name
	}
	require.Empty(t, lastName())
	require.Equal(t, true, owner.Do("POST", projectionsPath+"/users/verify", nil, nil).Map(s)["equal"])

	// What is written meanwhile is in the copy that is gone back to, which keeps its
	// damage.
	owner.NewUser("linus")
	back := owner.Do("POST", projectionsPath+"/users/switch", nil, nil)
	require.Equal(t, http.StatusAccepted, back.Status, "%s", back.Body)
	require.Equal(t, "done", built(t, s, owner, "users", "switch"))
	require.Equal(t, "Damaged", lastName())
	require.Equal(t, http.StatusOK, owner.Do("GET", "/v1/users/linus", nil, nil).Status)
	close(stop)
	<-ended
	require.Zero(t, failed.Load(), "reads never stop")
	others := projection(t, s, owner, "users")["others"].([]any)
	require.Len(t, others, 1)
	require.Equal(t, true, others[0].(map[string]any)["kept"])
}

func differsIn(comparison map[string]any, table string) (keys string) {
	for _, t := range comparison["tables"].([]any) {
		if t := t.(map[string]any); t["table"] == table {
			for _, e := range t["examples"].([]any) {
				keys += e.(map[string]any)["key"].(string)
			}
		}
	}
	return keys
}

func TestProjectionsAreForOwners(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	admin := owner.NewUser("ada", "user-admin")
	for name, c := range map[string]struct {
		by           *apitest.Session
		method, path string
		body         any
		status       int
	}{
		"list by another":          {admin, "GET", "", nil, 403},
		"rebuild by another":       {admin, "POST", "/users/rebuild", map[string]any{"again": true}, 403},
		"parked by another":        {admin, "GET", "/users/parked", nil, 403},
		"drop by another":          {admin, "POST", "/users/parked/r1/drop", map[string]any{"reason": "x"}, 403},
		"unknown":                  {owner, "POST", "/nothing/rebuild", map[string]any{"again": true}, 404},
		"unknown, parked":          {owner, "GET", "/nothing/parked", nil, 404},
		"unknown, verified":        {owner, "POST", "/nothing/verify", nil, 404},
		"built already":            {owner, "POST", "/users/rebuild", map[string]any{}, 409},
		"no tables":                {owner, "POST", "/accountfeed/rebuild", map[string]any{"again": true}, 409},
		"no tables, verified":      {owner, "POST", "/accountfeed/verify", nil, 409},
		"nothing to cancel":        {owner, "POST", "/users/cancel", nil, 409},
		"nothing kept":             {owner, "POST", "/users/switch", nil, 409},
		"a wrong rate":             {owner, "POST", "/users/rebuild", map[string]any{"again": true, "maxRate": -1}, 422},
		"a rate that is no number": {owner, "POST", "/users/rebuild", map[string]any{"again": true, "maxRate": "fast"}, 422},
		"an unknown member":        {owner, "POST", "/users/rebuild", map[string]any{"once": true}, 422},
		"no body":                  {owner, "POST", "/users/rebuild", nil, 400},
		"a wrong position":         {owner, "GET", "/users/parked?after=x", nil, 400},
		"not parked":               {owner, "GET", "/users/parked/r1", nil, 404},
		"no position":              {owner, "GET", "/users/parked/first", nil, 404},
		"dropped without a reason": {owner, "POST", "/users/parked/r1/drop", map[string]any{"reason": " "}, 422},
		"dropped, not parked":      {owner, "POST", "/users/parked/r1/drop", map[string]any{"reason": "x"}, 404},
	} {
		a := c.by.Do(c.method, projectionsPath+c.path, nil, c.body)
		require.Equal(t, c.status, a.Status, "%s: %s", name, a.Body)
	}
	none := owner.Do("POST", projectionsPath+"/users/parked/redrive", nil, map[string]any{})
	require.Equal(t, http.StatusAccepted, none.Status)
	require.EqualValues(t, 0, none.Map(s)["aggregates"])
}

// TestParkedEvents looks at a parked event, and leaves it out.
func TestParkedEvents(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	conn := connectTo(t, s)
	for _, sequence := range []int{1001, 1002, 1003} {
		_, err := conn.Exec(context.Background(), `insert into roster.parked (name, version, stream, sequence, event_id, type, aggregate, subject,
			headers, data, error, attempts, handler_version, parked_at)
			values ('users', 2, 'ROSTER', $1::bigint, 'id', 'roster.user.suspended.v1', 'user/x', 'roster.user.x', '{"ce-type":["t"],"ce-client":["sealed"]}', '{}',
			case when $1::bigint = 1001 then 'no such luck' else '' end, 3, 'test', now())`, sequence)
		require.NoError(t, err)
	}
	page := owner.Do("GET", projectionsPath+"/users/parked?limit=2", nil, nil).Map(s)
	require.Len(t, page["items"], 2)
	require.Equal(t, "r1002", page["next"])
	rest := owner.Do("GET", projectionsPath+"/users/parked?limit=2&after=r1002", nil, nil).Map(s)
	require.Len(t, rest["items"], 1)
	require.NotContains(t, rest, "next")

	one := owner.Do("GET", projectionsPath+"/users/parked/r1001", nil, nil).Map(s)
	require.Equal(t, "no such luck", one["error"])
	require.Equal(t, map[string]any{"ce-type": "t"}, one["headers"], "nothing that is sealed")

	require.Equal(t, http.StatusNotFound, owner.Do("GET", projectionsPath+"/users/parked/a1001", nil, nil).Status, "a position of another log")
	elsewhere := owner.Do("POST", projectionsPath+"/users/parked/a1001/drop", nil, map[string]any{"reason": "made up"})
	require.Equal(t, http.StatusNotFound, elsewhere.Status, "%s", elsewhere.Body)
	dropped := owner.Do("POST", projectionsPath+"/users/parked/r1001/drop", nil, map[string]any{"reason": "made up"})
	require.Equal(t, http.StatusNoContent, dropped.Status, "%s", dropped.Body)
	require.Equal(t, http.StatusNotFound, owner.Do("GET", projectionsPath+"/users/parked/r1001", nil, nil).Status)
	var by, reason string
	require.NoError(t, conn.QueryRow(context.Background(), `select dropped_by, reason from roster.parked_drops where sequence = 1001`).Scan(&by, &reason))
	require.Equal(t, owner.ID, by)
	require.Equal(t, "made up", reason)
}

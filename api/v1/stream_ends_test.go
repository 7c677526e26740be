package v1_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api"
	"github.com/rosterhq/roster/api/apitest"
	"github.com/rosterhq/roster/query/live"
)

// soon is how long a revoked stream may go on: a second, on a machine that has
// time for it.
const soon = 3 * time.Second

func TestStreamEndsWithTheRight(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	const path = "/v1/users/me/activities/stream"
	user := func(name string) *apitest.Session { return owner.NewUser(name) }
	for reason, c := range map[string]struct {
		who  *apitest.Session
		path string
		end  func()
	}{
		"session-ended": {user("out"), path, nil},
		"suspended":     {user("suspended"), path, func() { owner.Do("POST", "/v1/users/suspended/suspend", nil, nil) }},
		"deleted":       {user("deleted"), path, func() { owner.Do("DELETE", "/v1/users/deleted", nil, nil) }},
		"forbidden": {owner.NewUser("auditor", "auditor"), "/v1/users/owner/activities/stream", func() {
			owner.Do("PUT", "/v1/users/auditor/roles", nil, object{"roles": []string{}})
		}},
		"key-revoked": {user("keyed"), path, nil},
	} {
		t.Run(reason, func(t *testing.T) {
			switch reason {
			case "session-ended":
				c.end = func() { c.who.Do("POST", "/api/v2/users/logout", nil, nil) }
			case "key-revoked":
				key := c.who.Do("POST", "/v1/users/me/keys", nil, object{"name": "k"}).Map(s)
				session := *c.who
				c.end = func() { session.Do("DELETE", "/v1/users/me/keys/"+key["id"].(string), nil, nil) }
				c.who = &apitest.Session{System: s, Token: key["token"].(string)}
			}
			f := follow(c.who, t, c.path, nil)
			f.next() // an account activity: the stream runs
			c.end()
			began := time.Now()
			last := f.ends(soon)
			require.Equal(t, "revoked", last.name)
			require.Equal(t, reason, last.object(t)["reason"])
			t.Logf("closed %s after the answer", time.Since(began))
		})
	}
}

func TestStreamEndsWithThePassword(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	ada := owner.NewUser("ada")
	f := follow(ada, t, "/v1/activities/stream", nil)
	f.next()
	ada.Do("PUT", "/v1/users/me/password", nil, object{"oldPassword": apitest.Password, "password": "another good staple 43"})
	require.Equal(t, "revoked", f.ends(soon).name)
}

// TestStreamOfAReadableKey shows that the key which can be read again opens a stream,
// as it opens everything else, and that the stream ends with the key.
func TestStreamOfAReadableKey(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	ada, bob := owner.NewUser("ada"), owner.NewUser("bob")
	key := func(c *apitest.Session) *apitest.Session {
		answer := c.Do("POST", "/api/user/apikey", nil, nil)
		require.Equal(t, http.StatusOK, answer.Status, "%s", answer.Body)
		return &apitest.Session{System: s, Token: answer.Map(s)["apiKey"].(string)}
	}
	const path = "/v1/users/me/activities/stream"
	first, others := follow(key(ada), t, path, nil), follow(key(bob), t, path+onlyTickets, nil)
	first.next()
	second := follow(key(ada), t, path+onlyTickets, nil) // at once: what ends the first one is on its way
	require.Equal(t, "key-revoked", first.ends(soon).object(t)["reason"])
	record(ada, t, "ada", nil, "ada's")
	second.activity("ada's")
	require.Equal(t, http.StatusOK, owner.Do("POST", "/v1/users/ada/suspend", nil, nil).Status)
	require.Equal(t, "suspended", second.ends(soon).object(t)["reason"])
	record(bob, t, "bob", nil, "bob's")
	others.activity("bob's")
}

func TestStreamExpires(t *testing.T) {
	t.Parallel()
	var ahead atomic.Int64
	s := apitest.New(t, apitest.WithClock(func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }))
	owner := s.FirstUser()
	key := owner.Do("POST", "/v1/users/me/keys", nil, object{"name": "k", "lifetimeSeconds": 3600}).Map(s)
	f := follow(&apitest.Session{System: s, Token: key["token"].(string)}, t, "/v1/activities/stream", nil)
	f.next()
	ahead.Store(int64(2 * time.Hour))
	last := f.ends(soon)
	require.Equal(t, "expired", last.object(t)["reason"])
}

func TestStreamOfOthers(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	ada := owner.NewUser("ada")
	for _, path := range []string{
		"/v1/users/owner/activities/stream", "/v1/users/" + owner.ID + "/activities/stream", "/v1/users/nobody/activities/stream",
		"/v1/activities/stream?user=owner", "/v1/activities/stream?user=me&user=owner", "/v1/activities/stream?user=%00x",
	} {
		status := ada.Do("GET", path, nil, nil).Status
		require.Contains(t, []int{http.StatusNotFound, http.StatusBadRequest}, status, path)
	}
	require.Equal(t, http.StatusUnauthorized, s.Do("GET", "/v1/activities/stream", nil, nil).Status)
	f := follow(ada, t, "/v1/activities/stream"+onlyTickets+"&last_event_id=earliest", nil)
	record(owner, t, "owner", nil, "owner's")
	record(owner, t, "ada", nil, "ada's")
	f.activity("ada's")
}

func TestStreamForms(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	const path = "/v1/users/me/activities/stream"
	for accept, want := range map[string]string{
		"application/json": "", "text/html, image/*": "", "text/event-stream;q=0": "",
		"*/*": "text/event-stream", "text/*": "text/event-stream", "application/*": "application/x-ndjson",
		"application/x-ndjson;q=0.5, text/event-stream;q=0.4": "application/x-ndjson",
		"text/event-stream, application/x-ndjson":             "text/event-stream",
		"application/x-ndjson, */*;q=0.1":                     "application/x-ndjson",
	} {
		if want == "" {
			refused := owner.Do("GET", path, map[string]string{"Accept": accept}, nil)
			require.Equal(t, http.StatusNotAcceptable, refused.Status, accept)
			require.Equal(t, "not-acceptable", refused.Map(s)["code"])
			continue
		}
		head := owner.Do("HEAD", path, map[string]string{"Accept": accept}, nil)
		require.Equal(t, http.StatusOK, head.Status)
		require.Equal(t, want, head.Header.Get("Content-Type"), accept)
		require.Empty(t, head.Body)
	}
	for _, query := range []string{"?type=klingon", "?user=ada", "?project=%ff", "?last_event_id=" + strings.Repeat("a", 300), "?a=%zz"} {
		require.Equal(t, http.StatusBadRequest, owner.Do("GET", path+query, nil, nil).Status, query)
	}
	require.Equal(t, http.StatusMethodNotAllowed, owner.Do("POST", path, nil, nil).Status)
}

func TestStreamOfLines(t *testing.T) {
	t.Parallel()
	s := apitest.New(t, apitest.WithStreams(live.Config{Heartbeat: 40 * time.Millisecond}))
	owner := s.FirstUser()
	record(owner, t, "owner", nil, "1")
	f := request(owner, t, http.DefaultTransport, s.URL+"/v1/activities/stream?type=ticket&last_event_id=wrong", map[string]string{"Accept": "application/x-ndjson"})
	require.Equal(t, "application/x-ndjson", f.answer.Header.Get("Content-Type"))
	d := json.NewDecoder(f.answer.Body)
	line := func() (o object) {
		require.NoError(t, d.Decode(&o))
		return o
	}
	reset := line()
	require.Equal(t, "reset", reset["event"])
	require.Equal(t, "malformed", reset["reason"])
	first := line()
	require.Equal(t, "1", first["sourceId"])
	record(owner, t, "owner", nil, "2")
	require.Equal(t, "2", line()["sourceId"])
	rest, _ := io.ReadAll(io.LimitReader(io.MultiReader(d.Buffered(), f.answer.Body), 4))
	require.Equal(t, "\n\n\n\n", string(rest), "heartbeats are empty lines")
	f.close()

	f = request(owner, t, http.DefaultTransport, s.URL+"/v1/activities/stream?type=review", map[string]string{"Accept": "application/x-ndjson"})
	d = json.NewDecoder(f.answer.Body)
	place := line()
	require.Equal(t, "position", place["event"])
	require.Regexp(t, `^a\d+$`, place["id"])
}

func TestStreamBeats(t *testing.T) {
	t.Parallel()
	s := apitest.New(t, apitest.WithStreams(live.Config{Heartbeat: 40 * time.Millisecond}))
	f := follow(s.FirstUser(), t, "/v1/activities/stream", nil)
	for beats := 0; beats < 3; {
		if f.any().comment {
			beats++
		}
	}
}

func TestStreamsAreBounded(t *testing.T) {
	t.Parallel()
	s := apitest.New(t, apitest.WithStreams(live.Config{Most: 2}))
	owner := s.FirstUser()
	const path = "/v1/activities/stream"
	first := follow(owner, t, path, nil)
	follow(owner, t, path, nil)
	full := owner.Do("GET", path, nil, nil)
	require.Equal(t, http.StatusServiceUnavailable, full.Status)
	require.Equal(t, "5", full.Header.Get("Retry-After"))
	require.Equal(t, http.StatusOK, owner.Do("HEAD", path, nil, nil).Status)
	first.close()
	require.Eventually(t, func() bool { // a client that leaves is noticed
		f := request(owner, t, http.DefaultTransport, s.URL+path, nil)
		return f.answer.StatusCode == http.StatusOK
	}, patience, 10*time.Millisecond)
}

// other serves the same system from another handler, as another process would.
func other(t *testing.T, s *apitest.System, tune func(*httptest.Server)) (*httptest.Server, *api.Handler) {
	t.Helper()
	handler, err := api.New(api.Config{Commands: s.Commands, Queries: s.Queries})
	require.NoError(t, err)
	server := httptest.NewUnstartedServer(handler)
	if tune != nil {
		tune(server)
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	t.Cleanup(func() { _ = handler.Close(context.Background()) })
	return server, handler
}

func TestStreamsShutDown(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	server, handler := other(t, s, nil)
	f := request(owner, t, http.DefaultTransport, server.URL+"/v1/activities/stream"+onlyTickets, nil)
	f.read()
	record(owner, t, "owner", nil, "1")
	f.activity("1")
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	require.NoError(t, handler.Close(ctx))
	last := f.ends(soon)
	require.Equal(t, "shutdown", last.name)
	require.NotEmpty(t, last.object(t)["message"])

	refused := request(owner, t, http.DefaultTransport, server.URL+"/v1/activities/stream", nil)
	require.Equal(t, http.StatusServiceUnavailable, refused.answer.StatusCode)
	record(owner, t, "owner", nil, "2", "3")
	next, _ := other(t, s, nil)
	g := request(owner, t, http.DefaultTransport, next.URL+"/v1/activities/stream"+onlyTickets, map[string]string{"Last-Event-ID": f.last})
	g.read()
	g.activity("2")
	g.activity("3")
}

// TestStreamOverTLS: the server keeps the connection, in HTTP/2 and HTTP/1.1.
func TestStreamOverTLS(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	for proto, h2 := range map[string]bool{"HTTP/2.0": true, "HTTP/1.1": false} {
		server, handler := other(t, s, func(server *httptest.Server) { server.EnableHTTP2 = h2 })
		transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: h2}
		t.Cleanup(transport.CloseIdleConnections)
		f := request(owner, t, transport, server.URL+"/v1/activities/stream"+onlyTickets, map[string]string{"Last-Event-ID": "a1000000"})
		require.Equal(t, proto, f.answer.Proto)
		f.read()
		require.Equal(t, "reset", f.next().name)
		id := "over " + proto
		record(owner, t, "owner", nil, id)
		for f.next().object(t)["sourceId"] != id {
		}
		require.NoError(t, handler.Close(context.Background()))
		require.Equal(t, "shutdown", f.ends(soon).name)
	}
}

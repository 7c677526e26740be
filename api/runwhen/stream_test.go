package runwhen_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/rosterhq/roster/api/apitest"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query/live"
)

const patience = 20 * time.Second

// event is one of a stream; a comment has nothing but its flag.
type event struct {
	id, name, data string
	comment        bool
}

// follower reads a stream.
type follower struct {
	t      *testing.T
	answer *http.Response
	events chan event
}

// follow opens a stream at a path with its query.
func (w *world) follow(token, path string, headers map[string]string) *follower {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, w.URL+"/api/v3"+path, nil)
	require.NoError(w.t, err)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	require.NoError(w.t, err)
	w.t.Cleanup(func() {
		cancel()
		_ = res.Body.Close()
	})
	require.Equal(w.t, http.StatusOK, res.StatusCode)
	require.Equal(w.t, "text/event-stream", res.Header.Get("Content-Type"))
	f := &follower{t: w.t, answer: res, events: make(chan event, 10_000)}
	go f.read()
	return f
}

func (f *follower) read() {
	defer close(f.events)
	lines := bufio.NewScanner(f.answer.Body)
	var e event
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case lines.Text() == "":
			if e.id != "" || e.name != "" || e.comment {
				f.events <- e
			}
			e = event{}
		case name == "":
			e.comment = true
		case name == "id":
			e.id = value
		case name == "event":
			e.name = value
		case name == "data":
			e.data = value
		}
	}
}

// next returns the next event but comments and account changes.
func (f *follower) next() (event, object) {
	f.t.Helper()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		select {
		case e, ok := <-f.events:
			require.True(f.t, ok, "the stream ended")
			if e.comment || e.data == "" || strings.Contains(e.data, `"targetType":"account"`) {
				continue
			}
			var o object
			require.NoError(f.t, json.Unmarshal([]byte(e.data), &o))
			return e, o
		case <-timer.C:
			f.t.Fatal("nothing came")
		}
	}
}

// ends waits for the end and returns the last event.
func (f *follower) ends() (last event) {
	f.t.Helper()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		select {
		case e, ok := <-f.events:
			if !ok {
				return last
			}
			last = e
		case <-timer.C:
			f.t.Fatal("the stream did not end")
		}
	}
}

func numbered(from, n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = strconv.Itoa(from + i)
	}
	return ids
}

func TestStream(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := w.path(w.ada) + "/activities/stream"
	w.record(w.ada, nil, numbered(0, 30)...)
	w.list(w.ada, w.path(w.ada)+"/activities") // the read model has them
	f := w.follow(w.bob.Token, path, nil)
	e, first := f.next()
	number, err := strconv.Atoi(strings.TrimPrefix(first["targetId"].(string), "T-"))
	require.NoError(t, err)
	require.GreaterOrEqual(t, number, 10, "the newest 20 at most")
	require.Equal(t, "activity", e.name)
	require.Equal(t, events.Position{Stream: events.Activity, Sequence: uint64(first["id"].(float64))}.String(), e.id)
	for i := number + 1; i < 30; i++ {
		e, _ = f.next()
	}
	var shown string
	for _, item := range w.list(w.bob, w.path(w.ada)+"/activities?page-size=100") {
		if item["targetId"] == "T-29" {
			shown = jsonOf(item)
		}
	}
	require.JSONEq(t, shown, e.data, "the items of the list")
	w.record(w.bob, nil, "of-bob")
	w.record(w.ada, nil, "30")
	live, o := f.next()
	require.Equal(t, []any{"T-30", "ada", "TICKET_CREATED"}, []any{o["targetId"], o["actorName"], o["verb"]})

	for name, back := range map[string]*follower{
		"header":          w.follow(w.bob.Token, path, map[string]string{"Last-Event-ID": e.id}),
		"query":           w.follow(w.bob.Token, path+"/?last_event_id="+e.id, nil),
		"bare number":     w.follow(w.bob.Token, path+"?last_event_id="+strings.TrimPrefix(e.id, "a"), nil),
		"header is newer": w.follow(w.bob.Token, path+"?last_event_id=a1", map[string]string{"Last-Event-ID": e.id}),
	} {
		again, _ := back.next()
		require.Equal(t, live, again, name)
		w.record(w.ada, nil, "after-"+name)
		_, o := back.next()
		for o["targetId"] != "T-after-"+name {
			_, o = back.next()
		}
	}
}

func TestStreamOfAccountChanges(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f := w.follow(w.ada.Token, w.path(w.ada)+"/activities/stream", nil)
	w.as(w.ada, "PATCH", w.path(w.ada), object{"firstName": "Ada"}, http.StatusOK)
	for e := range f.events {
		if strings.Contains(e.data, "ACCOUNT_PROFILE_UPDATED") {
			require.Equal(t, "activity", e.name, "one name for all")
			return
		}
	}
	t.Fatal("nothing came")
}

func TestStreamAsJSON(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.record(w.ada, nil, numbered(0, 5)...)
	path := w.path(w.ada) + "/activities"
	want := w.list(w.ada, path+"?page-size=3")
	for _, accept := range []string{"application/json", "application/json, text/event-stream;q=0.5"} {
		a := w.ada.Do("GET", "/api/v3"+path+"/stream?page-size=3", map[string]string{"Accept": accept}, nil)
		var got []object
		a.JSON(w.System, &got)
		require.Equal(t, want, got, accept)
	}
	require.Equal(t, http.StatusOK, w.ada.Do("HEAD", "/api/v3"+path+"/stream", nil, nil).Status)
	for _, accept := range []string{"*/*", "text/event-stream", "application/json;q=0.1, text/*", "nonsense"} {
		w.follow(w.ada.Token, path+"/stream", map[string]string{"Accept": accept})
	}
	w.as(w.ada, "POST", path+"/stream", nil, http.StatusMethodNotAllowed)
}

// TestTokenInAddress: on the stream's path only, and in no log.
func TestTokenInAddress(t *testing.T) {
	t.Parallel()
	core, logs := observer.New(zap.DebugLevel)
	w := newWorld(t, apitest.WithLogger(zap.New(core)))
	access, _ := w.signedIn(w.ada)
	ada := w.path(w.ada)
	w.record(w.ada, nil, "1")
	for _, token := range []string{access.Token, w.ada.Token} {
		f := w.follow("", ada+"/activities/stream?access_token="+token, nil)
		_, o := f.next()
		require.Equal(t, "T-1", o["targetId"])
		for _, rest := range []string{"", "/activities", "/activities/count", "/activeworkspaces"} {
			w.refused(nil, "GET", ada+rest+"?access_token="+token, nil, http.StatusUnauthorized, "Not authenticated")
		}
		w.refused(nil, "GET", "/users/whoami?access_token="+token, nil, http.StatusUnauthorized, "Not authenticated")
		w.refused(nil, "GET", ada+"/activities/stream?access_token="+token+"x", nil, http.StatusUnauthorized, badToken)
	}
	for _, entry := range logs.All() {
		line := entry.Message + fmt.Sprint(entry.ContextMap())
		require.NotContains(t, line, access.Token)
		require.NotContains(t, line, w.ada.Token)
	}
	require.NotEmpty(t, logs.All())
}

func TestStreamsBeat(t *testing.T) {
	t.Parallel()
	w := newWorld(t, apitest.WithStreams(live.Config{Heartbeat: 20 * time.Millisecond}))
	f := w.follow(w.ada.Token, w.path(w.ada)+"/activities/stream", nil)
	for e := range f.events {
		if e.comment {
			return
		}
	}
	t.Fatal("no comment came")
}

func TestStreamsEndWithTheRight(t *testing.T) {
	t.Parallel()
	clock := &hours{}
	w := newWorld(t, apitest.WithClock(clock.now))
	access, _ := w.signedIn(w.ada)
	path := w.path(w.ada) + "/activities/stream"
	out, shared, kept := w.follow(access.Token, path, nil), w.follow(w.bob.Token, path, nil), w.follow(w.ada.Token, path, nil)
	clerk := w.owner.NewUser("clerk", "user-admin")
	demoted := w.follow(clerk.Token, path, nil)
	w.as(access, "POST", "/users/logout", nil, http.StatusNoContent)
	require.Contains(t, out.ends().data, "session-ended")

	clock.forward(time.Minute) // the shared workspace is looked for again, and is there
	w.record(w.ada, nil, "1")
	for {
		if _, o := shared.next(); o["targetId"] == "T-1" {
			break
		}
	}
	revoked, err := w.Commands.RevokePermission(t.Context(), w.system, w.workspace, events.Grantee{User: w.bob.ID})
	w.noted(revoked.Position, err)
	clock.forward(time.Minute)
	require.Contains(t, shared.ends().data, "forbidden")
	require.Equal(t, http.StatusOK, w.owner.Do("PUT", "/v1/users/clerk/roles", nil, object{"roles": []string{}}).Status)
	require.Contains(t, demoted.ends().data, "forbidden")
	w.record(w.ada, nil, "2")
	for {
		if _, o := kept.next(); o["targetId"] == "T-2" {
			return
		}
	}
}

func TestStreamEndsWithItsToken(t *testing.T) {
	t.Parallel()
	clock := &hours{}
	w := newWorld(t, apitest.WithOneClock(clock.now))
	access, _ := w.signedIn(w.ada)
	f := w.follow(access.Token, w.path(w.ada)+"/activities/stream", nil)
	clock.forward(25 * time.Hour)
	require.Contains(t, f.ends().data, "expired")
}

func TestStreamsAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, apitest.WithStreams(live.Config{Most: 1}))
	w.follow(w.ada.Token, w.path(w.ada)+"/activities/stream", nil)
	a := w.refused(w.bob, "GET", w.path(w.bob)+"/activities/stream", nil, http.StatusServiceUnavailable, "Service Unavailable")
	require.Equal(t, "5", a.Header.Get("Retry-After"))
	require.Equal(t, http.StatusServiceUnavailable, w.bob.Do("GET", "/v1/users/me/activities/stream", nil, nil).Status, "together with those of the own API")
}

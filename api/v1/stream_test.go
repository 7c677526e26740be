package v1_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
)

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

// event is a server-sent event as a client reads it.
type event struct {
	id, name, data string
	hasID, comment bool
}

func (e event) object(t *testing.T) object {
	t.Helper()
	var o object
	require.NoError(t, json.Unmarshal([]byte(e.data), &o), "%+v", e)
	return o
}

// follower is a client of a stream.
type follower struct {
	t      *testing.T
	answer *http.Response
	cancel context.CancelFunc
	events chan event // closed at the end of the stream
	last   string     // position of the last event
}

// follow opens a stream; it must be there at once.
func follow(c *apitest.Session, t *testing.T, path string, headers map[string]string) *follower {
	t.Helper()
	f := request(c, t, http.DefaultTransport, c.URL+path, headers)
	require.Equal(t, http.StatusOK, f.answer.StatusCode, "%s", path)
	require.Equal(t, "text/event-stream", f.answer.Header.Get("Content-Type"))
	f.read()
	return f
}

func request(c *apitest.Session, t *testing.T, transport http.RoundTripper, url string, headers map[string]string) *follower {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bearer "+c.Token)
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	res, err := transport.RoundTrip(r)
	require.NoError(t, err)
	f := &follower{t: t, answer: res, cancel: cancel, events: make(chan event, 100_000)}
	t.Cleanup(f.close)
	return f
}

func (f *follower) close() {
	f.cancel()
	_ = f.answer.Body.Close()
}

// read parses the stream in the background.
func (f *follower) read() {
	go func() {
		defer close(f.events)
		parse(f.answer.Body, func(e event) { f.events <- e })
	}()
}

func parse(body io.Reader, give func(event)) {
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, 1<<20)
	var e event
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case lines.Text() == "":
			give(e)
			e = event{}
		case name == "":
			e.comment = true
		case name == "id":
			e.id, e.hasID = value, true
		case name == "event":
			e.name = value
		case name == "data":
			e.data += value
		case name == "retry":
			e.name = "retry"
		}
	}
}

// next returns the next event with data.
func (f *follower) next() event {
	f.t.Helper()
	for limit := time.Now().Add(patience); time.Now().Before(limit); {
		e := f.any()
		if e.hasID {
			f.last = e.id
		}
		if e.data != "" {
			return e
		}
	}
	require.Fail(f.t, "nothing but comments came")
	return event{}
}

func (f *follower) any() event {
	f.t.Helper()
	select {
	case e, ok := <-f.events:
		require.True(f.t, ok, "the stream ended")
		return e
	case <-time.After(patience):
		require.Fail(f.t, "nothing came")
		return event{}
	}
}

// activity returns the next event, which must be an activity of a source id.
func (f *follower) activity(sourceID string) object {
	f.t.Helper()
	e := f.next()
	require.Equal(f.t, "activity", e.name, "%+v", e)
	o := e.object(f.t)
	require.Equal(f.t, sourceID, o["sourceId"])
	require.Equal(f.t, e.id, o["id"])
	return o
}

// ends waits for the end, and returns the last event before it.
func (f *follower) ends(within time.Duration) (last event) {
	f.t.Helper()
	limit := time.After(within)
	for {
		select {
		case e, ok := <-f.events:
			if !ok {
				return last
			}
			if e.data != "" {
				last = e
			}
		case <-limit:
			require.Fail(f.t, "the stream goes on")
		}
	}
}

// record records activities of a user by name; ids are source ids.
func record(c *apitest.Session, t *testing.T, user string, more object, ids ...string) string {
	t.Helper()
	items := make([]object, len(ids))
	for i, id := range ids {
		items[i] = object{
			"source": "tracker", "id": id, "user": object{"username": user}, "type": "ticket", "action": "created",
			"entity": object{"id": "T-" + id}, "occurredAt": "2026-05-03T10:00:00Z",
		}
		for name, value := range more {
			items[i][name] = value
		}
	}
	a, err := c.Try("POST", "/v1/activities", nil, items)
	require.NoError(t, err)
	var answer object
	require.NoError(t, json.Unmarshal(a.Body, &answer))
	require.EqualValues(t, len(ids), answer["accepted"], "%s", a.Body)
	return answer["position"].(string)
}

func numbered(from, n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprint(from + i)
	}
	return ids
}

const onlyTickets = "?type=ticket"

func TestStreamFollowsAndResumes(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	ada := owner.NewUser("ada")
	record(owner, t, "ada", object{
		"metadata": object{"n": 9007199254740993, "f": 1.5, "big": 1e21, "small": 1e-9, "text": "<&>", "list": []any{1, nil, true}},
		"due":      "2026-05-04T10:00:00Z", "project": object{"id": "web", "name": "Web"}, "assignee": object{"username": "owner"}, "count": 3,
	}, "1")

	f := follow(ada, t, "/v1/users/me/activities/stream"+onlyTickets, nil)
	require.Equal(t, "no", f.answer.Header.Get("X-Accel-Buffering"))
	require.NotEmpty(t, f.answer.Header.Get("X-Request-Id"))
	require.Equal(t, "retry", f.any().name)
	old := f.activity("1")
	record(owner, t, "ada", object{
		"metadata": object{"n": 9007199254740993, "f": 1.5, "big": 1e21, "small": 1e-9, "text": "<&>", "list": []any{1, nil, true}},
		"due":      "2026-05-04T10:00:00Z", "project": object{"id": "web", "name": "Web"}, "assignee": object{"username": "owner"}, "count": 3,
	}, "2")
	fresh := f.activity("2")
	require.Equal(t, ada.ID, fresh["user"])

	feed := ada.Do("GET", "/v1/users/me/activities"+onlyTickets, nil, nil)
	items := feed.Map(s)["items"].([]any)
	require.Equal(t, []any{fresh, old}, items, "the same objects as in the feed, live and replayed")
	require.Contains(t, string(feed.Body), "1000000000000000000000")

	at := f.last
	f.close()
	record(owner, t, "ada", nil, "3", "4")
	record(owner, t, "owner", nil, "5")
	var lived []string
	for name, open := range map[string]func() *follower{
		"header": func() *follower {
			return follow(ada, t, "/v1/users/ada/activities/stream"+onlyTickets+"&last_event_id=a1", map[string]string{"Last-Event-ID": at})
		},
		"query": func() *follower {
			return follow(ada, t, "/v1/users/"+ada.ID+"/activities/stream"+onlyTickets+"&last_event_id="+at, nil)
		},
	} {
		f := open()
		f.activity("3")
		f.activity("4")
		for _, earlier := range lived {
			f.activity(earlier)
		}
		id := "live-" + name
		lived = append(lived, id)
		record(owner, t, "ada", nil, id)
		f.activity(id)
		f.close()
	}
}

func TestStreamBeginsWithTheNewest(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	record(owner, t, "owner", nil, numbered(0, 30)...)
	f := follow(owner, t, "/v1/activities/stream"+onlyTickets, nil)
	for _, id := range numbered(10, 20) {
		f.activity(id)
	}
	f = follow(owner, t, "/v1/activities/stream?last_event_id=earliest&type=ticket,comment", nil)
	for _, id := range numbered(0, 30) {
		f.activity(id)
	}
	f = follow(owner, t, "/v1/users/me/activities/stream?last_event_id=earliest", nil)
	for f.next().name != "account" { // it comes by itself, some time after the registration
	}
}

func TestStreamWithNothingToBeginWith(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	f := follow(owner, t, "/v1/users/me/activities/stream?type=review", nil)
	require.Equal(t, "retry", f.any().name)
	place := f.any()
	require.Regexp(t, `^a\d+$`, place.id, "a client that was never sent anything can resume too")
	require.Empty(t, place.data)
	f.close()
	record(owner, t, "owner", object{"type": "review"}, numbered(0, 30)...)
	f = follow(owner, t, "/v1/users/me/activities/stream?type=review", map[string]string{"Last-Event-ID": place.id})
	for _, id := range numbered(0, 30) {
		f.activity(id)
	}
}

func TestStreamResets(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	record(owner, t, "owner", nil, "1")
	for position, reason := range map[string]string{
		"nonsense": "malformed", "a": "malformed", "a-1": "malformed", "a99999999999999999999": "malformed", "a1,r1": "malformed",
		"a1000000": "unknown", "r1": "unknown", "a18446744073709551615": "unknown",
	} {
		f := follow(owner, t, "/v1/users/me/activities/stream"+onlyTickets, map[string]string{"Last-Event-ID": position})
		e := f.next()
		require.Equal(t, "reset", e.name, position)
		require.Equal(t, reason, e.object(t)["reason"], position)
		require.True(t, e.hasID && e.id == "", "the wrong position is forgotten")
		f.activity("1")
		f.close()
	}
}

func TestStreamFilters(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	owner.NewUser("ada")
	owner.NewUser("grace")
	all := func(round string) {
		record(owner, t, "ada", object{"project": object{"id": "web"}, "workspace": "w1"}, "ada-web-w1"+round)
		record(owner, t, "grace", object{"project": object{"id": "api"}, "workspace": "w1", "type": "review"}, "grace-api-w1-review"+round)
		record(owner, t, "owner", object{"project": object{"id": "app"}, "workspace": "w2", "type": "commit"}, "owner-app-w2-commit"+round)
		record(owner, t, "ada", object{"type": "comment"}, "ada-comment"+round)
	}
	for query, want := range map[string][]string{
		"type=ticket&type=commit":                        {"ada-web-w1", "owner-app-w2-commit"},
		"type=review,comment":                            {"grace-api-w1-review", "ada-comment"},
		"project=web&project=app":                        {"ada-web-w1", "owner-app-w2-commit"},
		"workspace=w1":                                   {"ada-web-w1", "grace-api-w1-review"},
		"workspace=w1&project=api":                       {"grace-api-w1-review"},
		"user=ada&user=grace&type=ticket,review,comment": {"ada-web-w1", "grace-api-w1-review", "ada-comment"},
		"user=me&user=me&type=commit,ticket":             {"owner-app-w2-commit"},
	} {
		t.Run(query, func(t *testing.T) {
			before := record(owner, t, "grace", object{"type": "project"}, "mark/"+query)
			all("/past/" + query)
			f := follow(owner, t, "/v1/activities/stream?"+query, map[string]string{"Last-Event-ID": before})
			for _, id := range want {
				require.Equal(t, id+"/past/"+query, f.next().object(t)["sourceId"])
			}
			all("/live/" + query)
			for _, id := range want {
				require.Equal(t, id+"/live/"+query, f.next().object(t)["sourceId"])
			}
			f.close()
		})
	}
}

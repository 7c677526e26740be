package v1_test

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
	"github.com/rosterhq/roster/events"
)

// eventsOf reads pages of /v1/events to their end.
func eventsOf(t *testing.T, s *apitest.System, c *apitest.Session, parameters string) []object {
	t.Helper()
	var out []object
	for cursor := ""; ; {
		page := c.Do("GET", "/v1/events?limit=7&"+parameters+"&cursor="+cursor, nil, nil)
		require.Equal(t, http.StatusOK, page.Status, "%s: %s", parameters, page.Body)
		m := page.Map(s)
		for _, item := range m["items"].([]any) {
			out = append(out, item.(object))
		}
		next, more := m["next"].(string)
		if !more {
			return out
		}
		cursor = url.QueryEscape(next)
	}
}

// places lists positions by stream: the order of both depends on times.
func places(all []object) map[string][]string {
	out := map[string][]string{}
	for _, p := range member(all, "position") {
		out[p[:1]] = append(out[p[:1]], p)
	}
	return out
}

func member(all []object, name string) []string {
	out := make([]string, len(all))
	for i, e := range all {
		out[i], _ = e[name].(string)
	}
	return out
}

// stream asks for lines.
func lines(t *testing.T, c *apitest.Session, parameters string, headers map[string]string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.URL+"/v1/events?"+parameters, nil)
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bearer "+c.Token)
	r.Header.Set("Accept", "application/x-ndjson")
	r.Header.Set("Accept-Encoding", "identity")
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	res, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	t.Cleanup(func() { _ = res.Body.Close() })
	require.Equal(t, http.StatusOK, res.StatusCode)
	require.Equal(t, "application/x-ndjson", res.Header.Get("Content-Type"))
	return res
}

func decodeLines(t *testing.T, from io.Reader) []object {
	t.Helper()
	var out []object
	for d := json.NewDecoder(from); ; {
		var e object
		err := d.Decode(&e)
		if errors.Is(err, io.EOF) {
			return out
		}
		require.NoError(t, err)
		out = append(out, e)
	}
}

// world is a log with identity events and activities of some users.
func world(t *testing.T) (s *apitest.System, owner, ada *apitest.Session) {
	t.Helper()
	s = apitest.New(t)
	owner = s.FirstUser()
	ada = owner.NewUser("ada")
	for i := range 6 {
		owner.Do("PATCH", "/v1/users/ada", nil, object{"name": fmt.Sprintf("Ada %d", i)})
		record := ada.Do("POST", "/v1/activities", nil, object{
			"source": "tests", "id": fmt.Sprint("ada-", i), "user": object{"username": "ada"}, "type": "ticket", "action": "created", "occurredAt": time.Now(),
			"entity": object{"id": fmt.Sprint(i), "title": "a personal title"},
		})
		require.Equal(t, http.StatusOK, record.Status, "%s", record.Body)
	}
	ada.Do("PATCH", "/v1/users/me/preferences/codimir", nil, object{"theme": "dark"})
	owner.Do("POST", "/v1/users/ada/suspend", nil, nil)
	owner.Do("POST", "/v1/users/ada/activate", nil, nil)
	identity := scanned(t, s, events.Roster)
	last := identity[len(identity)-1].Meta.ID
	require.Eventually(t, func() bool { // the feed tells of it
		activities := scanned(t, s, events.Activity)
		return len(activities) > 0 && strings.Contains(string(activities[len(activities)-1].Data), last)
	}, 20*time.Second, 10*time.Millisecond)
	return s, owner, ada
}

// scanned reads a stream as it is.
func scanned(t *testing.T, s *apitest.System, of events.Stream) []events.Stored {
	t.Helper()
	var out []events.Stored
	require.NoError(t, s.Log.Scan(context.Background(), of, 0, 0, func(e events.Stored) error {
		out = append(out, e)
		return nil
	}))
	return out
}

func TestEventsAreTheLog(t *testing.T) {
	t.Parallel()
	s, owner, _ := world(t)
	all := eventsOf(t, s, owner, "")
	for _, of := range []events.Stream{events.Roster, events.Activity} {
		stored := scanned(t, s, of)
		own := make([]string, len(stored))
		for i, e := range stored {
			own[i] = e.Position().String()
		}
		letter := own[0][:1]
		got := slices.DeleteFunc(member(all, "position"), func(p string) bool { return p[:1] != letter })
		require.Equal(t, own, got, "each stream in its order")
	}
	require.GreaterOrEqual(t, len(all), 20)
	for _, e := range all {
		require.Equal(t, "1.0", e["specversion"])
		require.NotContains(t, e["data"], "sealed")
		require.NotContains(t, e, "requesthash")
	}
	backwards := eventsOf(t, s, owner, "order=desc")
	slices.Reverse(backwards)
	require.Equal(t, places(all), places(backwards))

	res := lines(t, owner, "", nil)
	require.Equal(t, all, decodeLines(t, res.Body))
	require.Regexp(t, `^r\d+,a\d+$`, res.Header.Get("Roster-Position"))
	limited := lines(t, owner, "limit=3", nil)
	require.Equal(t, all[:3], decodeLines(t, limited.Body))
	rest := lines(t, owner, "cursor="+url.QueryEscape(limited.Trailer.Get("Roster-Next")), nil)
	require.Equal(t, all[3:], decodeLines(t, rest.Body))
}

func TestEventsAreFiltered(t *testing.T) {
	t.Parallel()
	s, owner, ada := world(t)
	all := eventsOf(t, s, owner, "")
	select1 := func(keep func(object) bool) []object {
		return slices.DeleteFunc(slices.Clone(all), func(e object) bool { return !keep(e) })
	}
	is := func(name, value string) func(object) bool { return func(e object) bool { return e[name] == value } }
	middle := all[len(all)/2]
	for parameters, keep := range map[string]func(object) bool{
		"stream=roster":                       func(e object) bool { return e["position"].(string)[0] == 'r' },
		"stream=activity":                     func(e object) bool { return e["position"].(string)[0] == 'a' },
		"user=ada":                            is("subject", "user/"+ada.ID),
		"user=" + ada.ID + "&stream=roster":   func(e object) bool { return e["subject"] == "user/"+ada.ID && e["position"].(string)[0] == 'r' },
		"aggregate=user/" + ada.ID:            is("subject", "user/"+ada.ID),
		"type=roster.user.profile-updated.v1": is("type", "roster.user.profile-updated.v1"),
		"type=roster.user.s*":                 func(e object) bool { return strings.HasPrefix(e["type"].(string), "roster.user.s") },
		"type=*":                              func(object) bool { return true },
		"type=roster.activity.*,roster.user.activated.v1": func(e object) bool {
			return strings.HasPrefix(e["type"].(string), "roster.activity.") || e["type"] == "roster.user.activated.v1"
		},
		"actor=ada":            is("actor", ada.ID),
		"actor=system":         is("actor", "system"),
		"dialect=v1":           is("dialect", "v1"),
		"user=ada&actor=owner": func(e object) bool { return e["subject"] == "user/"+ada.ID && e["actor"] == owner.ID },
		"from=" + url.QueryEscape(middle["time"].(string)): func(e object) bool { return e["time"].(string) >= middle["time"].(string) },
		"to=" + url.QueryEscape(middle["time"].(string)):   func(e object) bool { return e["time"].(string) <= middle["time"].(string) },
		"to=2020-01-01T00:00:00Z":                          func(object) bool { return false },
		"from=r5&to=r9": func(e object) bool {
			return slices.Contains([]string{"r5", "r6", "r7", "r8", "r9"}, e["position"].(string))
		},
	} {
		want := select1(keep)
		got := eventsOf(t, s, owner, parameters)
		require.Equal(t, places(want), places(got), parameters)
		if !strings.HasPrefix(parameters, "to=2020") {
			require.NotEmpty(t, want, parameters)
		}
		backwards := eventsOf(t, s, owner, parameters+"&order=desc")
		slices.Reverse(backwards)
		require.Equal(t, places(want), places(backwards), "%s backwards", parameters)
	}
	s.StopProjections() // what the read models lack comes from the log
	owner.Do("PATCH", "/v1/users/ada", nil, object{"name": "Ada, newer than the read model"})
	newest := eventsOf(t, s, owner, "user=ada&order=desc&stream=roster")[0]
	require.Equal(t, "roster.user.profile-updated.v1", newest["type"])
	require.Greater(t, newest["time"], all[len(all)-1]["time"])
	require.Equal(t, newest, eventsOf(t, s, owner, "type=roster.user.profile-updated.v1&order=desc")[0])
	require.Equal(t, newest, eventsOf(t, s, owner, "actor=me&order=desc&type=roster.user.p*")[0])
}

func TestPersonalDataOfEventsIsForWhoeverMaySeeIt(t *testing.T) {
	t.Parallel()
	s, owner, ada := world(t)
	auditor, admin := withRoles(owner, "auditor", "auditor"), withRoles(owner, "admin", "user-admin")
	status := func(c *apitest.Session, parameters string) int {
		return c.Do("GET", "/v1/events?"+parameters, nil, nil).Status
	}
	require.Equal(t, 403, status(ada, ""))
	require.Equal(t, 403, status(ada, "user=me"))
	require.Equal(t, 403, status(admin, ""))
	require.Equal(t, 200, status(auditor, ""))
	reads := withScopes(s, auditor, "events:read")
	require.Equal(t, 200, status(reads, ""))
	require.Equal(t, 403, status(reads, "personal=true"))
	require.Equal(t, 200, status(withScopes(s, auditor, "events:personal"), "personal=true"))
	require.Equal(t, 403, status(withScopes(s, owner, "users:read"), ""))
	require.Equal(t, 401, s.Do("GET", "/v1/events", nil, nil).Status)

	plain, err := json.Marshal(eventsOf(t, s, auditor, ""))
	require.NoError(t, err)
	for _, word := range []string{ada.Email, "Ada 3", "a personal title", "argon2", "dark", "127.0.0.1"} {
		require.NotContains(t, string(plain), word)
	}
	opened := eventsOf(t, s, auditor, "personal=true")
	text, err := json.Marshal(opened)
	require.NoError(t, err)
	for _, word := range []string{ada.Email, "Ada 3", "a personal title", "dark", "127.0.0.1"} {
		require.Contains(t, string(text), word)
	}
	for _, word := range []string{"argon2", "secretHash", "sealed\":"} {
		require.NotContains(t, string(text), word)
	}
	require.NoError(t, s.Log.EraseKey(context.Background(), ada.ID))
	text, err = json.Marshal(eventsOf(t, s, auditor, "personal=true&user="+ada.ID))
	require.NoError(t, err)
	require.NotContains(t, string(text), "Ada 3")
	require.Contains(t, string(text), "roster.user.profile-updated.v1", "the event itself stays")
}

func TestEventsAreCompressedWhenAsked(t *testing.T) {
	t.Parallel()
	s, owner, _ := world(t)
	want := eventsOf(t, s, owner, "stream=roster")
	for coding, open := range map[string]func(io.Reader) (io.Reader, error){
		"zstd": func(r io.Reader) (io.Reader, error) { return zstd.NewReader(r) },
		"gzip": func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) },
	} {
		for _, parameters := range []string{"stream=roster", "stream=roster&follow=true&limit=" + fmt.Sprint(len(want))} {
			res := lines(t, owner, parameters, map[string]string{"Accept-Encoding": "br, " + coding})
			require.Equal(t, coding, res.Header.Get("Content-Encoding"))
			body, err := open(res.Body)
			require.NoError(t, err)
			require.Equal(t, want, decodeLines(t, body))
		}
	}
	require.Empty(t, lines(t, owner, "", map[string]string{"Accept-Encoding": "zstd;q=0"}).Header.Get("Content-Encoding"))
	require.Equal(t, "gzip", lines(t, owner, "", map[string]string{"Accept-Encoding": "zstd;q=0.5, gzip"}).Header.Get("Content-Encoding"))
}

// What is followed goes on without a gap, and ends with the reader's rights.
func TestEventsAreFollowed(t *testing.T) {
	t.Parallel()
	s, owner, ada := world(t)
	before := eventsOf(t, s, owner, "user=ada&stream=roster")
	res := lines(t, owner, "user=ada&stream=roster&follow=true", nil)
	in := bufio.NewScanner(res.Body)
	next := func() object {
		for in.Scan() {
			if len(in.Bytes()) > 0 {
				var e object
				require.NoError(t, json.Unmarshal(in.Bytes(), &e))
				return e
			}
		}
		require.Fail(t, "the stream ended", "%v", in.Err())
		return nil
	}
	for _, e := range before {
		require.Equal(t, e["position"], next()["position"])
	}
	for i := range 50 {
		a := owner.Do("PATCH", "/v1/users/ada", nil, object{"name": fmt.Sprintf("Ada %d again", i)})
		require.Equal(t, a.Header.Get("Roster-Position"), next()["position"])
		owner.Do("PATCH", "/v1/users/owner", nil, object{"name": fmt.Sprintf("somebody else %d", i)})
	}
	_ = ada
	_ = res.Body.Close()
}

// TestFollowingEndsWithTheRights takes away what lets somebody read the log while they
// follow it: the role, the session, the account. Events that come later end the answer.
func TestFollowingEndsWithTheRights(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	for name, end := range map[string]func(*testing.T, *apitest.Session, string){
		"role": func(t *testing.T, _ *apitest.Session, name string) {
			t.Helper()
			require.Equal(t, http.StatusOK, owner.Do("PUT", "/v1/users/"+name+"/roles", nil, object{"roles": []string{}}).Status)
		},
		"session": func(t *testing.T, reader *apitest.Session, _ string) {
			t.Helper()
			require.Equal(t, http.StatusOK, reader.Do("POST", "/api/v2/users/logout", nil, nil).Status)
		},
		"account": func(t *testing.T, _ *apitest.Session, name string) {
			t.Helper()
			require.Equal(t, http.StatusOK, owner.Do("POST", "/v1/users/"+name+"/suspend", nil, nil).Status)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reader := owner.NewUser("reader-of-"+name, "auditor")
			res := lines(t, reader, "follow=true&user=owner&from=r1", nil)
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				_, _ = io.Copy(io.Discard, res.Body)
			}()
			end(t, reader, "reader-of-"+name)
			limit := time.After(patience)
			for i := 0; ; i++ {
				owner.Do("PATCH", "/v1/users/owner", nil, object{"name": fmt.Sprintf("after %s %d", name, i)})
				select {
				case <-ended:
					return
				case <-limit:
					require.Fail(t, "the log is still followed")
				default:
				}
			}
		})
	}
}

func TestBadQuestionsToTheLog(t *testing.T) {
	t.Parallel()
	s, owner, _ := world(t)
	_ = s
	for parameters, detail := range map[string]string{
		"from=yesterday": "RFC 3339", "from=r999999": "beyond the log", "to=r999999": "beyond the log", "to=r0": "no event",
		"from=r1,r2": "RFC 3339", "from=a1&stream=roster": "no event", "stream=keys": "roster or activity", "type=Nonsense!": "names of types",
		"type=a*b": "names of types", "limit=0": "from 1 on", "limit=1001": "at most 1000", "order=up": "asc or desc",
		"user=nobody-here": "no such user", "actor=nobody-here": "no such user", "aggregate=user": "a slash",
		"aggregate=robot/01900000-0000-7000-8000-000000000001": "a slash", "user=ada&aggregate=user/01900000-0000-7000-8000-000000000001": "already",
		"personal=yes": "true or false", "follow=1": "true or false", "follow=true&format=json": "lines", "follow=true&order=desc": "in order",
		"follow=true&to=r1": "no end", "cursor=nonsense": "was not made", "cursor=r999999": "beyond the log", "cursor=r0": "was not made",
		"format=xml": "json or ndjson", "from=%00": "NUL", "type=a&type=b": "more than once",
	} {
		a := owner.Do("GET", "/v1/events?"+parameters, nil, nil)
		require.Equal(t, http.StatusBadRequest, a.Status, "%s: %s", parameters, a.Body)
		require.Contains(t, string(a.Body), detail, parameters)
	}
	require.Empty(t, owner.Do("GET", "/v1/events?user=01900000-0000-7000-8000-000000000001", nil, nil).Map(s)["items"])
}

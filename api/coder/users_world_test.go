package coder_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
	"github.com/rosterhq/roster/events"
)

const (
	users     = "/api/v2/users"
	strong    = "SomeSecurePassword!"
	someUUID  = "497f6eca-6276-4993-bfeb-53cbbbba6f08"
	zeroUUID  = "00000000-0000-0000-0000-000000000000"
	neverSeen = "0001-01-01T00:00:00Z"
)

// world is an installation with somebody of each kind.
type world struct {
	*apitest.System
	t                                          *testing.T
	owner, admin, auditor, builder, ada, linus *apitest.Session
}

func newWorld(t *testing.T) world {
	t.Helper()
	s := apitest.New(t)
	owner := s.FirstUser()
	return world{
		System: s, t: t, owner: owner,
		admin: owner.NewUser("admin", "user-admin"), auditor: owner.NewUser("auditor", "auditor"),
		builder: owner.NewUser("builder", "template-admin"), ada: owner.NewUser("ada"), linus: owner.NewUser("linus"),
	}
}

// line is a line of one of the tables of behaviour.
type line struct {
	name         string
	by           *apitest.Session // nil: nobody
	method, path string
	body         any
	status       int
	want         object // the whole answer; nil: not looked at, but that nobody (401) is told to sign in
}

var (
	missing   = object{"message": "Resource not found or you do not have access to this resource"}
	forbidden = object{"message": "Forbidden.", "detail": "You don't have permission to view this content. " +
		"If you believe this is a mistake, please contact your administrator or try signing in with different credentials."}
	badBody = func(detail string) object {
		return object{"message": "Request body must be valid JSON.", "detail": detail}
	}
)

// onlyLower is what the checker of passwords misses in lower-case letters alone.
const onlyLower = "using uppercase letters, using numbers"

// weak is a refusal of a password, with what the checker of passwords misses in it.
func weak(message, missing string) object {
	detail := "insecure password, try including more special characters, " + missing + " or using a longer password"
	return object{"message": message, "validations": []any{object{"field": "password", "detail": detail}}}
}

func says(message string) object { return object{"message": message} }

func invalid(fields ...string) object {
	var list []any
	for i := 0; i < len(fields); i += 2 {
		list = append(list, object{"field": fields[i], "detail": fields[i+1]})
	}
	return object{"message": "Validation failed.", "validations": list}
}

func tag(tag, value string) string {
	return `Validation failed for tag "` + tag + `" with value: "` + value + `"`
}

func (w world) check(lines []line) {
	w.t.Helper()
	for _, l := range lines {
		w.t.Run(l.name, func(t *testing.T) {
			a := w.send(l)
			require.Equal(t, l.status, a.Status, "%s", a.Body)
			require.NotEmpty(t, a.Header.Get("X-Coder-Build-Version"))
			switch {
			case l.want != nil:
				require.JSONEq(t, asJSON(t, l.want), string(a.Body))
			case l.status == http.StatusUnauthorized:
				require.Contains(t, a.Map(w.System)["message"], "session has expired")
			case l.status >= http.StatusBadRequest:
				t.Errorf("a refusal whose words nobody looks at: %s", a.Body)
			}
		})
	}
}

func (w world) send(l line) apitest.Answer {
	w.t.Helper()
	if l.by == nil {
		return w.Do(l.method, l.path, nil, l.body)
	}
	return l.by.Do(l.method, l.path, nil, l.body)
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	require.NoError(t, err)
	return string(raw)
}

// head is the last sequence of the log: what it does not move wrote nothing.
func (w world) head() uint64 {
	w.t.Helper()
	n, err := w.Log.Head(w.t.Context(), events.Roster)
	require.NoError(w.t, err)
	return n
}

// get reads an object.
func (w world) get(by *apitest.Session, path string) object {
	w.t.Helper()
	a := by.Do(http.MethodGet, path, nil, nil)
	require.Equal(w.t, http.StatusOK, a.Status, "%s", a.Body)
	return a.Map(w.System)
}

func (w world) put(by *apitest.Session, path string, body any) object {
	w.t.Helper()
	a := by.Do(http.MethodPut, path, nil, body)
	require.Equal(w.t, http.StatusOK, a.Status, "%s", a.Body)
	return a.Map(w.System)
}

// make creates a user through the dialect.
func (w world) make(name string, more object) object {
	w.t.Helper()
	body := object{"email": name + "@example.com", "username": name, "password": strong, "organization_ids": []string{zeroUUID}}
	for k, v := range more {
		body[k] = v
	}
	a := w.owner.Do(http.MethodPost, users, nil, body)
	require.Equal(w.t, http.StatusCreated, a.Status, "%s", a.Body)
	return a.Map(w.System)
}

func path(user, rest string) string { return users + "/" + user + rest }

func moment(t *testing.T, v any) time.Time {
	t.Helper()
	out, err := time.Parse(time.RFC3339Nano, v.(string))
	require.NoError(t, err)
	require.True(t, out.Equal(out.Truncate(time.Microsecond)) && out.Location() == time.UTC)
	return out
}

const apitestPassword = apitest.Password

// settled lets reads wait for everything that is in the log, which commands
// outside HTTP do not tell.
func (w world) settled() {
	w.t.Helper()
	w.Queries.NoteAny(events.Position{Stream: events.Roster, Sequence: w.head()})
}

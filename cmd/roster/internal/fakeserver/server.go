// Package fakeserver is a Roster server in memory, as far as imports see one:
// users are unique by username (ignoring case) and identity, activities by
// source and id, and at most a hundred rejections are listed. It is for tests; what it answers is
// checked against the real server by the test of a whole import.
package fakeserver

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// Token is the token that the server accepts.
const Token = "aaaaaaaaaa-secretsecretsecretsecre"

// Fault decides about a request before it is handled. A status other than 0 is
// answered instead; Lost does the work and breaks the connection.
type Fault func(r *http.Request) (status int, header http.Header)

// Lost as a status means that the answer is lost on its way.
const Lost = -1

// Server is a running fake.
type Server struct {
	URL string

	mu         sync.Mutex
	fault      Fault
	Users      map[string]string // identity -> username
	usernames  map[string]bool
	unwanted   map[string]bool
	Activities map[string]Activity
	Order      []string // ids of activities as they were recorded
	requests   map[string]int
}

// Activity is what the fake reads of an activity.
type Activity struct {
	Source   string `json:"source"`
	ID       string `json:"id"`
	User     ref    `json:"user"`
	Assignee *ref   `json:"assignee"`
	Type     string `json:"type"`
	Entity   struct {
		Title string `json:"title"`
	} `json:"entity"`
}

type ref struct {
	Provider string `json:"provider"`
	Subject  string `json:"subject"`
}

func (r ref) key() string { return r.Provider + ":" + r.Subject }

// Start runs a fake until the test ends.
func Start(tb testing.TB) *Server {
	tb.Helper()
	s := &Server{
		Users: make(map[string]string), usernames: make(map[string]bool), unwanted: make(map[string]bool),
		Activities: make(map[string]Activity), requests: make(map[string]int),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/users/me", func(w http.ResponseWriter, _ *http.Request) { reply(w, http.StatusOK, map[string]any{}) })
	mux.HandleFunc("POST /v1/users", s.createUser)
	mux.HandleFunc("POST /v1/activities", s.record)
	server := httptest.NewServer(s.guard(mux))
	tb.Cleanup(server.Close)
	s.URL = server.URL
	return s
}

// SetFault makes the server misbehave from now on.
func (s *Server) SetFault(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = f
}

// Take gives a username to somebody without an identity.
func (s *Server) Take(username string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.usernames[strings.ToLower(username)] = true
}

// Refuse makes the server refuse a username for ever.
func (s *Server) Refuse(username string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unwanted[username] = true
}

func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.requests[r.Method+" "+r.URL.Path]++
		fault := s.fault
		s.mu.Unlock()
		if r.Header.Get("Authorization") != "Bearer "+Token {
			refuse(w, http.StatusUnauthorized, "unauthenticated", "who are you, "+r.Header.Get("Authorization")+"?")
			return
		}
		var status int
		var header http.Header
		if fault != nil {
			status, header = fault(r)
		}
		switch status {
		case 0:
			next.ServeHTTP(w, r)
		case Lost:
			next.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		default:
			for name, values := range header {
				w.Header()[name] = values
			}
			refuse(w, status, "unavailable", "try later")
		}
	})
}

var usernameRule = regexp.MustCompile(`^[a-zA-Z0-9]+(?:-[a-zA-Z0-9]+)*$`)

func (s *Server) createUser(w http.ResponseWriter, r *http.Request) {
	var u struct {
		Username   string `json:"username"`
		Identities []ref  `json:"identities"`
	}
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&u); err != nil || len(u.Identities) != 1 {
		refuse(w, http.StatusBadRequest, "invalid", "not a user")
		return
	}
	if !usernameRule.MatchString(u.Username) || len(u.Username) > 32 {
		refuse(w, http.StatusUnprocessableEntity, "invalid", "wrong username", "username")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.unwanted[u.Username] {
		refuse(w, http.StatusUnprocessableEntity, "invalid", "not this one")
		return
	}
	var taken []string
	if s.usernames[strings.ToLower(u.Username)] {
		taken = append(taken, "username")
	}
	if _, there := s.Users[u.Identities[0].key()]; there {
		taken = append(taken, "identities")
	}
	if len(taken) > 0 {
		refuse(w, http.StatusConflict, "conflict", "a user with these names exists", taken...)
		return
	}
	s.usernames[strings.ToLower(u.Username)] = true
	s.Users[u.Identities[0].key()] = u.Username
	reply(w, http.StatusCreated, u)
}

type rejection struct {
	Index   int    `json:"index"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (s *Server) record(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var accepted, duplicates, total int
	rejected := []rejection{}
	lines := bufio.NewScanner(r.Body)
	lines.Buffer(nil, 128<<10)
	for index := 0; lines.Scan(); index++ {
		code := s.keep(lines.Bytes())
		switch code {
		case "":
			accepted++
		case "duplicate":
			duplicates++
		default:
			total++
			if len(rejected) < 100 {
				rejected = append(rejected, rejection{Index: index, Code: code, Message: "is " + code})
			}
		}
	}
	reply(w, http.StatusOK, map[string]any{"accepted": accepted, "duplicates": duplicates, "rejected": rejected, "rejectedTotal": total})
}

func (s *Server) keep(line []byte) string {
	var a Activity
	if json.Unmarshal(line, &a) != nil || a.ID == "" || strings.Contains(a.Entity.Title, "BAD") {
		return "invalid"
	}
	if _, known := s.Users[a.User.key()]; !known {
		return "unknown-user"
	}
	if a.Assignee != nil {
		if _, known := s.Users[a.Assignee.key()]; !known {
			return "unknown-assignee"
		}
	}
	if _, there := s.Activities[a.ID]; there {
		return "duplicate"
	}
	s.Activities[a.ID] = a
	s.Order = append(s.Order, a.ID)
	return ""
}

// Counts returns the numbers of users and activities.
func (s *Server) Counts() (users, activities int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.Users), len(s.Activities)
}

// Calls returns how often a method and path, as "POST /v1/users", were asked for.
func (s *Server) Calls(what string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests[what]
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client has gone
}

func refuse(w http.ResponseWriter, status int, code, detail string, taken ...string) {
	problem := map[string]any{"type": "about:blank", "title": http.StatusText(status), "status": status, "code": code, "detail": detail}
	var errs []map[string]string
	for _, field := range taken {
		errs = append(errs, map[string]string{"field": field, "rule": "taken", "detail": "is taken"})
	}
	problem["errors"] = errs
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(problem) // the client has gone
}

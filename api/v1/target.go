package v1

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/query"
)

const me = "me"

// usernameForm keeps everything that can be no username away from log and
// read model. Usernames are at most 32 bytes, so no UUID is one.
var usernameForm = regexp.MustCompile(`^[a-zA-Z0-9]+(?:-[a-zA-Z0-9]+)*$`)

const maxUsername = 32

// person is how a path names a user: one member is set.
type person struct{ id, username string }

func personOf(r *http.Request, c gate.Caller) (person, error) {
	return personNamed(mux.Vars(r)["user"], c)
}

func personNamed(name string, c gate.Caller) (person, error) {
	if name == me {
		return person{id: c.UserID()}, nil
	}
	if len(name) == 36 {
		if id, err := uuid.Parse(name); err == nil {
			return person{id: id.String()}, nil
		}
	}
	if len(name) > maxUsername || !usernameForm.MatchString(name) {
		return person{}, errNotFound
	}
	return person{username: name}, nil
}

// target finds the user of a write through the log, and asks the policy before
// the body is read, so that nothing can be probed.
func (h *Handler) target(r *http.Request, c gate.Caller, action commands.Action) (string, error) {
	p, err := personOf(r, c)
	if err != nil {
		return "", err
	}
	if p.id == "" {
		user, err := h.Commands.Find(r.Context(), commands.UserRef{Username: p.username})
		if err != nil {
			return "", err
		}
		p.id = user.ID
	}
	return p.id, mayDo(c, action, p.id)
}

// reading finds the user of a read and asks the policy. Callers and their own
// rights are known already, so reads of oneself need no look at the user.
func (h *Handler) reading(r *http.Request, c gate.Caller, action commands.Action) (string, error) {
	return h.readingOf(r.Context(), mux.Vars(r)["user"], c, action)
}

// readingOf is reading of a user who is named elsewhere than in the path.
func (h *Handler) readingOf(ctx context.Context, name string, c gate.Caller, action commands.Action) (string, error) {
	p, err := personNamed(name, c)
	if err != nil {
		return "", err
	}
	if p.id != "" {
		if err := mayDo(c, action, p.id); err != nil {
			return "", err
		}
		if c.Is(p.id) {
			return p.id, nil
		}
	}
	user, err := h.Queries.User(ctx, query.UserRef{ID: p.id, Username: p.username})
	if err != nil {
		return "", err
	}
	return user.ID, mayDo(c, action, user.ID)
}

// mayDo refuses with 404 who may not even see the user.
func mayDo(c gate.Caller, action commands.Action, userID string) error {
	switch {
	case commands.Allowed(c.Actor, action, userID):
		return nil
	case c.Is(userID), commands.Allowed(c.Actor, commands.ReadUser, userID):
		return refuse(http.StatusForbidden, string(commands.Forbidden), "you are not allowed to do this")
	default:
		return errNotFound
	}
}

const (
	defaultLimit = 20
	maxLimit     = 100
	maxCursor    = 1024
	maxSearch    = 200
)

// parameters reads the query of a request strictly.
type parameters struct{ values url.Values }

func parametersOf(r *http.Request) (parameters, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return parameters{}, refuse(http.StatusBadRequest, "bad-query", "the query string is malformed")
	}
	for name, list := range values {
		if len(list) > 1 {
			return parameters{}, parameter(clean(name), "duplicate", "given more than once")
		}
		if !cleanText(name) || !cleanText(list[0]) {
			return parameters{}, parameter(clean(name), "format", "must be UTF-8 text without NUL characters")
		}
	}
	return parameters{values}, nil
}

func cleanText(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

// clean makes a parameter's name fit for an answer.
func clean(name string) string {
	name = strings.ToValidUTF8(strings.ReplaceAll(name, "\x00", ""), "")
	if len(name) > 64 {
		return "query"
	}
	return name
}

func (p parameters) limit() (int, error) {
	s := p.values.Get("limit")
	if s == "" {
		return defaultLimit, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > maxLimit {
		return 0, parameter("limit", "range", "must be a whole number from 1 to 100")
	}
	return n, nil
}

func (p parameters) cursor() (string, error) { return p.short("cursor", maxCursor) }

func (p parameters) short(name string, most int) (string, error) {
	s := p.values.Get(name)
	if len(s) > most {
		return "", parameter(name, "too-long", "is longer than "+strconv.Itoa(most)+" bytes")
	}
	return s, nil
}

// page reads limit and cursor.
func (p parameters) page() (limit int, cursor string, err error) {
	limit, limitErr := p.limit()
	cursor, cursorErr := p.cursor()
	return limit, cursor, errors.Join(limitErr, cursorErr)
}

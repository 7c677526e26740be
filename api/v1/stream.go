package v1

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/gorilla/mux"

	"github.com/rosterhq/roster/api/crowd"
	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/api/sse"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query/live"
)

func (h *Handler) streamUser(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	lines, wanted, err := streamRequest(r)
	if err != nil {
		return err
	}
	if len(wanted.users) > 0 {
		return parameter("user", "unknown", "the path names the user")
	}
	wanted.users = []string{mux.Vars(r)["user"]}
	return h.stream(w, r, c, lines, wanted)
}

func (h *Handler) streamAll(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	lines, wanted, err := streamRequest(r)
	if err != nil {
		return err
	}
	return h.stream(w, r, c, lines, wanted)
}

func streamRequest(r *http.Request) (lines bool, wanted streamParameters, err error) {
	if lines, err = negotiate(r.Header.Values("Accept")); err != nil {
		return false, wanted, err
	}
	wanted, err = streamParametersOf(r)
	return lines, wanted, err
}

// stream answers for as long as client and rights last.
func (h *Handler) stream(w http.ResponseWriter, r *http.Request, c gate.Caller, lines bool, wanted streamParameters) error {
	users, err := h.streamedUsers(r.Context(), c, wanted.users)
	if err != nil {
		return err
	}
	sse.Headers(w.Header(), lines)
	if gate.WantsHead(r) {
		w.WriteHeader(http.StatusOK)
		return nil
	}
	pass, err := gate.PassOf(r, h.forms, c)
	if err != nil {
		return err
	}
	s, err := h.openStream(live.Request{
		Caller: c.UserID(), Key: pass.KeyID(), Expires: c.Expires(),
		May: mayRead(c.Actor), Rights: rightsOf(c.Actor), Check: h.recheck(pass), CheckedAs: pass.Within(),
		Filter: live.Filter{Users: users, Types: wanted.types, Projects: wanted.projects, Workspaces: wanted.workspaces},
		After:  wanted.after, Lines: lines,
	})
	if err != nil {
		return err
	}
	// What took the caller's credential or right away since it was checked, and
	// before the stream could hear of it, is found by looking once more.
	again, err := h.Gate.Again(r.Context(), pass)
	if err == nil && !mayFollow(again.Actor, users) {
		err = errNotFound
	}
	if err != nil {
		s.Leave()
		return err
	}
	crowd.StepAside(r.Context())
	sse.Serve(w, r, s)
	return nil
}

// openStream opens a stream, or says when to come back.
func (h *Handler) openStream(r live.Request) (*live.Stream, error) {
	cause := live.ErrClosed
	if h.Streams != nil {
		s, err := h.Streams.Open(r)
		if err == nil {
			return s, nil
		}
		cause = err
	}
	p := refuse(http.StatusServiceUnavailable, string(commands.Unavailable), "this process ends; another one may have room")
	if errors.Is(cause, live.ErrFull) {
		p = refuse(http.StatusServiceUnavailable, string(commands.Unavailable), "this process has as many streams as it can have")
	}
	p.retryAfter(streamRetry)
	return nil, p
}

// streamRetry is the Retry-After of streams, in seconds.
const streamRetry = 5

// streamedUsers finds who is followed, and asks the policy; nil is everybody.
func (h *Handler) streamedUsers(ctx context.Context, c gate.Caller, names []string) ([]string, error) {
	if len(names) == 0 {
		if commands.Allowed(c.Actor, commands.ReadActivities, "") {
			return nil, nil
		}
		return []string{c.UserID()}, mayDo(c, commands.ReadActivities, c.UserID())
	}
	users := make([]string, 0, len(names))
	for _, name := range names {
		id, err := h.readingOf(ctx, name, c, commands.ReadActivities)
		if err != nil {
			return nil, err
		}
		users = append(users, id)
	}
	return distinct(users), nil
}

func mayRead(a commands.Actor) func(userID string) bool {
	return func(userID string) bool { return commands.Allowed(a, commands.ReadActivities, userID) }
}

func mayFollow(a commands.Actor, users []string) bool {
	if users == nil {
		return commands.Allowed(a, commands.ReadActivities, "")
	}
	return !slices.ContainsFunc(users, func(id string) bool { return !commands.Allowed(a, commands.ReadActivities, id) })
}

// rightsOf makes mayRead anew for other roles.
func rightsOf(a commands.Actor) func([]events.Role) func(userID string) bool {
	return func(roles []events.Role) func(userID string) bool {
		a := a
		a.Roles = roles
		return mayRead(a)
	}
}

// recheck looks a credential up again.
func (h *Handler) recheck(pass gate.Pass) func(context.Context) (live.Standing, error) {
	return func(ctx context.Context) (live.Standing, error) {
		c, err := h.Gate.Again(ctx, pass)
		switch gate.ReasonOf(err) {
		case "":
			return live.Standing{May: mayRead(c.Actor), Expires: c.Expires()}, err
		case gate.Unavailable:
			return live.Standing{}, err
		case gate.Expired:
			return live.Standing{Reason: live.Expired}, nil
		case gate.Suspended:
			return live.Standing{Reason: live.Suspended}, nil
		case gate.Deleted:
			return live.Standing{Reason: live.Deleted}, nil
		default:
			return live.Standing{Reason: live.SessionEnded}, nil
		}
	}
}

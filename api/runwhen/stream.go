package runwhen

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/rosterhq/roster/api/crowd"
	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/api/sse"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query"
	"github.com/rosterhq/roster/query/live"
)

const (
	jsonType = "application/json"
	// streamRetry is the Retry-After of streams, in seconds.
	streamRetry = 5
	// sharedFor is for how long a shared workspace is believed in.
	sharedFor = 30 * time.Second
)

// stream answers GET /users/{user_id}/activities/stream for as long as client and
// rights last.
func (h *Handler) stream(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	accept := r.Header.Values("Accept")
	if len(accept) > 0 && sse.Quality(accept, jsonType) > sse.Quality(accept, sse.EventStream) {
		return h.activities(w, r, c)
	}
	u, err := h.watched(r, c, &problems{})
	if err != nil {
		return err
	}
	sse.Headers(w.Header(), false)
	if gate.WantsHead(r) {
		w.WriteHeader(http.StatusOK)
		return nil
	}
	pass, err := gate.PassOf(r, h.streamForms, c)
	if err != nil {
		return err
	}
	watch := watcher{h, pass, u, staff(c.Actor.Roles)}
	s, err := h.open(w, live.Request{
		Caller: c.UserID(), Key: pass.KeyID(), Expires: watch.until(c),
		May: watch.may(c.Actor), Rights: watch.rights(c.Actor), Check: watch.check, CheckedAs: u.ID + pass.Within(),
		Filter: live.Filter{Users: []string{u.ID}}, After: positionOf(r),
	})
	if err != nil {
		return err
	}
	// What took the right away since it was checked, and before the stream could hear
	// of it, is found by looking once more.
	standing, err := watch.check(r.Context())
	if err == nil && standing.Reason != "" {
		err = errBadToken
	}
	if err != nil {
		s.Leave()
		return err
	}
	crowd.StepAside(r.Context())
	sse.Serve(w, r, s)
	return nil
}

// positionOf is where the client was: the header is newer, since browsers keep the
// address and add it. A bare number is a position, too.
func positionOf(r *http.Request) string {
	at := r.Header.Get("Last-Event-ID")
	if at == "" {
		at = queryOf(r).Get("last_event_id")
	}
	if n, err := strconv.ParseUint(at, 10, 63); err == nil {
		return events.Position{Stream: events.Activity, Sequence: n}.String()
	}
	return at
}

// open opens a stream, or says when to come back.
func (h *Handler) open(w http.ResponseWriter, request live.Request) (*live.Stream, error) {
	if h.Streams != nil {
		s, err := h.Streams.Open(request)
		if err == nil {
			return s, nil
		}
		if !errors.Is(err, live.ErrFull) && !errors.Is(err, live.ErrClosed) {
			return nil, err
		}
	}
	w.Header().Set("Retry-After", strconv.Itoa(streamRetry))
	return nil, plain(http.StatusServiceUnavailable)
}

// watcher is somebody who follows a user's activities.
type watcher struct {
	h    *Handler
	pass gate.Pass
	user query.User
	// staff says that the right rests on a role, whose loss is told by rights. Who
	// becomes staff meanwhile is looked at as before.
	staff bool
}

// until is when the right to watch must be looked at again. Who watches because of
// a shared workspace may lose it without a change of their own account.
func (o watcher) until(c gate.Caller) time.Time {
	ends := c.Expires()
	if c.Is(o.user.ID) || o.staff {
		return ends
	}
	if soon := o.h.Clock().Add(sharedFor); ends.IsZero() || soon.Before(ends) {
		return soon
	}
	return ends
}

// may is what the watcher may read, as was looked up a moment ago.
func (o watcher) may(a commands.Actor) func(string) bool {
	return func(userID string) bool { return userID == o.user.ID && reaches(a, commands.ReadActivities, userID) }
}

// rights makes may anew for other roles. Whether a workspace is shared is found when
// the right is looked at again; who was staff must come back for that.
func (o watcher) rights(a commands.Actor) func([]events.Role) func(string) bool {
	return func(roles []events.Role) func(string) bool {
		if o.staff && !staff(roles) && a.UserID != o.user.ID {
			return func(string) bool { return false }
		}
		return o.may(a)
	}
}

// check looks credential and right up again.
func (o watcher) check(ctx context.Context) (live.Standing, error) {
	c, err := o.h.Gate.Again(ctx, o.pass)
	switch gate.ReasonOf(err) {
	case "":
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
	if err != nil {
		return live.Standing{}, err
	}
	sees, err := o.h.sees(ctx, c, commands.ReadActivities, o.user.ID)
	if err != nil {
		return live.Standing{}, err
	}
	if !sees {
		return live.Standing{Reason: live.Forbidden}, nil
	}
	return live.Standing{May: o.may(c.Actor), Expires: o.until(c)}, nil
}

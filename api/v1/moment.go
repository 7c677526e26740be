package v1

import (
	"errors"
	"net/http"
	"time"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query"
)

// moment is when a read of the past looks: at a time, or behind an event.
type moment struct {
	given bool
	// sequence is in the identity log, 0 for a time.
	sequence uint64
	time     time.Time
}

const maxMoment = 64

// moment reads the parameter at; what it names must have been.
func (h *Handler) moment(r *http.Request) (moment, error) {
	params, err := parametersOf(r)
	if err != nil {
		return moment{}, err
	}
	if _, given := params.values["at"]; !given {
		return moment{}, nil
	}
	text, err := params.short("at", maxMoment)
	if err != nil {
		return moment{}, err
	}
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		if t.After(h.Clock()) {
			return moment{}, parameter("at", "future", "lies in the future")
		}
		return moment{given: true, time: t}, nil
	}
	p, err := events.ParsePosition(text)
	switch {
	case err != nil:
		return moment{}, parameter("at", "format", "must be a time (RFC 3339) or a position like r1042")
	case p.Stream != events.Roster:
		return moment{}, parameter("at", "stream", "must be a position of the identity log, like r1042")
	case p.Sequence == 0:
		return moment{}, parameter("at", "range", "positions begin with r1")
	}
	return moment{given: true, sequence: p.Sequence}, nil
}

// mayLookBack refuses who may not read the past of what belongs to a user ("" for
// nobody), or not what is personal in it.
func mayLookBack(c gate.Caller, ownerID string, personal bool) error {
	if !commands.Allowed(c.Actor, commands.ReadEvents, ownerID) || personal && !commands.Allowed(c.Actor, commands.ReadPersonalEvents, ownerID) {
		return refuse(http.StatusForbidden, string(commands.Forbidden), "you are not allowed to look into this past")
	}
	return nil
}

// fold hands over the events of an aggregate that had happened at a moment, in
// their order: those up to the last one whose time is not later.
func (h *Handler) fold(r *http.Request, a events.Aggregate, m moment, f func(events.Recorded)) error {
	var later []events.Recorded // until one follows that is not
	err := h.Queries.Past(r.Context(), a, m.sequence, func(e events.Recorded) error {
		if m.sequence == 0 && e.Time.After(m.time) {
			later = append(later, e)
			return nil
		}
		for _, before := range later {
			f(before)
		}
		later = later[:0]
		f(e)
		return nil
	})
	if errors.Is(err, query.ErrAhead) {
		return parameter("at", "ahead", "is beyond the log")
	}
	return err
}

// userAt folds a user as it was; with a problem for one that was not there yet.
func (h *Handler) userAt(r *http.Request, id string, m moment) (commands.User, error) {
	var u commands.User
	last := m.time
	err := h.fold(r, events.Aggregate{Kind: events.User, ID: id}, m, func(e events.Recorded) {
		u = commands.EvolveUser(u, e)
		if m.sequence != 0 {
			last = e.Time
		}
	})
	if err == nil && u.ID == "" {
		err = errNotYet("user")
	}
	return u.At(last), err
}

func errNotYet(what string) error {
	return refuse(http.StatusNotFound, string(commands.NotFound), "there was no such "+what+" then")
}

// pastUser finds the user whom a path names and folds it as it was. action is the
// right to read the same of the present.
func (h *Handler) pastUser(r *http.Request, c gate.Caller, action commands.Action, m moment, personal bool) (commands.User, error) {
	id, err := h.reading(r, c, action)
	if err != nil {
		return commands.User{}, err
	}
	if err := mayLookBack(c, id, personal); err != nil {
		return commands.User{}, err
	}
	return h.userAt(r, id, m)
}

// organizationAt folds an organization as it was.
func (h *Handler) organizationAt(r *http.Request, id string, m moment) (commands.Organization, error) {
	var o commands.Organization
	err := h.fold(r, events.Aggregate{Kind: events.Organization, ID: id}, m, func(e events.Recorded) { o = commands.EvolveOrganization(o, e) })
	if err == nil && (o.ID == "" || o.Deleted) {
		err = errNotYet("organization")
	}
	return o, err
}

// workspaceAt folds a workspace as it was.
func (h *Handler) workspaceAt(r *http.Request, id string, m moment) (commands.Workspace, error) {
	var w commands.Workspace
	err := h.fold(r, events.Aggregate{Kind: events.Workspace, ID: id}, m, func(e events.Recorded) { w = commands.EvolveWorkspace(w, e) })
	if err == nil && (w.ID == "" || w.Deleted) {
		err = errNotYet("workspace")
	}
	return w, err
}

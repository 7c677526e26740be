package v1

import (
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/api/sse"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query"
)

const (
	eventPageDefault = 100
	eventPageMost    = 1000
	maxTypes         = 50
)

var (
	typeForm      = regexp.MustCompile(`^[a-z0-9.-]*\*?$`)
	aggregateForm = regexp.MustCompile(`^(user|organization|workspace|group|skill)/[0-9a-fA-F-]{36}$`)
)

// eventsRequest is what is asked of the log.
type eventsRequest struct {
	filter   query.EventFilter
	limit    int // 0 for none
	lines    bool
	follow   bool
	personal bool
}

// eventsRequestOf reads the query, for a caller who may read events.
func (h *Handler) eventsRequestOf(r *http.Request, c gate.Caller) (eventsRequest, error) {
	params, err := parametersOf(r)
	if err != nil {
		return eventsRequest{}, err
	}
	var ask eventsRequest
	ask.follow, err = params.boolean("follow")
	personal, personalErr := params.boolean("personal")
	ask.personal = personal
	if err := errors.Join(err, personalErr); err != nil {
		return eventsRequest{}, err
	}
	if ask.lines, err = params.eventLines(r, ask.follow); err != nil {
		return eventsRequest{}, err
	}
	if ask.limit, err = params.eventLimit(ask.lines); err != nil {
		return eventsRequest{}, err
	}
	if ask.filter.Backwards, err = params.backwards(); err != nil {
		return eventsRequest{}, err
	}
	if ask.follow && ask.filter.Backwards {
		return eventsRequest{}, parameter("order", "follow", "what is followed comes in order: leave it out, or follow")
	}
	if err := h.eventFilter(r, c, params, &ask.filter); err != nil {
		return eventsRequest{}, err
	}
	if ask.follow && (ask.filter.Last != (query.EventPlace{}) || !ask.filter.Until.IsZero()) {
		return eventsRequest{}, parameter("to", "follow", "what is followed has no end: leave it out, or follow")
	}
	return ask, params.eventCursor(&ask.filter)
}

func (h *Handler) eventFilter(r *http.Request, c gate.Caller, params parameters, f *query.EventFilter) (err error) {
	switch params.values.Get("stream") {
	case "":
		f.Streams = []events.Stream{events.Roster, events.Activity}
	case "roster":
		f.Streams = []events.Stream{events.Roster}
	case "activity":
		f.Streams = []events.Stream{events.Activity}
	default:
		return parameter("stream", "unknown", "must be roster or activity")
	}
	if f.Types, err = params.eventTypes(); err != nil {
		return err
	}
	if f.Dialect, err = params.short("dialect", maxMoment); err != nil {
		return err
	}
	if err := h.eventAggregate(r, c, params, f); err != nil {
		return err
	}
	if f.Actor = params.values.Get("actor"); f.Actor != "" && f.Actor != commands.SystemActor {
		if f.Actor, err = h.eventUser(r, c, "actor", f.Actor); err != nil {
			return err
		}
	}
	if err := params.eventBound("from", f, &f.First, &f.Since); err != nil {
		return err
	}
	return params.eventBound("to", f, &f.Last, &f.Until)
}

// eventAggregate reads what the events are about.
func (h *Handler) eventAggregate(r *http.Request, c gate.Caller, params parameters, f *query.EventFilter) error {
	user, aggregate := params.values.Get("user"), params.values.Get("aggregate")
	switch {
	case user != "" && aggregate != "":
		return parameter("aggregate", "duplicate", "user names one already")
	case user != "":
		id, err := h.eventUser(r, c, "user", user)
		f.Aggregate = events.Aggregate{Kind: events.User, ID: id}
		return err
	case aggregate != "":
		if !aggregateForm.MatchString(aggregate) {
			return parameter("aggregate", "format", "must be user, organization, workspace, group or skill, a slash, and an id")
		}
		a, err := events.ParseAggregate(strings.ToLower(aggregate))
		f.Aggregate = a
		return err
	}
	return nil
}

// eventUser finds a user by the name in a parameter. Who is long gone is found by
// id alone.
func (h *Handler) eventUser(r *http.Request, c gate.Caller, name, value string) (string, error) {
	unknown := parameter(name, "unknown", "there is no such user")
	p, err := personNamed(value, c)
	if err != nil {
		return "", unknown
	}
	if p.id != "" {
		return p.id, nil
	}
	user, err := h.Queries.User(r.Context(), query.UserRef{Username: p.username})
	if errors.Is(err, query.ErrNotFound) {
		return "", unknown
	}
	return user.ID, err
}

func (p parameters) boolean(name string) (bool, error) {
	switch p.values.Get(name) {
	case "", "false":
		return false, nil
	case "true":
		return true, nil
	default:
		return false, parameter(name, "format", "must be true or false")
	}
}

func (p parameters) backwards() (bool, error) {
	switch p.values.Get("order") {
	case "", "asc":
		return false, nil
	case "desc":
		return true, nil
	default:
		return false, parameter("order", "unknown", "must be asc or desc")
	}
}

// eventLines says whether the answer is lines.
func (p parameters) eventLines(r *http.Request, follow bool) (bool, error) {
	accept := r.Header.Values("Accept")
	switch p.values.Get("format") {
	case "ndjson":
		return true, nil
	case "json":
		if follow {
			return false, parameter("follow", "format", "only lines can be followed")
		}
		return false, nil
	case "":
		return follow || sse.Quality(accept, sse.NDJSON) > sse.Quality(accept, "application/json"), nil
	default:
		return false, parameter("format", "unknown", "must be json or ndjson")
	}
}

func (p parameters) eventLimit(lines bool) (int, error) {
	s := p.values.Get("limit")
	switch {
	case s == "" && lines:
		return 0, nil
	case s == "":
		return eventPageDefault, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		return 0, parameter("limit", "range", "must be a whole number from 1 on")
	}
	if n > eventPageMost && !lines {
		return 0, parameter("limit", "range", "a page has at most 1000 events; lines have no limit")
	}
	return n, nil
}

func (p parameters) eventTypes() ([]string, error) {
	s := p.values.Get("type")
	if s == "" {
		return nil, nil
	}
	var out []string
	for name := range strings.SplitSeq(s, ",") {
		name = strings.TrimSpace(name)
		if name == "" || !typeForm.MatchString(name) {
			return nil, parameter("type", "format", "must be names of types such as roster.user.suspended.v1, with * at the end at most")
		}
		out = append(out, name)
	}
	if len(out) > maxTypes {
		return nil, parameter("type", "too-many", "at most 50 may be given")
	}
	return out, nil
}

// eventBound reads an end of the range: a time, or positions.
func (p parameters) eventBound(name string, f *query.EventFilter, place *query.EventPlace, at *time.Time) error {
	text, err := p.short(name, maxMoment)
	if text == "" || err != nil {
		return err
	}
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		*at = t
		return nil
	}
	positions, err := events.ParsePositions(text)
	if err != nil || len(positions) == 0 {
		return parameter(name, "format", "must be a time (RFC 3339) or a position such as r1042, of each stream at most one")
	}
	for _, position := range positions {
		if position.Sequence == 0 || !slices.Contains(f.Streams, position.Stream) {
			return parameter(name, "unknown", "has no event: "+position.String())
		}
		*place.In(position.Stream) = position.Sequence
	}
	if len(f.Streams) > len(positions) { // a position says which stream is meant
		f.Streams = slices.DeleteFunc(slices.Clone(f.Streams), func(s events.Stream) bool { return *place.In(s) == 0 })
	}
	return nil
}

// eventCursor moves the range on to where the page before ended.
func (p parameters) eventCursor(f *query.EventFilter) error {
	text, err := p.cursor()
	if text == "" || err != nil {
		return err
	}
	positions, err := events.ParsePositions(text)
	if err != nil || len(positions) == 0 {
		return query.ErrBadCursor
	}
	var place query.EventPlace
	for _, position := range positions {
		*place.In(position.Stream) = position.Sequence
	}
	var left []events.Stream
	for _, s := range f.Streams {
		at := *place.In(s)
		switch {
		case at == 0: // nothing is left of it
			continue
		case !f.Backwards:
			*f.First.In(s) = max(*f.First.In(s), at)
		case *f.Last.In(s) == 0:
			*f.Last.In(s) = at
		default:
			*f.Last.In(s) = min(*f.Last.In(s), at)
		}
		left = append(left, s)
	}
	if f.Streams = left; len(left) == 0 {
		return query.ErrBadCursor
	}
	return nil
}

// cursorOf writes a place as a cursor: the positions that come next.
func cursorOf(place map[events.Stream]uint64) string {
	var out []string
	for _, s := range []events.Stream{events.Roster, events.Activity} {
		if at := place[s]; at != 0 {
			out = append(out, events.Position{Stream: s, Sequence: at}.String())
		}
	}
	return strings.Join(out, ",")
}

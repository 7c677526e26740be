package v1

import (
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/gorilla/mux"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/api/v1/client"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
)

// longestReason is of who drops a parked event.
const longestReason = 500

func (h *Handler) listParked(w http.ResponseWriter, r *http.Request, _ gate.Caller) error {
	params, err := parametersOf(r)
	if err != nil {
		return err
	}
	limit, err := params.limit()
	if err != nil {
		return err
	}
	var after uint64
	if s := params.values.Get("after"); s != "" {
		p, err := events.ParsePosition(s)
		if err != nil {
			return parameter("after", "format", "must be a position, such as r1042")
		}
		after = p.Sequence
	}
	found, err := h.Models.Parked(r.Context(), projectionName(r), after, limit+1)
	if err != nil {
		return err
	}
	out := client.ParkedPage{Items: make([]client.ParkedEvent, 0, limit)}
	for _, e := range found[:min(limit, len(found))] {
		out.Items = append(out.Items, parkedEventOf(e, nil))
	}
	if len(found) > limit {
		out.Next = out.Items[limit-1].Position
	}
	return answer(w, http.StatusOK, out)
}

func (h *Handler) getParked(w http.ResponseWriter, r *http.Request, _ gate.Caller) error {
	at, err := parkedPosition(r)
	if err != nil {
		return err
	}
	e, headers, err := h.Models.ParkedEvent(r.Context(), projectionName(r), at)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, parkedEventOf(e, headers))
}

func (h *Handler) redriveParked(w http.ResponseWriter, r *http.Request, _ gate.Caller) error {
	object, err := gate.ReadObject(w, r, gate.MaxBody)
	if err != nil {
		return err
	}
	f := fieldsOf(object)
	aggregate := f.text("aggregate")
	f.end()
	if err := f.problem(); err != nil {
		return err
	}
	n, err := h.Models.Redrive(r.Context(), projectionName(r), aggregate)
	if err != nil {
		return err
	}
	return answer(w, http.StatusAccepted, client.ParkedRedriven{Aggregates: n})
}

func (h *Handler) dropParked(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	at, err := parkedPosition(r)
	if err != nil {
		return err
	}
	object, err := gate.ReadObject(w, r, gate.MaxBody)
	if err != nil {
		return err
	}
	f := fieldsOf(object)
	reason := strings.TrimSpace(f.required("reason"))
	f.end()
	if err := f.problem(); err != nil {
		return err
	}
	if reason == "" || utf8.RuneCountInString(reason) > longestReason {
		return invalid(http.StatusUnprocessableEntity, []client.FieldProblem{{Field: "reason", Rule: "length", Detail: "must have 1 to 500 characters"}})
	}
	if err := h.Models.Drop(r.Context(), projectionName(r), at, c.UserID(), reason); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func parkedPosition(r *http.Request) (events.Position, error) {
	p, err := events.ParsePosition(mux.Vars(r)["position"])
	if err != nil || p.Sequence == 0 {
		return events.Position{}, refuse(http.StatusNotFound, string(commands.NotFound), "no such event is parked")
	}
	return p, nil
}

// parkedEventOf leaves out headers that are sealed, or of no use to a person.
func parkedEventOf(e gate.ParkedEvent, headers events.Headers) client.ParkedEvent {
	out := client.ParkedEvent{
		Position: events.Position{Stream: e.Stream, Sequence: e.Sequence}.String(), Id: e.ID, Type: e.Type, Aggregate: e.Aggregate,
		Error: e.Error, Attempts: e.Attempts, Release: e.Release, ParkedAt: stamp(e.ParkedAt),
	}
	for name, values := range headers {
		if name == events.HeaderClient || name == events.HeaderRequestHash || len(values) == 0 {
			continue
		}
		if out.Headers == nil {
			out.Headers = make(map[string]string, len(headers))
		}
		out.Headers[name] = values[0]
	}
	return out
}

package v1

import (
	"context"
	"errors"
	"net/http"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/api/v1/client"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query"
)

// historyRequest is what is asked of a history.
type historyRequest struct {
	of        events.Aggregate
	owner     string // whose it is; "" for nobody
	limit     int
	cursor    uint64 // sequence of the first event of the page; 0 for the first page
	ascending bool
}

func (h *Handler) userHistory(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	id, err := h.reading(r, c, commands.ReadEvents)
	if err != nil {
		return err
	}
	ask, err := historyRequestOf(r, userAggregate(id), id)
	if err != nil {
		return err
	}
	page, err := pageOf(h, r, c, ask, commands.EvolveUser, fieldsOfUser)
	if err != nil {
		return err
	}
	if page.Erased, err = h.Queries.Erased(r.Context(), id); err != nil {
		return err
	}
	return answer(w, http.StatusOK, page)
}

func (h *Handler) organizationHistory(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	id, err := h.pastOrganization(r, c)
	if err != nil {
		return err
	}
	ask, err := historyRequestOf(r, events.Aggregate{Kind: events.Organization, ID: id}, "")
	if err != nil {
		return err
	}
	return answerHistory(h, w, r, c, ask, commands.EvolveOrganization, fieldsOfOrganization, errNoOrganization)
}

func (h *Handler) workspaceHistory(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	id, err := h.pastWorkspace(r, c)
	if err != nil {
		return err
	}
	owner := ""
	if !commands.Allowed(c.Actor, commands.ReadEvents, "") {
		owner = c.UserID() // who else may see it
	}
	ask, err := historyRequestOf(r, events.Aggregate{Kind: events.Workspace, ID: id}, owner)
	if err != nil {
		return err
	}
	return answerHistory(h, w, r, c, ask, commands.EvolveWorkspace, fieldsOfWorkspace, errNoWorkspace)
}

// answerHistory answers with a page, or with a problem where there never was
// anything.
func answerHistory[S any](h *Handler, w http.ResponseWriter, r *http.Request, c gate.Caller, ask historyRequest,
	evolve func(S, events.Recorded) S, fields func(S) fieldSet, unknown error,
) error {
	page, err := pageOf(h, r, c, ask, evolve, fields)
	if err != nil {
		return err
	}
	if len(page.Items) == 0 && ask.cursor == 0 {
		return unknown
	}
	return answer(w, http.StatusOK, page)
}

func historyRequestOf(r *http.Request, of events.Aggregate, owner string) (historyRequest, error) {
	params, err := parametersOf(r)
	if err != nil {
		return historyRequest{}, err
	}
	limit, cursor, err := params.page()
	if err != nil {
		return historyRequest{}, err
	}
	ask := historyRequest{of: of, owner: owner, limit: limit}
	switch params.values.Get("order") {
	case "", "desc":
	case "asc":
		ask.ascending = true
	default:
		return historyRequest{}, parameter("order", "unknown", "must be asc or desc")
	}
	if cursor == "" {
		return ask, nil
	}
	p, err := events.ParsePosition(cursor)
	if err != nil || p.Stream != events.Roster || p.Sequence == 0 {
		return historyRequest{}, query.ErrBadCursor
	}
	ask.cursor = p.Sequence
	return ask, nil
}

// step is an event with the states before and after it.
type step[S any] struct {
	event         events.Recorded
	before, after S
}

// errPageFull ends the reading of a page.
var errPageFull = errors.New("the page is full")

// pageOf folds an aggregate from its first event on, and keeps the steps of a page:
// states share what they have in common, so that those before it cost no memory.
func pageOf[S any](h *Handler, r *http.Request, c gate.Caller, ask historyRequest,
	evolve func(S, events.Recorded) S, fields func(S) fieldSet,
) (client.HistoryPage, error) {
	var (
		state S
		steps []step[S]
		last  uint64
	)
	if !ask.ascending {
		last = ask.cursor
	}
	err := h.Queries.Past(r.Context(), ask.of, last, func(e events.Recorded) error {
		next := evolve(state, e)
		if !ask.ascending || e.Sequence >= ask.cursor {
			steps = append(steps, step[S]{event: e, before: state, after: next})
		}
		state = next
		switch {
		case ask.ascending && len(steps) > ask.limit:
			return errPageFull
		case len(steps) > 4*ask.limit+4: // now and then, so that it costs little
			steps = newestOf(steps, ask.limit+1)
		}
		return nil
	})
	if errors.Is(err, query.ErrAhead) {
		err = query.ErrBadCursor
	}
	if err != nil && !errors.Is(err, errPageFull) {
		return client.HistoryPage{}, err
	}
	if !ask.ascending {
		steps = newestOf(steps, ask.limit+1)
	}
	return historyPage(r.Context(), h, c, ask, steps, fields)
}

// newestOf keeps the last n.
func newestOf[T any](all []T, n int) []T {
	if len(all) <= n {
		return all
	}
	kept := copy(all, all[len(all)-n:])
	clear(all[kept:])
	return all[:kept]
}

// historyPage shows up to limit+1 steps, of which the last in the page's order is
// only the begin of the next page.
func historyPage[S any](ctx context.Context, h *Handler, c gate.Caller, ask historyRequest, steps []step[S], fields func(S) fieldSet) (client.HistoryPage, error) {
	out := client.HistoryPage{Items: []client.HistoryItem{}}
	for i := range steps {
		if !ask.ascending {
			i = len(steps) - 1 - i
		}
		s := &steps[i]
		if len(out.Items) == ask.limit {
			out.Next = s.event.Position().String()
			break
		}
		seesPersonal := commands.Allowed(c.Actor, commands.ReadPersonalEvents, ask.owner)
		item, err := h.historyItem(ctx, c, s.event)
		if err != nil {
			return client.HistoryPage{}, err
		}
		item.Changes = changes(fields(s.before), fields(s.after), seesPersonal)
		out.Items = append(out.Items, item)
	}
	return out, nil
}

func (h *Handler) historyItem(ctx context.Context, c gate.Caller, e events.Recorded) (client.HistoryItem, error) {
	item := client.HistoryItem{
		Position: e.Position().String(), Id: e.ID, Type: string(e.Type), Time: stamp(e.Time), Actor: e.Actor, Dialect: e.Dialect,
		Reason: e.Reason, CommandId: e.CommandID, RequestId: e.CorrelationID,
	}
	if opened, ok := e.Payload.(*events.UserSessionOpened); ok && commands.Allowed(c.Actor, commands.ReadPersonalEvents, e.Aggregate.ID) {
		item.Client, item.UserAgent = opened.Private.IP, opened.Private.UserAgent
	}
	// Whose address it is may be somebody else than whom the event is about.
	if owner := e.ClientOwner(); owner != "" && commands.Allowed(c.Actor, commands.ReadPersonalEvents, owner) {
		if err := h.Queries.OpenClient(ctx, &e.Meta); err != nil {
			return client.HistoryItem{}, err
		}
		if e.Client != "" {
			item.Client = e.Client
		}
	}
	return item, nil
}

package v1

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"go.uber.org/zap"

	"github.com/rosterhq/roster/api/crowd"
	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/api/sse"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query"
)

const (
	// nextTrailer holds the cursor of what follows an answer in lines.
	nextTrailer = "Roster-Next"
	// eventBeat is how often a followed log says that all is well.
	eventBeat = 15 * time.Second
	// rightsLast is for how long the rights of who reads the log count.
	rightsLast = 5 * time.Second
)

// listEvents shows the log: a page, or lines for as long as there are some.
func (h *Handler) listEvents(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	if !commands.Allowed(c.Actor, commands.ReadEvents, "") {
		return refuse(http.StatusForbidden, string(commands.Forbidden), "the log is for auditors and owners, with scope events:read")
	}
	ask, err := h.eventsRequestOf(r, c)
	if err != nil {
		return err
	}
	if ask.personal && !commands.Allowed(c.Actor, commands.ReadPersonalEvents, "") {
		return refuse(http.StatusForbidden, string(commands.Forbidden), "personal data of the log asks for scope events:personal")
	}
	reader, err := h.Queries.Events(r.Context(), ask.filter)
	if errors.Is(err, query.ErrAhead) {
		return ahead(r)
	}
	if err != nil {
		return err
	}
	w.Header().Set(gate.PositionHeader, reader.End.String())
	w.Header().Set("Cache-Control", "no-store, no-transform")
	w.Header().Add("Vary", "Accept")
	if ask.lines {
		return h.eventLines(w, r, c, ask, reader)
	}
	return h.eventPage(w, r, ask, reader)
}

// ahead refuses the parameter that names a position beyond the log.
func ahead(r *http.Request) error {
	query := r.URL.Query()
	for _, name := range []string{"cursor", "to", "from"} {
		if query.Get(name) != "" {
			return parameter(name, "ahead", "is beyond the log")
		}
	}
	return parameter("from", "ahead", "is beyond the log")
}

// eventPage answers with one page.
func (h *Handler) eventPage(w http.ResponseWriter, r *http.Request, ask eventsRequest, reader *query.EventReader) error {
	body := []byte(`{"items":[`)
	form := h.eventForm(ask.personal, func(event []byte) error {
		if len(body) > len(`{"items":[`) {
			body = append(body, ',')
		}
		body = append(body, event...)
		return nil
	})
	next, err := listing(r.Context(), ask, reader, form)
	if err != nil {
		return err
	}
	body = append(body, ']')
	if next != "" {
		body = events.AppendString(append(body, `,"next":`...), next)
	}
	body = append(body, "}\n"...)
	w.Header().Set("Content-Type", "application/json")
	out, err := newLongOutput(w, r)
	if err != nil {
		return err
	}
	if out.plain() {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	}
	w.WriteHeader(http.StatusOK)
	if _, err := out.Write(body); err != nil {
		return nil //nolint:nilerr // the client has gone
	}
	_ = out.Close() // as above
	return nil
}

// listing writes what is asked for, and returns the cursor of what follows: "" when
// there is nothing more, or no limit.
func listing(ctx context.Context, ask eventsRequest, reader *query.EventReader, form *eventForm) (next string, err error) {
	n := 0
	place := reader.Begin()
	err = reader.Each(ctx, func(e *events.Stored) error {
		if ask.limit > 0 && n == ask.limit {
			next = cursorOf(place)
			return query.ErrEnough
		}
		n++
		if place[e.Stream] = e.Sequence + 1; ask.filter.Backwards {
			place[e.Stream] = e.Sequence - 1
		}
		return form.write(ctx, e)
	})
	if err != nil {
		return "", err
	}
	return next, form.flush(ctx)
}

// eventLines answers with lines. An error on the way breaks the connection off:
// only an answer that ends properly is whole.
func (h *Handler) eventLines(w http.ResponseWriter, r *http.Request, c gate.Caller, ask eventsRequest, reader *query.EventReader) error {
	w.Header().Set("Content-Type", sse.NDJSON)
	w.Header().Set("X-Accel-Buffering", "no")
	if gate.WantsHead(r) {
		w.WriteHeader(http.StatusOK)
		return nil
	}
	pass, err := gate.PassOf(r, h.forms, c)
	if err != nil {
		return err
	}
	if ask.limit > 0 {
		w.Header().Set("Trailer", nextTrailer)
	}
	out, err := newLongOutput(w, r)
	if err != nil {
		return err
	}
	ctx, stop := h.untilClosing(r.Context())
	defer stop()
	w.WriteHeader(http.StatusOK)
	lines := &eventLineWriter{handler: h, pass: pass, personal: ask.personal, out: out, checked: time.Now()}
	next, err := lines.all(ctx, ask, reader)
	if err == nil {
		err = out.Close()
	}
	if err != nil {
		if ctx.Err() == nil {
			h.logger(r).Warn("an answer with events was cut off", zap.Error(err))
		}
		panic(http.ErrAbortHandler) // half of it is out
	}
	if ask.limit > 0 {
		w.Header().Set(nextTrailer, next)
	}
	return nil
}

// untilClosing ends a context when this process is to end.
func (h *Handler) untilClosing(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, stop := context.WithCancel(ctx)
	if h.Closing == nil {
		return ctx, stop
	}
	return ctx, chain(stop, context.AfterFunc(h.Closing, stop))
}

// chain calls both.
func chain(stop context.CancelFunc, forget func() bool) context.CancelFunc {
	return func() {
		forget()
		stop()
	}
}

// errRightsEnded says that who reads the log may not do so any more.
var errRightsEnded = errors.New("the reader's rights have ended")

// eventLineWriter writes events as lines, for as long as the reader's rights last.
type eventLineWriter struct {
	handler  *Handler
	pass     gate.Pass
	personal bool
	out      *longOutput
	checked  time.Time
	written  int // events since the last look at the clock
}

// all writes what is asked for, and follows the log where that is asked for.
func (l *eventLineWriter) all(ctx context.Context, ask eventsRequest, reader *query.EventReader) (next string, err error) {
	form := l.handler.eventForm(ask.personal, func(event []byte) error {
		if _, err := l.out.Write(append(event, '\n')); err != nil {
			return err
		}
		if l.written++; l.written%1024 != 0 {
			return nil
		}
		return l.check(ctx)
	})
	if !ask.follow {
		return listing(ctx, ask, reader, form)
	}
	crowd.StepAside(ctx)
	left := ask.limit
	counted := func(e *events.Stored) error {
		if err := form.write(ctx, e); err != nil {
			return err
		}
		if left--; left == 0 {
			return query.ErrEnough
		}
		return nil
	}
	if err := reader.Each(ctx, counted); err != nil || left == 0 && ask.limit > 0 {
		return "", errors.Join(err, form.flush(ctx))
	}
	err = reader.Follow(ctx, eventBeat, counted, func(beat bool) error {
		if err := form.flush(ctx); err != nil {
			return err
		}
		if beat {
			if _, err := l.out.Write([]byte("\n")); err != nil {
				return err
			}
		}
		if err := l.out.Flush(); err != nil {
			return err
		}
		return l.check(ctx)
	})
	return "", errors.Join(err, form.flush(ctx))
}

// check looks whether the reader may still read, now and then.
func (l *eventLineWriter) check(ctx context.Context) error {
	if time.Since(l.checked) < rightsLast {
		return nil
	}
	c, err := l.handler.Gate.Again(ctx, l.pass)
	if gate.ReasonOf(err) == gate.Unavailable {
		return nil // trouble that may pass
	}
	if err != nil {
		return err
	}
	if !commands.Allowed(c.Actor, commands.ReadEvents, "") || l.personal && !commands.Allowed(c.Actor, commands.ReadPersonalEvents, "") {
		return errRightsEnded
	}
	l.checked = time.Now()
	return nil
}

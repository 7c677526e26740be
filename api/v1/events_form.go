package v1

import (
	"context"
	"fmt"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query"
)

// keysAtOnce is for how many events data keys are fetched together.
const keysAtOnce = 256

// eventForm writes events in the structured JSON form of CloudEvents 1.0. It takes
// apart as little as it can: what is in the log goes out as it is.
type eventForm struct {
	queries   *query.Queries
	view      *events.View
	catalogue *events.Catalogue
	personal  bool
	to        func(event []byte) error // which keeps nothing of it

	buffer  []byte
	waiting []events.Stored // for their data keys, where personal
}

func (h *Handler) eventForm(personal bool, to func(event []byte) error) *eventForm {
	return &eventForm{queries: h.Queries, view: h.view, catalogue: h.catalogue, personal: personal, to: to}
}

// write writes an event, or keeps it until enough have come to fetch data keys for.
func (f *eventForm) write(ctx context.Context, e *events.Stored) error {
	if !f.personal {
		return f.send(e, nil, "")
	}
	if f.waiting = append(f.waiting, *e); len(f.waiting) < keysAtOnce {
		return nil
	}
	return f.flush(ctx)
}

// flush writes what waits.
func (f *eventForm) flush(ctx context.Context) error {
	if len(f.waiting) == 0 {
		return nil
	}
	users := make([]string, 0, 2*len(f.waiting))
	for i := range f.waiting {
		for _, of := range []string{f.waiting[i].Meta.SealedFor, f.waiting[i].Meta.ClientOwner()} {
			if of != "" {
				users = append(users, of)
			}
		}
	}
	if err := f.queries.PrefetchKeys(ctx, users); err != nil {
		return err
	}
	for i := range f.waiting {
		if err := f.open(ctx, &f.waiting[i]); err != nil {
			return err
		}
	}
	f.waiting = f.waiting[:0]
	return nil
}

// open writes an event with what is personal in it. Of the erased that is nothing.
func (f *eventForm) open(ctx context.Context, e *events.Stored) error {
	var key *events.DataKey
	if e.Meta.SealedFor != "" {
		var err error
		if key, err = f.queries.DataKey(ctx, e.Meta.SealedFor); err != nil {
			return err
		}
	}
	personal, err := f.view.Personal(f.catalogue, &e.Meta, e.Data, key)
	if err != nil {
		return fmt.Errorf("event at %s: %w", e.Position(), err)
	}
	if err := f.queries.OpenClient(ctx, &e.Meta); err != nil {
		return err
	}
	return f.send(e, personal, e.Meta.Client)
}

func (f *eventForm) send(e *events.Stored, personal []byte, client string) error {
	var err error
	if f.buffer, err = f.append(f.buffer[:0], e, personal, client); err != nil {
		return fmt.Errorf("event at %s: %w", e.Position(), err)
	}
	return f.to(f.buffer)
}

// attributes are the members that follow the first ones, by their headers.
var attributes = [...]struct{ member, header string }{ //nolint:gochecknoglobals // a constant list
	{`,"source":`, events.HeaderSource},
	{`,"type":`, events.HeaderType},
	{`,"time":`, events.HeaderTime},
	{`,"subject":`, events.HeaderSubject},
	{`,"datacontenttype":`, events.HeaderContentType},
	{`,"dataschema":`, events.HeaderSchema},
	{`,"actor":`, events.HeaderActor},
	{`,"commandid":`, events.HeaderCommandID},
	{`,"correlationid":`, events.HeaderCorrelationID},
	{`,"causationid":`, events.HeaderCausationID},
	{`,"dialect":`, events.HeaderDialect},
	{`,"reason":`, events.HeaderReason},
	{`,"sealedfor":`, events.HeaderSealedFor},
	{`,"clientof":`, events.HeaderClientOf},
}

func (f *eventForm) append(to []byte, e *events.Stored, personal []byte, client string) ([]byte, error) {
	to = append(to, `{"specversion":"1.0","id":`...)
	to = events.AppendString(to, e.Meta.ID)
	for _, a := range attributes {
		if values := e.Headers[a.header]; len(values) > 0 && values[0] != "" {
			to = events.AppendString(append(to, a.member...), values[0])
		}
	}
	if client != "" {
		to = events.AppendString(append(to, `,"client":`...), client)
	}
	to = e.Position().Append(append(to, `,"position":"`...))
	to, err := f.view.AppendPublic(append(to, `","data":`...), e.Data)
	if err != nil {
		return to, err
	}
	return append(joined(to, personal), '}'), nil
}

// joined adds the members of an object to the one that ends a text.
func joined(to, object []byte) []byte {
	if len(object) <= len("{}") {
		return to
	}
	to = to[:len(to)-1]
	if to[len(to)-1] != '{' {
		to = append(to, ',')
	}
	return append(to, object[1:]...)
}

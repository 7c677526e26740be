package runtime

import (
	"context"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rosterhq/roster/events"
)

// Projection is a read model, or a reaction: what it is called, which stream it
// reads, its tables, and what each type of event does to them. It knows nothing
// of NATS.
type Projection struct {
	Name    string // lower case letters
	Version int    // a new version has tables of its own, filled from the start of the log
	Stream  events.Stream
	// Migrations holds goose migrations, at the top or in a folder "migrations".
	// Nil for a projection without tables.
	Migrations fs.FS
	// Extensions of PostgreSQL that the migrations use. They are made where they
	// are missing, and found by the migrations wherever they are.
	Extensions []string
	Handlers   []Handler
	// Patience is for how long a batch may wait for more events, for a projection
	// that nobody waits for and whose batches cost much.
	Patience time.Duration
	// NeededIndexes names the indexes, beside those of keys, that the handlers' own
	// statements are served by. A rebuild makes all others after its load.
	NeededIndexes []string
	// Load does what many events do, at once, where that costs much less than one
	// after the other. With Fold it must leave what the handlers would, also where
	// these did some of it between. Nil: the handlers do it.
	Load func(ctx context.Context, tx pgx.Tx, batch []Loaded) error
	// Fold brings into the tables what Load set aside in tables of its own, and drops
	// those. It comes before the copy is used for anything. Nil: Load sets nothing aside.
	Fold func(ctx context.Context, tx pgx.Tx) error

	// slot tells a copy that is built beside the serving one; see slots.
	slot slot
}

// Loaded is an event for Load, with the payload that its handler would get.
type Loaded struct {
	Event
	Payload events.Payload
}

// Schema returns the PostgreSQL schema that holds the projection's tables, which
// is also the name by which it is known outside: "users_v1".
func (p Projection) Schema() string {
	schema := fmt.Sprintf("%s_v%d", p.Name, p.Version)
	if p.slot != serving {
		schema += "_" + string(p.slot)
	}
	return schema
}

// entry is the name of the projection in the runtime's tables: copies have rows of
// their own there.
func (p Projection) entry() string {
	if p.slot != serving {
		return p.Name + "." + string(p.slot)
	}
	return p.Name
}

func (p Projection) validate() error {
	if p.Name == "" || strings.Trim(p.Name, "abcdefghijklmnopqrstuvwxyz") != "" {
		return fmt.Errorf("projection %q: a name has lower case letters only", p.Name)
	}
	if p.Version < 1 {
		return fmt.Errorf("projection %s: version %d is not from 1", p.Name, p.Version)
	}
	if p.Stream == "" {
		return fmt.Errorf("projection %s: no stream", p.Name)
	}
	if len(p.Handlers) == 0 {
		return fmt.Errorf("projection %s: no handlers", p.Name)
	}
	seen := map[events.Type]bool{}
	for _, h := range p.Handlers {
		if h.event == nil {
			return fmt.Errorf("projection %s: a handler was not made by On", p.Name)
		}
		if seen[h.Type()] {
			return fmt.Errorf("projection %s: two handlers for %s", p.Name, h.Type())
		}
		seen[h.Type()] = true
	}
	return nil
}

// Queue takes what an event does. Nothing happens before the batch commits.
type Queue interface {
	// Queue adds a statement to the batch. Its text should be constant, so that
	// it is prepared once.
	Queue(sql string, args ...any)
	// Record adds an activity to append to the log before the batch commits. It
	// may be appended again after a crash, so it must carry the same source and
	// source id each time.
	Record(draft events.Draft)
}

// Row adds a row to a statement over sets, which takes an array for each argument
// ("... from unnest($1::bigint[], ...)"). Rows of the same text run as one
// statement, which costs much less than one for each, until anything else than rows
// is queued. Rows of different texts may run in another order than they came: each
// text needs tables of its own.
func Row(q Queue, sql string, args ...any) { addRow(q, "", sql, args) }

// KeyedRow is Row for a statement that takes each key once ("on conflict ... do
// update"): a key that comes again goes into another statement, behind all rows
// before it.
func KeyedRow(q Queue, key, sql string, args ...any) { addRow(q, key, sql, args) }

// Change is KeyedRow for a statement on a table that others write as well: it runs
// behind everything that was queued before of the same aggregate.
func Change(q Queue, key, sql string, args ...any) {
	if b, ok := q.(interface {
		change(key, sql string, args []any)
	}); ok {
		b.change(key, sql, args)
		return
	}
	addRow(q, key, sql, args)
}

func addRow(q Queue, key, sql string, args []any) {
	if b, ok := q.(interface {
		row(key, sql string, args []any)
	}); ok {
		b.row(key, sql, args)
		return
	}
	sets := make([]any, len(args))
	for i, arg := range args {
		sets[i] = []any{arg}
	}
	q.Queue(sql, sets...)
}

// Event is what a handler is told of an event beside its payload.
type Event struct {
	events.Meta
	Sequence uint64 // in the projection's stream
}

// Handler does what one type of event means to a projection.
type Handler struct {
	event  func() events.Payload
	clone  func(events.Payload) events.Payload // a copy that may be opened; the rest is shared
	public bool                                // the private part is not opened
	handle func(ctx context.Context, q Queue, m Event, p events.Payload) error
}

// On makes a handler for the type of event that fn takes. Handlers are
// deterministic: no clock, no randomness, no reading of other aggregates' rows.
// They share the payload with handlers of other projections: none may change it.
func On[T any, P interface {
	*T
	events.Payload
}](fn func(ctx context.Context, q Queue, m Event, e P) error) Handler {
	return Handler{
		event: func() events.Payload { return P(new(T)) },
		clone: func(p events.Payload) events.Payload {
			c := *p.(P)
			return P(&c)
		},
		handle: func(ctx context.Context, q Queue, m Event, p events.Payload) error {
			return fn(ctx, q, m, p.(P))
		},
	}
}

// OnPublic is On for a handler that has no use for the private part, which it
// finds empty, as if the person was erased: nothing is opened for it.
func OnPublic[T any, P interface {
	*T
	events.Payload
}](fn func(ctx context.Context, q Queue, m Event, e P) error) Handler {
	h := On(fn)
	h.public = true
	return h
}

// Type returns the type of event that the handler takes.
func (h Handler) Type() events.Type { return h.event().EventType() }

// Do runs the handler outside a runtime: in tests of a projection, and where one
// decoded event serves several projections.
func (h Handler) Do(ctx context.Context, q Queue, m Event, p events.Payload) error {
	return h.handle(ctx, q, m, p)
}

package gate

import (
	"context"
	"time"

	"github.com/rosterhq/roster/events"
)

// Models tells how read models do, and has them built. Its refusals are
// *commands.Error.
type Models interface {
	List(ctx context.Context) ([]ReadModel, error)
	// Rebuild asks for a read model to be built; List tells how that goes.
	Rebuild(ctx context.Context, name string, r ModelRebuild) error
	Cancel(ctx context.Context, name string) error
	// Switch lets the copy that served before serve again.
	Switch(ctx context.Context, name, by string) error
	// Verify builds the model beside and compares. It takes as long as that.
	Verify(ctx context.Context, name string) (ModelComparison, error)

	Parked(ctx context.Context, name string, after uint64, limit int) ([]ParkedEvent, error)
	ParkedEvent(ctx context.Context, name string, at events.Position) (ParkedEvent, events.Headers, error)
	// Redrive asks for what is parked of an aggregate, or of all (""), to be replayed.
	Redrive(ctx context.Context, name, aggregate string) (aggregates int64, err error)
	// Drop leaves an event out for good.
	Drop(ctx context.Context, name string, at events.Position, by, reason string) error
}

// ReadModel is how a read model does.
type ReadModel struct {
	Name      string
	Version   int
	Stream    events.Stream
	Position  uint64
	Head      uint64
	Lag       uint64
	Rate      float64 // messages a second, lately
	Parked    int64
	State     string // starting, active, standby, building, paused, stopped
	Holder    string // the process that projects; "" for none
	Stopped   string // why it does not go on
	UpdatedAt time.Time
	Builds    []ModelBuild
	Others    []ModelCopy
}

// ModelBuild is a build that is under way, or how the last of its kind ended.
type ModelBuild struct {
	Kind        string // version, again, switch, check
	State       string
	Events      int64
	Total       int64
	Rate        float64
	Remaining   time.Duration // 0 when it is not known
	MaxRate     *int64
	RequestedBy string
	Builder     string
	RequestedAt time.Time
	StartedAt   *time.Time
	FinishedAt  *time.Time
	Error       string
}

// ModelCopy is a version or copy that does not serve here.
type ModelCopy struct {
	Schema    string
	Version   int
	Kept      bool // it served before, and can be switched back to
	Position  uint64
	UpdatedAt time.Time
	Since     *time.Time // for how long it does not serve any more
	Held      bool
}

// ModelRebuild says how a read model is to be built.
type ModelRebuild struct {
	Again   bool
	Anew    bool
	MaxRate *int64 // events a second; nil: half of what the machine can; 0: all
	By      string
}

// ModelComparison says how a read model differs from what the log gives.
type ModelComparison struct {
	Schema   string
	Position events.Position
	Equal    bool
	Tables   []ModelTable
}

// ModelTable is the comparison of a table.
type ModelTable struct {
	Table                           string
	Rows, Missing, Extra, Different int64
	Examples                        []ModelRow
}

// ModelRow is a row that differs.
type ModelRow struct {
	Key, Kind, Position string
	Columns             []string
}

// ParkedEvent is an event that a read model could not take.
type ParkedEvent struct {
	Stream    events.Stream
	Sequence  uint64
	ID        string
	Type      string
	Aggregate string
	Error     string // "": it waits behind an earlier one
	Attempts  int
	Release   string
	ParkedAt  time.Time
}

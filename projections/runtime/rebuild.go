package runtime

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rosterhq/roster/events"
)

// RebuildState says how far a build is.
type RebuildState string

// The states. Those up to Switching are open: a process takes them up, also after
// the one that was at it was killed.
//
//	requested -> building -> indexing -> switching -> done
//	                 `-> cancelled, failed
const (
	RebuildRequested RebuildState = "requested"
	RebuildBuilding  RebuildState = "building"
	RebuildIndexing  RebuildState = "indexing"
	RebuildSwitching RebuildState = "switching"
	RebuildDone      RebuildState = "done"
	RebuildCancelled RebuildState = "cancelled"
	RebuildFailed    RebuildState = "failed"
)

// Open says that it is not over.
func (s RebuildState) Open() bool {
	switch s {
	case RebuildRequested, RebuildBuilding, RebuildIndexing, RebuildSwitching:
		return true
	}
	return false
}

// Errors of requests.
var (
	ErrReaction   = errors.New("it has no tables, so that there is nothing to build")
	ErrBuilt      = errors.New("it is built; ask for it to be built again")
	ErrNotRunning = errors.New("no build is under way")
	ErrNothingOld = errors.New("no earlier copy is kept")
	ErrOpen       = errors.New("a build is under way")
)

// RebuildRequest asks for a read model to be built.
type RebuildRequest struct {
	// Again builds a copy of what serves, which takes its place when it is done.
	// Else a version that never served is built, or goes on being built.
	Again bool
	// Anew forgets what a cancelled build has done, which is else gone on with.
	Anew bool
	// MaxRate is events a second at most; 0 all that the machine can, nil half of it.
	MaxRate *int64
	By      string // who asks, for people
}

// RebuildStatus is a build, or the outcome of the last.
type RebuildStatus struct {
	Projection  string // its schema when it serves: "users_v2"
	Copy        string // "", "next", "kept" for a switch back, "check" for a comparison
	State       RebuildState
	Events      int64 // done
	Total       int64 // events, as known when the log was last looked at
	Rate        float64
	MaxRate     *int64
	RequestedBy string
	Builder     string // process
	RequestedAt time.Time
	StartedAt   *time.Time
	FinishedAt  *time.Time
	UpdatedAt   time.Time
	Error       string
}

// Remaining is how long it will take yet; 0 when that is not known.
func (s RebuildStatus) Remaining() time.Duration {
	if !s.State.Open() || s.Rate <= 0 || s.Events >= s.Total {
		return 0
	}
	return time.Duration(float64(s.Total-s.Events) / s.Rate * float64(time.Second))
}

const (
	rebuildChannel = "roster_rebuild"

	requestRebuildSQL = `select roster.request_rebuild($1, $2, $3, $4, $5, $6)` // and wakes the builder
	openOfSQL         = `select exists (select from roster.rebuilds where name = $1 and version = $2 and slot in ('', 'next', 'kept')
		and state in ('requested', 'building', 'indexing', 'switching'))`
	cancelSQL   = `select roster.cancel_rebuild($1, $2)`
	rebuildsSQL = `select name, version, slot, state, events, total, rate, max_rate, requested_by, builder, requested_at, started_at,
			finished_at, updated_at, error from roster.rebuilds order by name, version, slot`
	wakeSQL = `select pg_notify('` + rebuildChannel + `', '')`
)

// RequestRebuild asks whoever runs the projectors to build a read model. It is
// taken up within seconds; Rebuilds tells how it goes. Errors: ErrReaction,
// ErrBuilt without Again, ErrOpen while one is under way.
func RequestRebuild(ctx context.Context, db DB, p Projection, r RebuildRequest) error {
	if p.Migrations == nil {
		return fmt.Errorf("rebuild %s: %w", p.Name, ErrReaction)
	}
	into := serving
	if r.Again {
		into = next
	} else if at, err := checkpointOf(ctx, db, p); err != nil || at > 0 && !unfinished(ctx, db, p) {
		if err != nil {
			return err
		}
		return fmt.Errorf("rebuild %s: %w", p.Name, ErrBuilt)
	}
	return request(ctx, db, p.copyIn(into), r)
}

// RequestSwitch asks for the copy that served before to serve again, once it is
// brought to where the log is. Errors: ErrNothingOld, ErrOpen.
func RequestSwitch(ctx context.Context, db DB, p Projection, by string) error {
	old := p.copyIn(kept)
	var there bool
	err := db.QueryRow(ctx, `select exists (select from roster.checkpoints where name = $1 and version = $2)`, old.entry(), old.Version).Scan(&there)
	if err != nil {
		return fmt.Errorf("look for an earlier copy of %s: %w", p.Name, err)
	}
	if !there {
		return fmt.Errorf("switch %s: %w", p.Name, ErrNothingOld)
	}
	unlimited := int64(0)
	return request(ctx, db, old, RebuildRequest{By: by, MaxRate: &unlimited})
}

func request(ctx context.Context, db DB, p Projection, r RebuildRequest) error {
	var open bool
	if err := db.QueryRow(ctx, openOfSQL, p.Name, p.Version).Scan(&open); err != nil {
		return fmt.Errorf("look for builds of %s: %w", p.Name, err)
	}
	if open {
		return fmt.Errorf("rebuild %s: %w", p.Name, ErrOpen)
	}
	var asked int64
	err := db.QueryRow(ctx, requestRebuildSQL, p.Name, p.Version, string(p.slot), printable(r.By), r.MaxRate, r.Anew).Scan(&asked)
	if err != nil {
		return fmt.Errorf("request a build of %s: %w", p.Schema(), err)
	}
	if asked == 0 {
		return fmt.Errorf("rebuild %s: %w", p.Name, ErrOpen)
	}
	return nil
}

// CancelRebuild stops the build of a projection that is under way. What it has done
// stays, and a later request goes on from there. Error: ErrNotRunning.
func CancelRebuild(ctx context.Context, db DB, p Projection) error {
	var cancelled int64
	if err := db.QueryRow(ctx, cancelSQL, p.Name, p.Version).Scan(&cancelled); err != nil {
		return fmt.Errorf("cancel the build of %s: %w", p.Name, err)
	}
	if cancelled == 0 {
		return fmt.Errorf("cancel the build of %s: %w", p.Name, ErrNotRunning)
	}
	return nil
}

// Rebuilds lists builds that are under way, and how the last of each kind ended.
func Rebuilds(ctx context.Context, db DB) ([]RebuildStatus, error) {
	rows, err := db.Query(ctx, rebuildsSQL)
	if err != nil {
		return nil, fmt.Errorf("list builds: %w", err)
	}
	out, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (RebuildStatus, error) {
		var (
			s       RebuildStatus
			name    string
			version int
		)
		err := row.Scan(&name, &version, &s.Copy, &s.State, &s.Events, &s.Total, &s.Rate, &s.MaxRate, &s.RequestedBy, &s.Builder,
			&s.RequestedAt, &s.StartedAt, &s.FinishedAt, &s.UpdatedAt, &s.Error)
		s.Projection = schemaOf(name, version)
		return s, err
	})
	if err != nil {
		return nil, fmt.Errorf("list builds: %w", err)
	}
	return out, nil
}

// checkpointOf returns 0 for what was never projected.
func checkpointOf(ctx context.Context, db DB, p Projection) (uint64, error) {
	var sequence int64
	err := db.QueryRow(ctx, `select coalesce(max(sequence), 0) from roster.checkpoints where name = $1 and version = $2`,
		p.entry(), p.Version).Scan(&sequence)
	if err != nil {
		return 0, fmt.Errorf("read the checkpoint of %s: %w", p.Schema(), err)
	}
	return uint64(sequence), nil
}

// unfinished says that a version was being built, and is not yet.
func unfinished(ctx context.Context, db DB, p Projection) bool {
	var found bool
	err := db.QueryRow(ctx, `select exists (select from roster.rebuilds where name = $1 and version = $2 and slot = ''
		and state <> 'done')`, p.Name, p.Version).Scan(&found)
	return err == nil && found
}

// position of a copy, in words.
func (t *target) position() events.Position {
	return events.Position{Stream: t.projection.Stream, Sequence: t.at.sequence}
}

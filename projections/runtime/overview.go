package runtime

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rosterhq/roster/events"
)

// Overview is how a projection does, and what is built beside it.
type Overview struct {
	ProjectionStatus
	State  State
	Holder string // the process that holds the lock
	// Builds are under way, or how the last of each kind ended.
	Builds []RebuildStatus
	// Others are versions and copies that do not serve here.
	Others []Other
}

// Other is a version or a copy of a read model beside the one that serves.
type Other struct {
	Schema       string
	Version      int
	Copy         string // "" for a version; "kept" can be switched back to
	Position     events.Position
	UpdatedAt    time.Time
	SupersededAt *time.Time // since when it is kept
	Held         bool       // a worker somewhere projects into it
}

const othersSQL = `select split_part(name, '.', 1), name, version, sequence, updated_at, superseded_at, holder from roster.checkpoints
	order by name, version`

// Overviews asks PostgreSQL and the streams how projections do, and what is built.
func Overviews(ctx context.Context, db DB, head HeadFunc, projections []Projection) ([]Overview, error) {
	statuses, err := Status(ctx, db, head, projections)
	if err != nil {
		return nil, err
	}
	builds, err := Rebuilds(ctx, db)
	if err != nil {
		return nil, err
	}
	rows, err := readEntries(ctx, db)
	if err != nil {
		return nil, err
	}
	held, err := readLocks(ctx, db)
	if err != nil {
		return nil, err
	}
	out := make([]Overview, len(statuses))
	for i, s := range statuses {
		p := projections[i]
		o := Overview{ProjectionStatus: s}
		for _, b := range builds {
			if b.Projection == p.Schema() {
				o.Builds = append(o.Builds, b)
			}
		}
		for _, e := range rows[p.Name] {
			switch {
			case e.entry != p.Name || e.version != p.Version:
				o.Others = append(o.Others, e.other(p, held))
			case s.Held:
				o.Holder = e.holder
			}
		}
		o.State = o.state()
		out[i] = o
	}
	return out, nil
}

// state says in a word what an outsider sees.
func (o Overview) state() State {
	for _, b := range o.Builds {
		switch {
		case b.State == RebuildSwitching:
			return Standby
		case b.Copy != string(serving):
		case b.State.Open():
			return Building
		case b.State == RebuildCancelled:
			return Paused
		}
	}
	switch {
	case o.Stopped != "":
		return Stopped
	case o.Held:
		return Active
	}
	return Starting
}

type entry struct {
	entry      string
	version    int
	sequence   int64
	updated    time.Time
	superseded *time.Time
	holder     string
}

func (e entry) other(p Projection, held map[int64]bool) Other {
	schema := schemaOf(e.entry, e.version)
	out := Other{
		Schema: schema, Version: e.version, Position: events.Position{Stream: p.Stream, Sequence: uint64(max(e.sequence, 0))},
		UpdatedAt: e.updated, SupersededAt: e.superseded, Held: held[lockKeyOf(schema)],
	}
	if len(e.entry) > len(p.Name) {
		out.Copy = e.entry[len(p.Name)+1:]
	}
	return out
}

func readEntries(ctx context.Context, db DB) (map[string][]entry, error) {
	rows, err := db.Query(ctx, othersSQL)
	if err != nil {
		return nil, fmt.Errorf("read checkpoints: %w", err)
	}
	out := map[string][]entry{}
	var (
		name string
		e    entry
	)
	_, err = pgx.ForEachRow(rows, []any{&name, &e.entry, &e.version, &e.sequence, &e.updated, &e.superseded, &e.holder}, func() error {
		out[name] = append(out[name], e)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read checkpoints: %w", err)
	}
	return out, nil
}

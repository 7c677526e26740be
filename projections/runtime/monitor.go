package runtime

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/rosterhq/roster/events"
)

// ProjectionStatus is how a projection does, seen from outside its worker.
type ProjectionStatus struct {
	Name       string
	Version    int
	Stream     events.Stream
	Checkpoint uint64
	Head       uint64 // of the stream, from its leader
	Lag        uint64 // messages between the two
	Parked     int64
	Held       bool   // a worker somewhere holds the lock
	Stopped    string // why it does not go on: the log went back
	UpdatedAt  time.Time
}

// HeadFunc returns the last sequence of a stream.
type HeadFunc func(ctx context.Context, s events.Stream) (uint64, error)

const (
	placesSQL = `select c.name || '_v' || c.version, c.sequence, c.stopped, c.updated_at,
			(select count(*) from roster.parked p where p.name = c.name and p.version = c.version)
		from roster.checkpoints c`
	locksSQL = `select (l.classid::bigint << 32) | l.objid::bigint from pg_locks l
		join pg_database d on d.oid = l.database and d.datname = current_database()
		where l.locktype = 'advisory' and l.objsubid = 1 and l.granted`
)

// Status asks PostgreSQL and the streams how projections do.
func Status(ctx context.Context, db DB, head HeadFunc, projections []Projection) ([]ProjectionStatus, error) {
	heads := map[events.Stream]uint64{}
	for _, p := range projections { // before the checkpoints, so that no lag is made up
		if _, asked := heads[p.Stream]; asked {
			continue
		}
		h, err := head(ctx, p.Stream)
		if err != nil {
			return nil, fmt.Errorf("head of %s: %w", p.Stream, err)
		}
		heads[p.Stream] = h
	}
	places, err := readPlaces(ctx, db)
	if err != nil {
		return nil, err
	}
	held, err := readLocks(ctx, db)
	if err != nil {
		return nil, err
	}
	out := make([]ProjectionStatus, 0, len(projections))
	for _, p := range projections {
		s := places[p.Schema()]
		s.Name, s.Version, s.Stream, s.Head, s.Held = p.Name, p.Version, p.Stream, heads[p.Stream], held[p.lockKey()]
		if s.Head > s.Checkpoint {
			s.Lag = s.Head - s.Checkpoint
		}
		out = append(out, s)
	}
	return out, nil
}

func readPlaces(ctx context.Context, db DB) (map[string]ProjectionStatus, error) {
	rows, err := db.Query(ctx, placesSQL)
	if err != nil {
		return nil, fmt.Errorf("read checkpoints: %w", err)
	}
	defer rows.Close()
	out := map[string]ProjectionStatus{}
	for rows.Next() {
		var (
			schema   string
			sequence int64
			s        ProjectionStatus
		)
		if err := rows.Scan(&schema, &sequence, &s.Stopped, &s.UpdatedAt, &s.Parked); err != nil {
			return nil, fmt.Errorf("read checkpoints: %w", err)
		}
		s.Checkpoint = uint64(sequence)
		out[schema] = s
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read checkpoints: %w", err)
	}
	return out, nil
}

func readLocks(ctx context.Context, db DB) (map[int64]bool, error) {
	rows, err := db.Query(ctx, locksSQL)
	if err != nil {
		return nil, fmt.Errorf("read locks: %w", err)
	}
	defer rows.Close()
	out := map[int64]bool{}
	for rows.Next() {
		var key int64
		if err := rows.Scan(&key); err != nil {
			return nil, fmt.Errorf("read locks: %w", err)
		}
		out[key] = true
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read locks: %w", err)
	}
	return out, nil
}

// Monitor watches projections from outside, in any process: for readiness and
// as a prometheus.Collector.
type Monitor struct {
	pool        *pgxpool.Pool
	head        HeadFunc
	projections []Projection

	lag, parked, held, stopped *prometheus.Desc
}

const scrapeLimit = 2 * time.Second

// NewMonitor makes a monitor, which connects on its first use.
func NewMonitor(ctx context.Context, dsn string, head HeadFunc, projections []Projection) (*Monitor, error) {
	c, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("projection monitor: %w", err)
	}
	c.MaxConns, c.MinConns = 1, 0
	c.ConnConfig.RuntimeParams["application_name"] = "roster-projection-monitor"
	pool, err := pgxpool.NewWithConfig(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("projection monitor: %w", err)
	}
	desc := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc("roster_projection_"+name, help, []string{"projection"}, nil)
	}
	return &Monitor{
		pool: pool, head: head, projections: projections,
		lag:     desc("lag", "Messages between a projection's checkpoint and the head of its stream."),
		parked:  desc("parked", "Events that wait in the parking table."),
		held:    desc("held", "1 while a worker somewhere holds the projection's lock."),
		stopped: desc("stopped", "1 when the projection is stopped because the log went back."),
	}, nil
}

// Status says how the projections do.
func (m *Monitor) Status(ctx context.Context) ([]ProjectionStatus, error) {
	return Status(ctx, m.pool, m.head, m.projections)
}

// Close ends the monitor.
func (m *Monitor) Close() { m.pool.Close() }

// Describe implements prometheus.Collector.
func (m *Monitor) Describe(ch chan<- *prometheus.Desc) {
	ch <- m.lag
	ch <- m.parked
	ch <- m.held
	ch <- m.stopped
}

// Collect implements prometheus.Collector. Without PostgreSQL or the log there
// are no samples, which an alert on absence notices.
func (m *Monitor) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeLimit)
	defer cancel()
	all, err := m.Status(ctx)
	if err != nil {
		return
	}
	for i, s := range all {
		name := m.projections[i].Schema()
		gauge := func(d *prometheus.Desc, v float64) {
			ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, name)
		}
		gauge(m.lag, float64(s.Lag))
		gauge(m.parked, float64(s.Parked))
		gauge(m.held, flag(s.Held))
		gauge(m.stopped, flag(s.Stopped != ""))
	}
}

func flag(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

package runtime

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"go.uber.org/zap"

	"github.com/rosterhq/roster/events"
)

// DB is a connection or a pool.
type DB interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// AllAggregates asks RequestRedrive for everything that a projection has parked.
const AllAggregates = ""

const (
	requestSQL  = `select roster.request_redrive($1, $2)`
	requestsSQL = `select aggregate from roster.redrives where name = $1 and version = $2 order by requested_at, aggregate`
	answeredSQL = `delete from roster.redrives where name = $1 and version = $2 and aggregate = $3`
	parkedOfSQL = `select sequence, subject, headers::text, data from roster.parked
		where name = $1 and version = $2 and aggregate = $3 order by sequence limit 200`
	unparkSQL      = `delete from roster.parked where name = $1 and version = $2 and sequence = $3`
	failedAgainSQL = `update roster.parked set error = $4, attempts = attempts + 1, handler_version = $5
		where name = $1 and version = $2 and sequence = $3`
	listParkedSQL = `select name || '_v' || version, stream, sequence, event_id, type, aggregate, error, attempts, handler_version, parked_at
		from roster.parked where $1 = '' or name || '_v' || version = $1 order by name, version, sequence limit $2`
)

// RequestRedrive asks the holder of a projection's lock (named as its schema:
// "users_v1") to replay what is parked of an aggregate ("user/<id>"), or of all.
// It returns how many aggregates that are; the replay follows within seconds and
// stops, for each aggregate, at the first event that fails again.
func RequestRedrive(ctx context.Context, db DB, projection, aggregate string) (int64, error) {
	var asked int64
	if err := db.QueryRow(ctx, requestSQL, projection, aggregate).Scan(&asked); err != nil {
		return 0, fmt.Errorf("request redrive of %s in %s: %w", aggregate, projection, err)
	}
	return asked, nil
}

// ParkedEvent is an event that a projection could not take.
type ParkedEvent struct {
	Projection     string
	Stream         events.Stream
	Sequence       uint64
	EventID        string
	Type           events.Type
	Aggregate      string
	Error          string // empty: it waits behind an earlier one
	Attempts       int
	HandlerVersion string
	ParkedAt       time.Time
}

// Parked lists parked events in order; projection "" means all.
func Parked(ctx context.Context, db DB, projection string, limit int) ([]ParkedEvent, error) {
	rows, err := db.Query(ctx, listParkedSQL, projection, limit)
	if err != nil {
		return nil, fmt.Errorf("list parked events: %w", err)
	}
	return collectParked(rows)
}

func collectParked(rows pgx.Rows) ([]ParkedEvent, error) {
	out, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (ParkedEvent, error) {
		var (
			e           ParkedEvent
			stream, typ string
			sequence    int64
		)
		err := row.Scan(&e.Projection, &stream, &sequence, &e.EventID, &typ, &e.Aggregate, &e.Error, &e.Attempts, &e.HandlerVersion, &e.ParkedAt)
		e.Stream, e.Type, e.Sequence = events.Stream(stream), events.Type(typ), uint64(sequence)
		return e, err
	})
	if err != nil {
		return nil, fmt.Errorf("list parked events: %w", err)
	}
	return out, nil
}

// requests returns the aggregates to redrive. It is also how an idle worker
// notices a lost connection.
func (s *session) requests(ctx context.Context) ([]string, error) {
	rows, err := s.conn.Query(ctx, requestsSQL, s.projection.entry(), s.projection.Version)
	if err != nil {
		return nil, fmt.Errorf("look for redrive requests: %w", err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("look for redrive requests: %w", err)
	}
	return out, nil
}

// redrive replays what is parked of an aggregate, in order, each event in a
// transaction that takes it out of the table. The first that fails again ends it.
func (s *session) redrive(ctx context.Context, aggregate string) error {
	p := s.projection
	replayed := 0
	for {
		msgs, err := s.parkedOf(ctx, aggregate)
		if err != nil {
			return err
		}
		if len(msgs) == 0 {
			delete(s.parked, aggregate)
			break
		}
		if err := s.prefetch(ctx, msgs); err != nil {
			return err
		}
		failure, err := s.replay(ctx, msgs, &replayed)
		if err != nil {
			return err
		}
		if failure != nil {
			s.log.Error("a redriven event failed again", zap.String("aggregate", aggregate), zap.Error(failure))
			break
		}
	}
	if _, err := s.conn.Exec(ctx, answeredSQL, p.entry(), p.Version, aggregate); err != nil {
		return fmt.Errorf("answer redrive of %s: %w", aggregate, err)
	}
	s.log.Info("redrive ended", zap.String("aggregate", aggregate), zap.Int("replayed", replayed), zap.Bool("parked", s.parked[aggregate]))
	return nil
}

// replay returns the failure of the first event that failed again.
func (s *session) replay(ctx context.Context, msgs []*inbound, replayed *int) (failure, err error) {
	p := s.projection
	for _, m := range msgs {
		failure := s.unpark(ctx, m)
		if failure == nil {
			*replayed++
			continue
		}
		if s.lost(failure) {
			return nil, failure
		}
		_, err := s.conn.Exec(ctx, failedAgainSQL, p.entry(), p.Version, int64(m.sequence), describe(failure), s.release)
		if err != nil {
			return nil, fmt.Errorf("note the failure of event %s: %w", m.id, err)
		}
		return failure, nil
	}
	return nil, nil
}

// unpark handles a parked event and takes it out of the table, in one transaction.
func (s *session) unpark(ctx context.Context, m *inbound) error {
	b := &batch{last: m.mark}
	if m.typ != "" {
		if err := s.router.dispatch(ctx, b, m); err != nil {
			return err
		}
	}
	ctx, cancel := graceful(ctx)
	defer cancel()
	if err := b.record(ctx, s.recorder); err != nil {
		return err
	}
	// Listeners learn that rows changed, at the checkpoint that stays.
	b.Queue(notifySQL, fmt.Sprintf("%s %d", s.projection.Schema(), s.at.sequence))
	b.Queue(unparkSQL, s.projection.entry(), s.projection.Version, int64(m.sequence))
	return b.run(ctx, s.conn, 1)
}

func (s *session) parkedOf(ctx context.Context, aggregate string) ([]*inbound, error) {
	rows, err := s.conn.Query(ctx, parkedOfSQL, s.projection.entry(), s.projection.Version, aggregate)
	if err != nil {
		return nil, fmt.Errorf("read parked events of %s: %w", aggregate, err)
	}
	out, err := pgx.CollectRows(rows, s.restore)
	if err != nil {
		return nil, fmt.Errorf("read parked events of %s: %w", aggregate, err)
	}
	return out, nil
}

// restore makes a message of a parked row.
func (w *worker) restore(row pgx.CollectableRow) (*inbound, error) {
	var (
		sequence         int64
		subject, headers string
		data             []byte
		h                events.Headers
	)
	if err := row.Scan(&sequence, &subject, &headers, &data); err != nil {
		return nil, err
	}
	if err := json.NewDecoder(strings.NewReader(headers)).Decode(&h); err != nil {
		return nil, fmt.Errorf("headers of parked event %d: %w", sequence, err)
	}
	m := arrive(w.catalogue, subject, h, data, uint64(sequence))
	if !w.admit(m) { // its handler is gone: nothing to do but to take it out
		m = &inbound{mark: mark{sequence: uint64(sequence)}}
	}
	return m, nil
}

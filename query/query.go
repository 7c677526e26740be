// Package query answers reads from the read models in PostgreSQL.
//
// Promises of this package:
//
//   - A read waits, at most 2 s and never longer than its context, until every
//     model that it selects from has reached the newest position known of the user
//     concerned: what this process wrote (Note), what anybody wrote as soon as the
//     tail has delivered it, what the log held when the process started, and what
//     the caller asks for (WithMinPosition). When the bound passes it answers with
//     what is there and says by how much that is behind (WithStaleness). A position
//     that the log has not reached is ErrAhead.
//   - Credentials, users and preferences come from memory while the log proves that
//     the tail is at most a second behind; what the tail has delivered, or this
//     process noted, is never answered from before it. Else PostgreSQL is asked.
//   - Rights end with their organization: nothing is answered from before the end
//     of one that is known here. The last use of a key or user is the latest that
//     any process saw, a moment after it did.
//   - Lists are read by keyset, in an order that an index serves. A page never
//     shows a row twice; rows that come in front of a cursor later are not seen.
//   - Nothing is written. The log is followed once for the process (Tail), whatever
//     the number of readers.
//
// What is not promised: reads of other processes' writes that the tail has not
// delivered yet, without a position; and one snapshot over several reads.
package query

//go:generate sh -c "cd .. && go tool -modfile=tools/go.mod sqlc generate"

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/zap"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query/internal/rows"
)

// Config says where the read models and the log's head are.
type Config struct {
	DSN    string
	Logger *zap.Logger // nil for none
	// Head returns the last sequence of a stream. Nil: nothing is known of heads,
	// so that no position is ever too far ahead.
	Head func(ctx context.Context, s events.Stream) (uint64, error)
	// Log is followed by the tail; its Head is taken where Head is nil. Nil: the
	// tail is never current.
	Log Log
	// Events is where events are read from, and opened. Nil: there are none.
	Events EventLog
	// Uses tells of the uses of keys that other processes see. Nil: they are shown
	// when the read model has them.
	Uses     UsageLog
	MaxConns int32 // of the pool; 0 means 8, enough for two cores
	// CacheBytes bounds what is kept in memory of users, roughly; 0 means 64 MiB,
	// below 0 nothing is kept.
	CacheBytes int64
}

const defaultConns = 8

// searchPath lists the schemas of the read models in the versions that this
// release reads, and the projections' own.
const searchPath = "users_v2, credentials_v2, skills_v1, workspaces_v1, history_v1, activity_v1, statistics_v1, roster"

// Queries answers reads. Every read waits, at most 2 s, until its read model has
// reached the newest position known for the user (Note) and asked for by the
// caller (WithMinPosition). It is safe for concurrent use.
type Queries struct {
	pool     *pgxpool.Pool
	rows     *rows.Queries
	head     func(ctx context.Context, s events.Stream) (uint64, error)
	logger   *zap.Logger
	notes    *notes
	progress *progress
	memory   *memory
	uses     *uses
	tail     *Tail
	log      EventLog
	stop     context.CancelFunc
	running  sync.WaitGroup
	// organizations is the newest change of what belongs to no user: rights depend
	// on which organizations live, so that no answer may be from before it.
	organizations atomic.Uint64

	users, credentials, skills, workspaces, past, activity, statistics *model
}

// Open connects to the read models. It does not fail when PostgreSQL is away or
// still empty: reads are ErrUnavailable until it is there.
func Open(ctx context.Context, c Config) (*Queries, error) {
	config, err := poolConfig(c)
	if err != nil {
		return nil, err
	}
	q := &Queries{
		head: c.head(), logger: c.Logger,
		users: newModel("users_v2", events.Roster), credentials: newModel("credentials_v2", events.Roster),
		skills: newModel("skills_v1", events.Roster), workspaces: newModel("workspaces_v1", events.Roster),
		past: newModel("history_v1", events.Roster), log: c.Events,
		activity: newModel("activity_v1", events.Activity), statistics: newModel("statistics_v1", events.Activity),
	}
	if q.logger == nil {
		q.logger = zap.NewNop()
	}
	models := []*model{q.users, q.credentials, q.skills, q.workspaces, q.past, q.activity, q.statistics}
	q.notes = newNotes(func() positions { return covered(models) })
	q.progress = newProgress(config.ConnConfig.Copy(), models, q.logger)
	q.progress.follows(config)
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open the pool of the read models: %w", err)
	}
	q.pool, q.rows = pool, rows.New(pool)
	if q.uses, err = newUses(); err == nil {
		q.memory, err = newMemory(c.CacheBytes, q.notes, &q.organizations, q.uses)
	}
	if err != nil {
		pool.Close()
		return nil, fmt.Errorf("make the cache of reads: %w", err)
	}
	heads, err := q.noteHeads(ctx)
	if err != nil {
		pool.Close()
		return nil, err
	}
	q.progress.table, q.progress.switched, q.progress.fell = q.rows, q.memory.clear, q.notes.raiseFloor
	run, stop := context.WithCancel(context.WithoutCancel(ctx))
	q.stop = stop
	go q.progress.run(run)
	q.tail = newTail(c.Log, q.logger, q.noteStored)
	q.tail.start(run, heads)
	q.followUses(run, c.Uses)
	if err := q.progress.tried(ctx); err != nil {
		q.Close()
		return nil, fmt.Errorf("read the checkpoints: %w", err)
	}
	return q, nil
}

func (c Config) head() func(context.Context, events.Stream) (uint64, error) {
	if c.Head == nil && c.Log != nil {
		return c.Log.Head
	}
	return c.Head
}

func poolConfig(c Config) (*pgxpool.Config, error) {
	config, err := pgxpool.ParseConfig(c.DSN)
	if err != nil {
		return nil, fmt.Errorf("read the address of PostgreSQL: %w", err)
	}
	config.MaxConns = c.MaxConns
	if config.MaxConns <= 0 {
		config.MaxConns = defaultConns
	}
	config.ConnConfig.ConnectTimeout = 5 * time.Second
	config.ConnConfig.RuntimeParams["search_path"] = searchPath
	config.ConnConfig.RuntimeParams["application_name"] = "roster-query"
	config.ConnConfig.RuntimeParams["default_transaction_read_only"] = "on"
	// Each query is served by an index. Plans are kept, and one made while a table
	// was empty would scan it until the next analyze.
	config.ConnConfig.RuntimeParams["enable_seqscan"] = "off"
	// All are short: workers and compiled code would take longer to begin.
	config.ConnConfig.RuntimeParams["max_parallel_workers_per_gather"] = "0"
	config.ConnConfig.RuntimeParams["jit"] = "off"
	config.AfterConnect = func(_ context.Context, conn *pgx.Conn) error {
		conn.TypeMap().RegisterType(&pgtype.Type{
			Name: "timestamptz", OID: pgtype.TimestamptzOID, Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC},
		})
		return nil
	}
	return config, nil
}

// follows looks at each connection of a pool before it is used.
func (p *progress) follows(config *pgxpool.Config) {
	prepare := config.AfterConnect
	config.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		return errors.Join(prepare(ctx, conn), p.joined(ctx, conn))
	}
	config.PrepareConn = p.allows
}

// noteHeads makes reads wait for what the log held at the start: who wrote it may
// have asked a process before this one.
func (q *Queries) noteHeads(ctx context.Context) (heads positions, err error) {
	if q.head == nil {
		return heads, nil
	}
	for _, s := range []events.Stream{events.Roster, events.Activity} {
		head, err := q.head(ctx, s)
		if err != nil {
			return heads, fmt.Errorf("ask for the head of %s: %w", s, err)
		}
		*heads.at(s) = head
		q.notes.raiseFloor(s, head)
	}
	return heads, nil
}

// Close ends the connections. No read may be under way or begin.
func (q *Queries) Close() {
	q.stop()
	q.tail.Close()
	<-q.progress.done
	q.pool.Close()
}

// Ping says whether the read models can be asked.
func (q *Queries) Ping(ctx context.Context) error {
	if err := q.pool.Ping(ctx); err != nil {
		return failure(ctx, "ping PostgreSQL", err)
	}
	return nil
}

// noteStored notes what anybody wrote, before the tail hands it on.
func (q *Queries) noteStored(e events.Stored) {
	switch {
	case e.Meta.Aggregate.Kind == events.User:
		q.notes.add(e.Meta.Aggregate.ID, e.Position(), changesCredentials(e.Meta.Type))
	case e.Meta.Type == (*events.OrganizationDeleted)(nil).EventType():
		q.NoteAny(e.Position())
	case e.Meta.SealedFor != "": // a skill
		q.notes.add(e.Meta.SealedFor, e.Position(), false)
	case e.Stream == events.Roster:
		q.notes.add(anybody, e.Position(), false)
	}
}

// CacheBytes is what memory takes just now, roughly.
func (q *Queries) CacheBytes() uint64 { return q.memory.bytes() }

// Tail is the one live reader of the log in this process.
func (q *Queries) Tail() *Tail { return q.tail }

// Note remembers the position of a user's newest change made by this process:
// reads of the user wait for it.
func (q *Queries) Note(userID string, p events.Position) { q.notes.add(userID, p, false) }

// NoteCredentials is Note for a change of what a credential check depends on: a
// session or key made or ended, a password set, roles assigned, the account
// suspended, activated or deleted. Until the read model has it, Credential gives
// no credential of that user.
func (q *Queries) NoteCredentials(userID string, p events.Position) { q.notes.add(userID, p, true) }

// NoteAny is Note for a change of what belongs to no user, an organization: every
// read waits for it, and none is answered from before it, since rights depend on
// which organizations live.
func (q *Queries) NoteAny(p events.Position) {
	if p.Stream != events.Roster {
		return
	}
	raise(&q.organizations, p.Sequence)
	q.notes.raiseFloor(p.Stream, p.Sequence)
}

// Positions returns how far each read model is, by its schema's name.
func (q *Queries) Positions() map[string]events.Position {
	out := map[string]events.Position{}
	for _, m := range q.progress.models {
		out[m.schema] = events.Position{Stream: m.stream, Sequence: m.reached.Load()}
	}
	return out
}

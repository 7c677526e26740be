// Package projtest gives tests of projections a log to write to, a database and
// running projections.
package projtest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/rosterhq/roster/eventlog"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/internal/testenv"
	"github.com/rosterhq/roster/projections/runtime"
)

// Patience is how long tests wait for what must come.
const Patience = 60 * time.Second

// Env is a log with a database beside it.
type Env struct {
	TB   testing.TB
	NC   *nats.Conn
	JS   jetstream.JetStream
	DSN  string
	Keys *Keys
	// Recorder is what projections record through.
	Recorder runtime.Recorder
	Live     runtime.Live    // nil: each projection reads for itself
	Builds   *runtime.Builds // nil: nothing is built beside
	Logs     *observer.ObservedLogs
	logger   *zap.Logger
}

// New starts servers and makes the streams ROSTER and ACTIVITY.
func New(tb testing.TB) *Env {
	tb.Helper()
	nc := testenv.NATS(tb)
	js, err := jetstream.New(nc)
	require.NoError(tb, err)
	core, logs := observer.New(zap.DebugLevel)
	e := &Env{TB: tb, NC: nc, JS: js, DSN: testenv.Postgres(tb), Keys: NewKeys(), Logs: logs, logger: zap.New(core)}
	e.Recorder = &Recorder{env: e}
	e.MakeStream(events.Roster)
	e.MakeStream(events.Activity)
	return e
}

// MakeStream makes a stream as the log does.
func (e *Env) MakeStream(s events.Stream) {
	e.TB.Helper()
	_, err := e.JS.CreateStream(context.Background(), jetstream.StreamConfig{
		Name: string(s), Subjects: []string{strings.ToLower(string(s)) + ".>"}, AllowDirect: true, AllowAtomicPublish: true,
	})
	require.NoError(e.TB, err)
}

// StreamName names streams without a prefix.
func StreamName(s events.Stream) string { return string(s) }

// EventFilter is that of streams without a prefix.
func EventFilter(s events.Stream) string { return eventlog.EventFilter("", s) }

// Append stores an event and returns its sequence.
func (e *Env) Append(d events.Draft) uint64 {
	e.TB.Helper()
	ack, err := e.JS.PublishMsg(context.Background(), e.Encode(d))
	require.NoError(e.TB, err)
	return ack.Sequence
}

// AppendAll stores many events quickly and in order, and returns the last sequence.
func (e *Env) AppendAll(drafts []events.Draft) uint64 {
	e.TB.Helper()
	var last jetstream.PubAckFuture
	for _, d := range drafts {
		var err error
		last, err = e.JS.PublishMsgAsync(e.Encode(d))
		require.NoError(e.TB, err)
	}
	select {
	case ack := <-last.Ok():
		return ack.Sequence
	case err := <-last.Err():
		require.NoError(e.TB, err)
	case <-time.After(Patience):
		require.Fail(e.TB, "events were not acknowledged")
	}
	return 0
}

// Encode makes a message of a draft.
func (e *Env) Encode(d events.Draft) *nats.Msg {
	e.TB.Helper()
	var key *events.DataKey
	if d.Meta.SealedFor != "" {
		key = e.Keys.Ensure(d.Meta.SealedFor)
	}
	headers, data, err := events.Encode(&d.Meta, d.Payload, key)
	require.NoError(e.TB, err)
	msg := nats.NewMsg(subject(d))
	msg.Header, msg.Data = nats.Header(headers), data
	return msg
}

func subject(d events.Draft) string {
	if a, ok := d.Payload.(*events.ActivityRecorded); ok {
		return fmt.Sprintf("activity.0.%x", a.SourceID)
	}
	return fmt.Sprintf("roster.%s.%s", d.Meta.Aggregate.Kind, d.Meta.Aggregate.ID)
}

// Migrate makes the tables.
func (e *Env) Migrate(projections ...runtime.Projection) {
	e.TB.Helper()
	require.NoError(e.TB, runtime.Migrate(context.Background(), e.DSN, projections))
}

// Running is a runtime at work.
type Running struct {
	*runtime.Runtime
	cancel context.CancelFunc
	done   chan struct{}
	once   sync.Once
}

// Run migrates and starts projections; they stop with the test, or before.
func (e *Env) Run(projections ...runtime.Projection) *Running {
	e.TB.Helper()
	e.Migrate(projections...)
	return e.Start(projections...)
}

// Start starts projections without migrating.
func (e *Env) Start(projections ...runtime.Projection) *Running {
	e.TB.Helper()
	return e.StartOn(e.DSN, projections...)
}

// StartOn starts projections on another database.
func (e *Env) StartOn(dsn string, projections ...runtime.Projection) *Running {
	e.TB.Helper()
	c := e.Config(projections...)
	c.DSN = dsn
	rt, err := runtime.New(c)
	require.NoError(e.TB, err)
	ctx, cancel := context.WithCancel(context.Background()) //nolint:gosec // Stop calls it
	r := &Running{Runtime: rt, cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(r.done)
		if err := rt.Run(ctx); err != nil {
			e.TB.Errorf("run projections: %v", err)
		}
	}()
	e.TB.Cleanup(r.Stop)
	return r
}

// Config is what projections are run with.
func (e *Env) Config(projections ...runtime.Projection) runtime.Config {
	return runtime.Config{
		NATS: e.NC, DSN: e.DSN, StreamName: StreamName, EventFilter: EventFilter, Keys: e.Keys, Recorder: e.Recorder,
		Logger: e.logger, Projections: projections, Release: "test", Live: e.Live, Builds: e.Builds,
	}
}

// Stop stops the projections and waits.
func (r *Running) Stop() {
	r.once.Do(r.cancel)
	<-r.done
}

// Connect returns a connection that closes with the test.
func (e *Env) Connect() *pgx.Conn {
	e.TB.Helper()
	conn, err := pgx.Connect(context.Background(), e.DSN)
	require.NoError(e.TB, err)
	e.TB.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// Await waits until a projection's checkpoint is at sequence, or beyond.
func (e *Env) Await(p runtime.Projection, sequence uint64) {
	e.TB.Helper()
	AwaitOn(e.TB, e.DSN, p, sequence)
}

// AwaitOn is Await in another database. It listens; it does not poll.
func AwaitOn(tb testing.TB, dsn string, p runtime.Projection, sequence uint64) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, dsn)
	require.NoError(tb, err)
	defer conn.Close(context.Background()) //nolint:errcheck // nothing was left to say
	_, err = conn.Exec(ctx, "listen roster_checkpoint")
	require.NoError(tb, err)
	for {
		var at int64
		err := conn.QueryRow(ctx, `select coalesce(max(sequence), 0) from roster.checkpoints where name = $1 and version = $2`,
			p.Name, p.Version).Scan(&at)
		require.NoError(tb, err)
		if uint64(at) >= sequence {
			return
		}
		_, err = conn.WaitForNotification(ctx)
		require.NoError(tb, err, "%s is at %d, waiting for %d", p.Schema(), at, sequence)
	}
}

// Eventually waits for a condition that nothing announces.
func (e *Env) Eventually(what string, condition func() bool) {
	e.TB.Helper()
	require.Eventually(e.TB, condition, Patience, 20*time.Millisecond, what)
}

// Dump returns all rows of all tables of a projection, in order, as text.
func (e *Env) Dump(p runtime.Projection) string {
	e.TB.Helper()
	return DumpOn(e.TB, e.DSN, p)
}

// DumpOn is Dump of another database.
func DumpOn(tb testing.TB, dsn string, p runtime.Projection) string {
	tb.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, dsn)
	require.NoError(tb, err)
	defer conn.Close(ctx) //nolint:errcheck // nothing was left to say
	rows, err := conn.Query(ctx, `select table_name::text from information_schema.tables
		where table_schema = $1 and table_name <> 'goose_db_version' order by 1`, p.Schema())
	require.NoError(tb, err)
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(tb, err)
	var out strings.Builder
	for _, table := range tables {
		fmt.Fprintf(&out, "# %s\n", table)
		rows, err := conn.Query(ctx, fmt.Sprintf(`select t::text from %s.%s t order by 1`, p.Schema(), table))
		require.NoError(tb, err)
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(tb, err)
		for _, line := range lines {
			out.WriteString(line + "\n")
		}
	}
	return out.String()
}

// Head returns the last sequence of a stream.
func (e *Env) Head(s events.Stream) uint64 {
	e.TB.Helper()
	head, err := e.HeadFunc(context.Background(), s)
	require.NoError(e.TB, err)
	return head
}

// HeadFunc is a runtime.HeadFunc.
func (e *Env) HeadFunc(ctx context.Context, s events.Stream) (uint64, error) {
	stream, err := e.JS.Stream(ctx, string(s))
	if err != nil {
		return 0, err
	}
	return stream.CachedInfo().State.LastSeq, nil
}

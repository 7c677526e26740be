package runtime_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/projections/internal/projtest"
	"github.com/rosterhq/roster/projections/runtime"
)

// journal is a projection whose tables tell what was handled, in which order.
type journal struct {
	refuse atomic.Pointer[func(m runtime.Event) string] // "": take it; "error", "panic", "sql"
}

func (j *journal) projection() runtime.Projection {
	return runtime.Projection{
		Name: "journal", Version: 1, Stream: events.Activity,
		Migrations: fstest.MapFS{"00001_journal.sql": {Data: []byte(`-- +goose Up
create table entries (line bigserial primary key, user_id uuid not null, sequence bigint not null);
-- +goose Down
drop table entries;
`)}},
		Handlers: []runtime.Handler{runtime.On(j.handle)},
	}
}

func (j *journal) handle(_ context.Context, q runtime.Queue, m runtime.Event, e *events.ActivityRecorded) error {
	if refuse := j.refuse.Load(); refuse != nil {
		switch (*refuse)(m) {
		case "error":
			return errors.New("refused on purpose")
		case "panic":
			panic("on purpose")
		case "sql":
			q.Queue(`insert into entries (user_id, sequence) values ($1, $2)`, e.User, int64(m.Sequence))
			q.Queue(`select 1 / (1 - $1::int)`, 1)
			return nil
		}
	}
	q.Queue(`insert into entries (user_id, sequence) values ($1, $2)`, e.User, int64(m.Sequence))
	return nil
}

func (j *journal) refuseWhen(f func(m runtime.Event) string) { j.refuse.Store(&f) }

// order returns the sequences of a user's entries, in the order of writing.
func order(t *testing.T, conn *pgx.Conn, user string) []int64 {
	t.Helper()
	rows, err := conn.Query(context.Background(), `select sequence from journal_v1.entries where user_id = $1 order by line`, user)
	require.NoError(t, err)
	out, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	require.NoError(t, err)
	return out
}

func TestPoisonParksItsAggregateAlone(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"error", "panic", "sql"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			e := projtest.New(t)
			j := &journal{}
			j.refuseWhen(func(m runtime.Event) string {
				if m.Sequence == 2 {
					return kind
				}
				return ""
			})
			p, h := j.projection(), projtest.NewHistory(1)
			bad, good := projtest.UUID(1, 1), projtest.UUID(1, 2)
			for range 3 { // 1, 3, 5 good; 2, 4, 6 bad
				e.AppendAll([]events.Draft{h.Activity(good), h.Activity(bad)})
			}
			running := e.Run(p)
			e.Await(p, 6)
			conn := e.Connect()
			require.Equal(t, []int64{1, 3, 5}, order(t, conn, good))
			require.Empty(t, order(t, conn, bad))
			requireParked(t, conn, []uint64{2, 4, 6})

			// Another worker knows what is parked.
			running.Stop()
			e.Start(p)
			e.AppendAll([]events.Draft{h.Activity(bad), h.Activity(good)})
			e.Await(p, 8)
			requireParked(t, conn, []uint64{2, 4, 6, 7})
			require.Equal(t, []int64{1, 3, 5, 8}, order(t, conn, good))

			redriveFailsThenWorks(t, e, j, conn)
			require.Equal(t, []int64{2, 4, 6, 7}, order(t, conn, bad))
			e.AppendAll([]events.Draft{h.Activity(bad)})
			e.Await(p, 9)
			require.Equal(t, []int64{2, 4, 6, 7, 9}, order(t, conn, bad), "the aggregate goes on")
		})
	}
}

func requireParked(t *testing.T, conn *pgx.Conn, want []uint64) {
	t.Helper()
	parked, err := runtime.Parked(context.Background(), conn, "journal_v1", 100)
	require.NoError(t, err)
	var got []uint64
	for i, p := range parked {
		got = append(got, p.Sequence)
		require.Equal(t, "test", p.HandlerVersion)
		require.Equal(t, "user/"+projtest.UUID(1, 1), p.Aggregate)
		if i == 0 {
			require.NotEmpty(t, p.Error)
			require.GreaterOrEqual(t, p.Attempts, 3)
		} else {
			require.Empty(t, p.Error, "it waits behind the first")
		}
	}
	require.Equal(t, want, got)
}

func redriveFailsThenWorks(t *testing.T, e *projtest.Env, j *journal, conn *pgx.Conn) {
	t.Helper()
	redrive := func(n int64) {
		got, err := runtime.RequestRedrive(context.Background(), conn, "journal_v1", runtime.AllAggregates)
		require.NoError(t, err)
		require.Equal(t, n, got)
		e.Eventually("the request is answered", func() bool {
			var left int
			err := conn.QueryRow(context.Background(), `select count(*) from roster.redrives`).Scan(&left)
			return err == nil && left == 0
		})
	}
	redrive(1) // still broken
	requireParked(t, conn, []uint64{2, 4, 6, 7})
	j.refuseWhen(func(runtime.Event) string { return "" })
	redrive(1)
	requireNothingParked(t, conn)
	redrive(0)
}

func TestPoisonAmongManyEvents(t *testing.T) {
	t.Parallel()
	e := projtest.New(t)
	j := &journal{}
	j.refuseWhen(func(m runtime.Event) string {
		if m.Sequence == 1234 {
			return "sql"
		}
		return ""
	})
	p := j.projection()
	last := e.AppendAll(projtest.NewHistory(3).Activities(300, 3000))
	e.Run(p)
	e.Await(p, last)
	conn := e.Connect()
	var rows, parked int
	require.NoError(t, conn.QueryRow(context.Background(), `select (select count(*) from journal_v1.entries),
		(select count(*) from roster.parked)`).Scan(&rows, &parked))
	require.Equal(t, 3000, rows+parked)
	require.Positive(t, parked)
	require.Less(t, parked, 60)
}

func TestMalformedEventIsParked(t *testing.T) {
	t.Parallel()
	e := projtest.New(t)
	j := &journal{}
	p, h := j.projection(), projtest.NewHistory(3)
	msg := e.Encode(h.Activity(projtest.UUID(1, 1)))
	msg.Header.Set(events.HeaderTime, "yesterday")
	_, err := e.JS.PublishMsg(context.Background(), msg)
	require.NoError(t, err)
	msg = e.Encode(h.Activity(projtest.UUID(1, 2)))
	msg.Data = []byte("{\x00")
	_, err = e.JS.PublishMsg(context.Background(), msg)
	require.NoError(t, err)
	e.Append(h.Activity(projtest.UUID(1, 3)))
	e.Run(p)
	e.Await(p, 3)
	parked, err := runtime.Parked(context.Background(), e.Connect(), "", 10)
	require.NoError(t, err)
	require.Len(t, parked, 2)
	require.Contains(t, parked[0].Error, "time")
	require.Contains(t, parked[1].Error, "body")
}

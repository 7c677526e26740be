package statistics

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/projections/runtime"
)

// loadAll runs facts through load, so many at a time.
func loadAll(t testingT, conn *pgx.Conn, facts []fact, size int) {
	for part := range slices.Chunk(facts, size) {
		loaded := make([]runtime.Loaded, len(part))
		for i := range part {
			loaded[i] = runtime.Loaded{Event: runtime.Event{Meta: events.Meta{Source: part[i].source}}, Payload: &part[i].ActivityRecorded}
		}
		err := pgx.BeginFunc(context.Background(), conn, func(tx pgx.Tx) error { return load(context.Background(), tx, loaded) })
		require.NoError(t, err)
	}
}

func foldAll(t testingT, conn *pgx.Conn) {
	err := pgx.BeginFunc(context.Background(), conn, func(tx pgx.Tx) error { return fold(context.Background(), tx) })
	require.NoError(t, err)
}

// TestLoadLeavesWhatTheHandlerLeaves compares the tables, whatever shares a batch.
func TestLoadLeavesWhatTheHandlerLeaves(t *testing.T) {
	t.Parallel()
	conn := database(t)
	rapid.Check(t, func(t *rapid.T) {
		facts := drawFacts(t)
		size := rapid.IntRange(1, len(facts)).Draw(t, "size")
		clear(t, conn)
		project(t, conn, facts)
		want := dump(t, conn)
		clear(t, conn)
		loadAll(t, conn, facts, size)
		foldAll(t, conn)
		require.Equal(t, want, dump(t, conn))
		// And mixtures: a build that a worker goes on with, one that had to take a
		// batch apart, and one that was folded before its end.
		clear(t, conn)
		loadAll(t, conn, facts[:size], size)
		foldAll(t, conn)
		project(t, conn, facts[size:])
		foldAll(t, conn) // of nothing
		require.Equal(t, want, dump(t, conn))
		clear(t, conn)
		loadAll(t, conn, facts[:size], size)
		project(t, conn, facts[size:])
		foldAll(t, conn)
		require.Equal(t, want, dump(t, conn))
		clear(t, conn)
		loadAll(t, conn, facts[:size], size)
		foldAll(t, conn)
		loadAll(t, conn, facts[size:], size)
		foldAll(t, conn)
		require.Equal(t, want, dump(t, conn))
	})
}

// TestLoadDatesLikePostgreSQL has times before 1970, and sums beyond 64 bits.
func TestLoadDatesLikePostgreSQL(t *testing.T) {
	t.Parallel()
	conn := database(t)
	var facts []fact
	for i := range 200 {
		at := time.Date(1+i*10, time.Month(1+i%12), 1+i%28, i%24, 59, 59, 999_999_999, time.UTC)
		opened := time.Date(1, 1, 1, 0, 0, 0, 1, time.UTC)
		f := fact{source: "a", ActivityRecorded: events.ActivityRecorded{
			Type: events.TicketActivity, Action: "completed", SourceID: string(rune('a' + i)), User: users[0], EntityID: string(rune('a' + i)),
			Assignee: users[i%3], OccurredAt: at, EntityCreatedAt: &opened,
		}}
		facts = append(facts, f)
		f.Action, f.SourceID, f.OccurredAt = "completed", "x"+f.SourceID, time.Date(2026, 5, 4, 1, 2, 3, 4_567_890, time.UTC)
		facts = append(facts, f)
	}
	project(t, conn, facts)
	want := dump(t, conn)
	clear(t, conn)
	loadAll(t, conn, facts, 150)
	foldAll(t, conn)
	require.Equal(t, want, dump(t, conn))
}

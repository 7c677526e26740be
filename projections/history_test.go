package projections_test

import (
	"context"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/projections/history"
	"github.com/rosterhq/roster/projections/internal/projtest"
)

// Every row tells its event with each header and each byte, also of a type that
// this release does not know, and needs no key for that.
func TestHistoryHoldsTheEventsAsTheLogDoes(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	e := projtest.New(t)
	h := projtest.NewHistory(3)
	drafts := h.Take(400)
	e.AppendAll(drafts)
	e.Keys.Fail(events.ErrUnavailable)
	newer := nats.NewMsg("roster.user." + projtest.UUID(1, 1))
	newer.Data = []byte(`{"a":1}`)
	for name, value := range map[string]string{
		events.HeaderID: "newer", events.HeaderType: "roster.user.enlightened.v1", events.HeaderTime: "2026-05-03T10:00:00Z",
		events.HeaderSubject: "user/" + projtest.UUID(1, 1),
	} {
		newer.Header.Set(name, value)
	}
	ack, err := e.JS.PublishMsg(ctx, newer)
	require.NoError(t, err)
	p := history.Projection()
	e.Run(p)
	e.Await(p, ack.Sequence)

	rows, err := e.Connect().Query(ctx, `select position, kind, aggregate::text, type, time, actor, dialect, headers, body
		from history_v1.events order by position`)
	require.NoError(t, err)
	defer rows.Close()
	n := uint64(0)
	for rows.Next() {
		var row events.Row
		var position int64
		require.NoError(t, rows.Scan(&position, &row.Aggregate.Kind, &row.Aggregate.ID, &row.Type, &row.Time, &row.Actor, &row.Dialect,
			&row.Headers, &row.Body))
		n++
		require.EqualValues(t, n, position)
		row.Position, row.Time = events.Position{Stream: events.Roster, Sequence: n}, row.Time.UTC()
		got, err := row.Stored()
		require.NoError(t, err)
		stream, err := e.JS.Stream(ctx, "ROSTER")
		require.NoError(t, err)
		want, err := stream.GetMsg(ctx, n)
		require.NoError(t, err)
		for name := range want.Header {
			if strings.HasPrefix(name, "Nats-") {
				delete(want.Header, name)
			}
		}
		require.Equal(t, want.Header, nats.Header(got.Headers))
		require.Equal(t, want.Data, got.Data)
	}
	require.NoError(t, rows.Err())
	require.Equal(t, ack.Sequence, n)
}

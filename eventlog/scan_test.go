package eventlog_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/eventlog"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/internal/testenv"
)

// A scan goes on where it was when its connection or its consumer is gone: each
// event once, in order.
func TestScanningSurvivesItsConnectionAndItsConsumer(t *testing.T) {
	t.Parallel()
	l, elsewhere, w := over(t)
	js, err := jetstream.New(w.beside)
	require.NoError(t, err)
	const all = 5000 // more than a scan reads ahead
	writeMany(t, elsewhere, all)
	var got []uint64
	require.NoError(t, l.Scan(t.Context(), events.Roster, 0, 0, func(e events.Stored) error {
		got = append(got, e.Sequence)
		switch len(got) {
		case 100, 3000:
			w.set(true)
			w.set(false)
		case 2000, 4000:
			forgetConsumers(t, js)
		}
		return nil
	}))
	require.Len(t, got, all)
	for i, sequence := range got {
		require.EqualValues(t, i+1, sequence)
	}
}

func forgetConsumers(t *testing.T, js jetstream.JetStream) {
	t.Helper()
	stream, err := js.Stream(t.Context(), "ROSTER")
	require.NoError(t, err)
	names := stream.ConsumerNames(t.Context())
	for name := range names.Name() {
		require.NoError(t, stream.DeleteConsumer(t.Context(), name))
	}
	require.NoError(t, names.Err())
}

// Times are found by halving, and events by their sequence.
func TestEventsAreFoundByTimeAndSequence(t *testing.T) {
	t.Parallel()
	l := open(t, testenv.NATS(t), eventlog.Options{})
	ctx := t.Context()
	of := events.Aggregate{Kind: events.User, ID: uuid.NewString()}
	began := time.Date(2026, 5, 3, 10, 0, 0, 0, time.UTC)
	at := func(i int) time.Time { return began.Add(time.Duration(i) * time.Hour) }
	before, err := l.Before(ctx, events.Roster, began)
	require.NoError(t, err)
	require.EqualValues(t, 1, before, "an empty stream")
	last, sequences := uint64(0), []uint64{}
	for i := range 100 {
		if i%7 == 0 { // messages without a time
			_, err := l.Reserve(ctx, "user", 1)
			require.NoError(t, err)
		}
		d := scanDraft(of, &events.UserSuspended{})
		d.Meta.Time, d.Meta.SealedFor = at(i), ""
		last, err = l.Append(ctx, events.Commit{Aggregate: of, Expected: last, Events: []events.Draft{d}})
		require.NoError(t, err)
		sequences = append(sequences, last)
	}
	for _, i := range []int{0, 1, 2, 50, 98, 99} {
		before, err := l.Before(ctx, events.Roster, at(i))
		require.NoError(t, err)
		require.LessOrEqual(t, before, sequences[i])
		require.GreaterOrEqual(t, before+2+4, sequences[i], "near it")
		behind, err := l.Behind(ctx, events.Roster, at(i))
		require.NoError(t, err)
		require.Greater(t, behind, sequences[i])
		require.LessOrEqual(t, behind, sequences[i]+4+4, "near it")
	}
	found, err := l.At(ctx, events.Roster, append([]uint64{sequences[99], 1, 1 << 40}, sequences[:98]...))
	require.NoError(t, err)
	require.Len(t, found, 99, "a counter and what is not there are left out")
	require.Equal(t, sequences[99], found[0].Sequence)
	require.Equal(t, at(99), found[0].Meta.Time)
	for name := range found[0].Headers {
		require.NotContains(t, name, "Nats-S")
	}
}

// A scan leaves nothing behind on the server.
func TestAScanLeavesNoConsumer(t *testing.T) {
	t.Parallel()
	nc := testenv.NATS(t)
	l := open(t, nc, eventlog.Options{})
	write(t, l)
	n := 0
	require.NoError(t, l.Scan(t.Context(), events.Roster, 0, 0, func(events.Stored) error { n++; return nil }))
	require.Equal(t, 1, n)
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	stream, err := js.Stream(t.Context(), "ROSTER")
	require.NoError(t, err)
	require.Zero(t, stream.CachedInfo().State.Consumers)
}

// writeMany records what many users did in one go, as events of ROSTER.
func writeMany(tb testing.TB, l *eventlog.Log, n int) {
	tb.Helper()
	const atOnce = 250
	of := events.Aggregate{Kind: events.User, ID: uuid.NewString()}
	last := uint64(0)
	for done := 0; done < n; done += atOnce {
		drafts := make([]events.Draft, min(atOnce, n-done))
		for i := range drafts {
			name := fmt.Sprintf("name number %d of this user", done+i)
			drafts[i] = scanDraft(of, &events.UserProfileUpdated{
				Fields: []string{"name"}, Sealed: events.Seal(events.UserProfileUpdatedPrivate{Name: &name}),
			})
			if last == 0 && i == 0 {
				drafts[i] = scanDraft(of, &events.UserRegistered{Number: 1, Status: events.StatusActive})
			}
		}
		first, err := l.Append(context.Background(), events.Commit{Aggregate: of, Expected: last, Events: drafts})
		require.NoError(tb, err)
		last = first + uint64(len(drafts)) - 1
	}
}

func scanDraft(of events.Aggregate, p events.Payload) events.Draft {
	return events.Draft{Payload: p, Meta: events.Meta{
		ID: uuid.NewString(), Type: p.EventType(), Source: "/roster", Time: time.Unix(1e9, 0).UTC(), Aggregate: of,
		Actor: of.ID, CommandID: uuid.NewString(), SealedFor: of.ID, Dialect: "v1",
	}}
}

// BenchmarkScan measures Scan beside its limit: an ordered consumer of the client
// library over the same events, whose headers nobody reads.
func BenchmarkScan(b *testing.B) {
	const all = 100_000
	nc := startServer(b, false)
	l := open(b, nc, eventlog.Options{})
	writeMany(b, l, all)
	for range b.N {
		raw := rawScan(b, nc, all)
		own := timedScan(b, l, all)
		raw = (raw + rawScan(b, nc, all)) / 2
		b.ReportMetric(raw, "raw/s")
		b.ReportMetric(own, "scanned/s")
		b.ReportMetric(100*own/raw, "of-raw-%")
		b.ReportMetric(0, "ns/op")
	}
}

func timedScan(b *testing.B, l *eventlog.Log, want int) float64 {
	b.Helper()
	start, n := time.Now(), 0
	require.NoError(b, l.Scan(b.Context(), events.Roster, 0, 0, func(events.Stored) error { n++; return nil }))
	require.Equal(b, want, n)
	return float64(n) / time.Since(start).Seconds()
}

func rawScan(b *testing.B, nc *nats.Conn, want int) float64 {
	b.Helper()
	js, err := jetstream.New(nc)
	require.NoError(b, err)
	start := time.Now()
	c, err := js.OrderedConsumer(b.Context(), "ROSTER", jetstream.OrderedConsumerConfig{})
	require.NoError(b, err)
	it, err := c.Messages(jetstream.PullMaxMessages(2000))
	require.NoError(b, err)
	defer it.Stop()
	for range want {
		_, err := it.Next()
		require.NoError(b, err)
	}
	return float64(want) / time.Since(start).Seconds()
}

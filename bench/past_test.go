package bench_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/eventlog"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/internal/testenv"
	"github.com/rosterhq/roster/projections/history"
	"github.com/rosterhq/roster/projections/runtime"
	"github.com/rosterhq/roster/query"
)

const (
	pastEvents  = 1_000_000
	pastRounds  = 100 // events of each user who is looked at
	pastUsers   = 40
	pastAtOnce  = 250
	pastFillers = (pastEvents/pastRounds - pastUsers) / pastAtOnce // commits between two rounds
)

// BenchmarkPast folds users of 100 events each, scattered over a log of a million,
// as ?at= does: each for the first time. Beside it, the same from the log alone.
func BenchmarkPast(b *testing.B) {
	ctx := b.Context()
	nc, dsn := testenv.NATS(b), testenv.Postgres(b)
	log, err := eventlog.Open(ctx, nc, eventlog.Options{MasterKey: testenv.MasterKey()})
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, log.Close(context.Background())) })
	users := scatter(b, log)
	followed := follow(b, runtime.Config{
		NATS: nc, DSN: dsn, Keys: log, StreamName: func(s events.Stream) string { return eventlog.StreamName("", s) },
		EventFilter: func(s events.Stream) string { return eventlog.EventFilter("", s) }, Projections: []runtime.Projection{history.Projection()},
	}, log)
	q, err := query.Open(ctx, query.Config{DSN: dsn, Log: log, Events: log})
	require.NoError(b, err)
	b.Cleanup(q.Close)
	for range b.N {
		fold := func(id string) {
			var u commands.User
			require.NoError(b, q.Past(ctx, events.Aggregate{Kind: events.User, ID: id}, 0, func(e events.Recorded) error {
				u = commands.EvolveUser(u, e)
				return nil
			}))
			require.Equal(b, fmt.Sprintf("name %d", pastRounds-1), u.Name)
		}
		fromLog := func(id string) {
			past, err := log.Read(ctx, events.Aggregate{Kind: events.User, ID: id}, 1)
			require.NoError(b, err)
			require.Equal(b, fmt.Sprintf("name %d", pastRounds-1), commands.UserOf(past).Name)
		}
		half := len(users) / 2
		b.ReportMetric(median(users[:half], fold), "p50-ms")
		b.ReportMetric(median(users[half:], fromLog), "log-p50-ms")
		b.ReportMetric(followed, "followed/s")
		b.ReportMetric(0, "ns/op")
	}
}

func median(users []string, f func(id string)) float64 {
	took := make([]float64, len(users))
	for i, id := range users {
		began := time.Now()
		f(id)
		took[i] = float64(time.Since(began).Microseconds()) / 1000
	}
	slices.Sort(took)
	return took[len(took)/2]
}

// scatter writes the log and returns the users who are looked at.
func scatter(b *testing.B, log *eventlog.Log) []string {
	b.Helper()
	users := make([]string, pastUsers)
	tips := make([]uint64, pastUsers)
	for round := range pastRounds {
		for i := range users {
			if round == 0 {
				users[i] = uuid.NewString()
			}
			tips[i] = nameAgain(b, log, users[i], tips[i], round, 1)
		}
		other, tip := uuid.NewString(), uint64(0)
		for range pastFillers {
			tip = nameAgain(b, log, other, tip, round, pastAtOnce)
		}
	}
	return users
}

// nameAgain appends changes of a user, who is registered by the first, and returns
// the sequence of the last.
func nameAgain(b *testing.B, log *eventlog.Log, user string, tip uint64, round, n int) uint64 {
	b.Helper()
	of := events.Aggregate{Kind: events.User, ID: user}
	drafts := make([]events.Draft, n)
	for i := range drafts {
		name := fmt.Sprintf("name %d", round)
		var p events.Payload = &events.UserProfileUpdated{
			Fields: []string{"name"}, Sealed: events.Seal(events.UserProfileUpdatedPrivate{Name: &name}),
		}
		if tip == 0 && i == 0 {
			p = &events.UserRegistered{
				Number: 1, Status: events.StatusActive, Sealed: events.Seal(events.UserRegisteredPrivate{Username: "u", Name: name}),
			}
		}
		drafts[i] = events.Draft{Payload: p, Meta: events.Meta{
			ID: uuid.NewString(), Type: p.EventType(), Source: "/roster", Time: time.Now().UTC(), Aggregate: of, Actor: user,
			CommandID: uuid.NewString(), SealedFor: user, Dialect: "v1",
		}}
	}
	first, err := log.Append(b.Context(), events.Commit{Aggregate: of, Expected: tip, Events: drafts})
	require.NoError(b, err)
	return first + uint64(n) - 1
}

// follow projects the log to its end and returns how many events a second that were.
func follow(b *testing.B, c runtime.Config, log *eventlog.Log) float64 {
	b.Helper()
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	require.NoError(b, runtime.Migrate(ctx, c.DSN, c.Projections))
	head, err := log.Head(ctx, events.Roster)
	require.NoError(b, err)
	rt, err := runtime.New(c)
	require.NoError(b, err)
	ended := make(chan error, 1)
	began := time.Now()
	go func() { ended <- rt.Run(ctx) }()
	awaitCheckpoint(b, c.DSN, head)
	rate := float64(head) / time.Since(began).Seconds()
	stop()
	require.NoError(b, <-ended)
	return rate
}

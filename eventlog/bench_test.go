package eventlog_test

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/eventlog"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/internal/natsserver"
)

// BenchmarkAppend measures one-event commits (encode, seal, expectation,
// publish, state kept) beside its limit: raw synchronous JetStream publishes
// with the same expectation and about the same size, measured just before and
// after on the same server. "of-raw-%" is the ratio.
func BenchmarkAppend(b *testing.B) {
	for _, sync := range []bool{true, false} {
		for _, writers := range []int{1, 32, 128} {
			b.Run(fmt.Sprintf("sync=%s/writers=%d", syncName(sync), writers), func(b *testing.B) {
				nc := startServer(b, sync)
				l := open(b, nc, eventlog.Options{})
				for range b.N {
					raw := measure(b, writers, rawWriter(b, nc))
					append := measure(b, writers, appendWriter(b, l))
					raw = (raw + measure(b, writers, rawWriter(b, nc))) / 2
					b.ReportMetric(raw, "raw/s")
					b.ReportMetric(append, "append/s")
					b.ReportMetric(100*append/raw, "of-raw-%")
					b.ReportMetric(0, "ns/op")
				}
			})
		}
	}
}

// BenchmarkRegister measures first commits: data key, event, two claims.
func BenchmarkRegister(b *testing.B) {
	for _, sync := range []bool{true, false} {
		for _, writers := range []int{32, 128} {
			b.Run(fmt.Sprintf("sync=%s/writers=%d", syncName(sync), writers), func(b *testing.B) {
				l := open(b, startServer(b, sync), eventlog.Options{})
				for range b.N {
					b.ReportMetric(measure(b, writers, registerWriter(l)), "register/s")
					b.ReportMetric(0, "ns/op")
				}
			})
		}
	}
}

// BenchmarkRecord measures activities in calls of 1,000, new and repeated.
func BenchmarkRecord(b *testing.B) {
	l := open(b, startServer(b, true), eventlog.Options{})
	user := newBenchUser(b, l)
	for range b.N {
		var drafts [][]events.Draft
		for call := range 10 {
			drafts = append(drafts, make([]events.Draft, 1000))
			for i := range drafts[call] {
				drafts[call][i] = benchActivity(user, uuid.NewString())
			}
		}
		for _, kind := range []string{"new/s", "repeated/s"} {
			start := time.Now()
			for _, d := range drafts {
				_, err := l.Record(b.Context(), d)
				require.NoError(b, err)
			}
			b.ReportMetric(10_000/time.Since(start).Seconds(), kind)
		}
		b.ReportMetric(0, "ns/op")
	}
}

func syncName(sync bool) string {
	if sync {
		return "always"
	}
	return "default"
}

func startServer(b *testing.B, sync bool) *nats.Conn {
	b.Helper()
	s, err := natsserver.Start(natsserver.Options{Dir: b.TempDir(), Sync: sync})
	require.NoError(b, err)
	b.Cleanup(s.Stop)
	nc, err := s.Connect()
	require.NoError(b, err)
	b.Cleanup(nc.Close)
	return nc
}

const measureFor = 2 * time.Second

// measure runs writers for a while and returns operations a second. newWriter
// makes one writer's operation.
func measure(b *testing.B, writers int, newWriter func(i int) func(context.Context) error) float64 {
	b.Helper()
	ops := make([]func(context.Context) error, writers)
	for i := range ops {
		ops[i] = newWriter(i)
	}
	var done atomic.Int64
	var wg sync.WaitGroup
	start := time.Now()
	for _, op := range ops {
		wg.Go(func() {
			for time.Since(start) < measureFor {
				if err := op(context.Background()); err != nil {
					b.Error(err)
					return
				}
				done.Add(1)
			}
		})
	}
	wg.Wait()
	return float64(done.Load()) / time.Since(start).Seconds()
}

func rawWriter(b *testing.B, nc *nats.Conn) func(int) func(context.Context) error {
	b.Helper()
	js, err := jetstream.New(nc)
	require.NoError(b, err)
	name := "RAW" + uuid.NewString()[:8]
	_, err = js.CreateStream(b.Context(), jetstream.StreamConfig{
		Name: name, Subjects: []string{name + ".>"}, AllowAtomicPublish: true, AllowDirect: true, DenyDelete: true,
	})
	require.NoError(b, err)
	body := make([]byte, 400)
	return func(i int) func(context.Context) error {
		subject, last := name+"."+strconv.Itoa(i), uint64(0)
		return func(ctx context.Context) error {
			ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
			defer cancel()
			ack, err := js.Publish(ctx, subject, body, jetstream.WithExpectLastSequencePerSubject(last))
			if err == nil {
				last = ack.Sequence
			}
			return err
		}
	}
}

func benchDraft(user events.Aggregate, p events.Payload) events.Draft {
	return events.Draft{Payload: p, Meta: events.Meta{
		ID: uuid.NewString(), Type: p.EventType(), Source: "/roster", Time: time.Now().UTC(), Aggregate: user,
		Actor: user.ID, CommandID: uuid.NewString(), SealedFor: user.ID,
	}}
}

func newBenchUser(b testing.TB, l *eventlog.Log) events.Aggregate {
	b.Helper()
	user := events.Aggregate{Kind: events.User, ID: uuid.NewString()}
	_, err := l.Append(b.Context(), events.Commit{Aggregate: user, Events: []events.Draft{
		benchDraft(user, &events.UserRegistered{Status: events.StatusActive}),
	}})
	require.NoError(b, err)
	return user
}

// appendWriter changes one user's profile and keeps the state each time, as the
// command service does.
func appendWriter(b *testing.B, l *eventlog.Log) func(int) func(context.Context) error {
	b.Helper()
	state := make([]byte, 400)
	return func(int) func(context.Context) error {
		user := newBenchUser(b, l)
		tip, err := l.Tip(b.Context(), user)
		require.NoError(b, err)
		name := "Ada, Countess of Lovelace"
		return func(ctx context.Context) error {
			d := benchDraft(user, &events.UserProfileUpdated{
				Fields: []string{"name"}, Sealed: events.Seal(events.UserProfileUpdatedPrivate{Name: &name}),
			})
			sequence, err := l.Append(ctx, events.Commit{Aggregate: user, Expected: tip.Sequence, Events: []events.Draft{d}})
			if err != nil {
				return err
			}
			tip = events.Tip{Sequence: sequence, EventID: d.Meta.ID}
			l.KeepSnapshot(user, events.Snapshot{Tip: tip, Format: 1, Data: state})
			return nil
		}
	}
}

func registerWriter(l *eventlog.Log) func(int) func(context.Context) error {
	return func(int) func(context.Context) error {
		return func(ctx context.Context) error {
			user := events.Aggregate{Kind: events.User, ID: uuid.NewString()}
			p := events.UserRegisteredPrivate{Username: "u" + user.ID, Email: user.ID + "@example.org"}
			_, err := l.Append(ctx, events.Commit{
				Aggregate: user,
				Events: []events.Draft{benchDraft(user, &events.UserRegistered{
					Status: events.StatusActive, Sealed: events.Seal(p),
				})},
				Claims: []events.ClaimChange{
					{Claim: events.Claim{Kind: "username", Value: p.Username}, Holder: user.ID},
					{Claim: events.Claim{Kind: "email", Value: p.Email}, Holder: user.ID},
				},
			})
			return err
		}
	}
}

func benchActivity(user events.Aggregate, sourceID string) events.Draft {
	d := benchDraft(user, &events.ActivityRecorded{
		SourceID: sourceID, User: user.ID, Type: events.CommitActivity, Action: "pushed", EntityID: "repository", OccurredAt: time.Now(),
		Sealed: events.Seal(events.ActivityPrivate{EntityTitle: "a title of some length", ProjectName: "project"}),
	})
	d.Meta.Source = "github"
	return d
}

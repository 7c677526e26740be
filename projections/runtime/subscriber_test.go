package runtime

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/internal/testenv"
)

// Watermill's universal tests of pubsubs do not fit this subscriber: they publish
// to topics that come to be on the fly, want a nacked message delivered again
// before the next (here it goes back to its transaction, and is parked in the
// end), several subscriptions of one subscriber, and consumer groups. What they
// say about order, acknowledgement, resuming and closing is tested here.

// subscription is a subscriber on a real log and a real database.
type subscription struct {
	*subscriber
	js  jetstream.JetStream
	dsn string
}

func subscribed(t *testing.T) *subscription {
	t.Helper()
	nc := testenv.NATS(t)
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	_, err = js.CreateStream(context.Background(), jetstream.StreamConfig{Name: "ROSTER", Subjects: []string{"roster.>"}})
	require.NoError(t, err)
	s := &subscription{js: js, dsn: testenv.Postgres(t)}
	p := subscriptionProjection()
	require.NoError(t, Migrate(context.Background(), s.dsn, []Projection{p}))
	s.renew(t)
	return s
}

func subscriptionProjection() Projection {
	return Projection{Name: "plain", Version: 1, Stream: events.Roster, Handlers: []Handler{
		On(func(context.Context, Queue, Event, *events.UserSuspended) error { return nil }),
	}}
}

// renew makes another subscriber, as a process that starts again does.
func (s *subscription) renew(t *testing.T) {
	t.Helper()
	w, err := newWorker(Config{
		DSN: s.dsn, Logger: zap.NewNop(), StreamName: func(s events.Stream) string { return string(s) },
	}, subscriptionProjection(), s.js, events.Released(), newMetrics(nil))
	require.NoError(t, err)
	s.subscriber = newSubscriber(w)
}

func (s *subscription) publish(t *testing.T, ids ...string) {
	t.Helper()
	for _, id := range ids {
		m := events.Meta{ID: id, Type: (&events.UserSuspended{}).EventType(), Time: time.Unix(0, 0), Aggregate: events.Aggregate{Kind: events.User, ID: id}}
		headers, data, err := events.Encode(&m, &events.UserSuspended{}, nil)
		require.NoError(t, err)
		_, err = s.js.PublishMsg(context.Background(), &nats.Msg{Subject: "roster.user." + id, Header: nats.Header(headers), Data: data})
		require.NoError(t, err)
	}
}

func receive(t *testing.T, from <-chan *message.Message) *message.Message {
	t.Helper()
	select {
	case msg, open := <-from:
		require.True(t, open, "the channel is closed")
		return msg
	case <-time.After(20 * time.Second):
		require.Fail(t, "no message")
		return nil
	}
}

// carried are the ids of a message's events.
func carried(t *testing.T, msg *message.Message) []string {
	t.Helper()
	d, ok := deliveryFrom(msg.Context())
	require.True(t, ok)
	var ids []string
	for _, m := range d.run {
		ids = append(ids, m.id)
	}
	require.Equal(t, ids[0], msg.UUID)
	return ids
}

func TestSubscriberSendsInOrderAndOneAtATime(t *testing.T) {
	t.Parallel()
	s := subscribed(t)
	s.publish(t, "a")
	out, err := s.Subscribe(context.Background(), "ROSTER")
	require.NoError(t, err)
	for i, want := range []string{"a", "b", "c"} {
		msg := receive(t, out)
		require.Equal(t, []string{want}, carried(t, msg))
		if i < 2 {
			s.publish(t, string(rune('b'+i)))
		}
		select {
		case early := <-out:
			require.Fail(t, "a message before the Ack of the one before", early.UUID)
		case <-time.After(20 * time.Millisecond):
		}
		msg.Ack()
	}
	require.NoError(t, s.Close())
	_, open := <-out
	require.False(t, open)
}

func TestSubscriberTriesANackedMessageAgain(t *testing.T) {
	t.Parallel()
	s := subscribed(t)
	s.publish(t, "a", "b")
	out, err := s.Subscribe(context.Background(), "ROSTER")
	require.NoError(t, err)
	first := receive(t, out)
	require.Equal(t, "a", carried(t, first)[0])
	first.Nack()
	for _, want := range []string{"a", "b"} { // each for itself, since one of them may be at fault
		msg := receive(t, out)
		require.Equal(t, []string{want}, carried(t, msg))
		msg.Ack()
	}
	require.NoError(t, s.Close())
}

func TestSubscriberResumesAtTheCheckpoint(t *testing.T) {
	t.Parallel()
	s := subscribed(t)
	s.publish(t, "a")
	out, err := s.Subscribe(context.Background(), "ROSTER")
	require.NoError(t, err)
	receive(t, out).Ack()
	s.publish(t, "b")
	receive(t, out).Ack()
	s.publish(t, "c")
	// The third is not acknowledged. What was committed so far is the
	// transaction's business; nothing may be lost, and nothing committed twice.
	receive(t, out)
	require.NoError(t, s.Close())
	at := s.checkpoint(t)

	s.renew(t)
	out, err = s.Subscribe(context.Background(), "ROSTER")
	require.NoError(t, err)
	var rest []string
	for len(rest) == 0 || rest[len(rest)-1] != "c" {
		msg := receive(t, out)
		rest = append(rest, carried(t, msg)...)
		msg.Ack()
	}
	require.Equal(t, []string{"a", "b", "c"}[at:], rest)
	require.NoError(t, s.Close())
}

func (s *subscription) checkpoint(t *testing.T) (at int64) {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), s.dsn)
	require.NoError(t, err)
	defer conn.Close(context.Background())
	require.NoError(t, conn.QueryRow(context.Background(), `select sequence from roster.checkpoints`).Scan(&at))
	return at
}

func TestSubscriberEndsWithItsContext(t *testing.T) {
	t.Parallel()
	s := subscribed(t)
	s.publish(t, "a")
	ctx, cancel := context.WithCancel(context.Background())
	out, err := s.Subscribe(ctx, "ROSTER")
	require.NoError(t, err)
	receive(t, out) // and neither Ack nor Nack
	cancel()
	_, open := <-out
	require.False(t, open)
	require.NoError(t, s.Close())
}

func TestSubscriberClosesOnceAndForAll(t *testing.T) {
	t.Parallel()
	s := subscribed(t)
	s.publish(t, "a", "b")
	out, err := s.Subscribe(context.Background(), "ROSTER")
	require.NoError(t, err)
	_, err = s.Subscribe(context.Background(), "ROSTER")
	require.Error(t, err, "one subscription")
	var closing sync.WaitGroup
	for range 5 { // while nobody receives
		closing.Add(1)
		go func() {
			defer closing.Done()
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}()
	}
	closing.Wait()
	for range out {
	}
	_, err = s.Subscribe(context.Background(), "ROSTER")
	require.Error(t, err, "closed")
}

func TestSubscriberManyMessagesOnceEach(t *testing.T) {
	t.Parallel()
	s := subscribed(t)
	var want, got []string
	for i := range 1200 {
		want = append(want, strconv.Itoa(i))
	}
	s.publish(t, want...)
	out, err := s.Subscribe(context.Background(), "ROSTER")
	require.NoError(t, err)
	messages := 0
	for len(got) < len(want) {
		msg := receive(t, out)
		got = append(got, carried(t, msg)...)
		messages++
		msg.Ack()
	}
	require.True(t, slices.Equal(want, got))
	require.Less(t, messages, len(want)/10, "events travel together")
	require.NoError(t, s.Close())
}

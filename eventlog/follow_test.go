package eventlog_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/eventlog"
	"github.com/rosterhq/roster/eventlog/logtest"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/internal/natsserver"
	"github.com/rosterhq/roster/internal/testenv"
)

// wire is the network of one client: it can be cut.
type wire struct {
	beside *nats.Conn // of who writes elsewhere, which is never cut

	mu    sync.Mutex
	cut   bool
	conns []net.Conn
}

// Dial implements nats.CustomDialer.
func (w *wire) Dial(network, address string) (net.Conn, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cut {
		return nil, errors.New("the wire is cut")
	}
	c, err := net.DialTimeout(network, address, 5*time.Second)
	if err == nil {
		w.conns = append(w.conns, c)
	}
	return c, err
}

func (w *wire) set(cut bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cut = cut; cut {
		for _, c := range w.conns {
			_ = c.Close()
		}
		w.conns = nil
	}
}

// over returns a log whose connection goes over a wire, and one that does not.
func over(t *testing.T) (l, elsewhere *eventlog.Log, w *wire) {
	t.Helper()
	server, err := natsserver.Start(natsserver.Options{Dir: t.TempDir(), Listen: "127.0.0.1:0"})
	require.NoError(t, err)
	t.Cleanup(server.Stop)
	w = &wire{}
	for _, c := range []struct {
		into *(*eventlog.Log)
		dial nats.Option
	}{{&l, nats.SetCustomDialer(w)}, {&elsewhere, nats.Timeout(5 * time.Second)}} {
		closed := make(chan struct{})
		nc, err := nats.Connect(server.URL(), c.dial, nats.MaxReconnects(-1), nats.ReconnectWait(10*time.Millisecond),
			nats.ReconnectJitter(0, 0), nats.ClosedHandler(func(*nats.Conn) { close(closed) }))
		require.NoError(t, err)
		t.Cleanup(func() { nc.Close(); <-closed })
		*c.into, w.beside = open(t, nc, eventlog.Options{}), nc
	}
	return l, elsewhere, w
}

func write(t *testing.T, l *eventlog.Log) {
	t.Helper()
	of := events.Aggregate{Kind: events.User, ID: uuid.NewString()}
	p := &events.UserRegistered{Status: events.StatusActive, Sealed: events.Seal(events.UserRegisteredPrivate{Username: "ada"})}
	_, err := l.Append(t.Context(), events.Commit{Aggregate: of, Events: []events.Draft{{Payload: p, Meta: events.Meta{
		ID: uuid.NewString(), Type: p.EventType(), Source: "/roster", Time: time.Unix(1e9, 0), Aggregate: of, SealedFor: of.ID,
	}}}})
	require.NoError(t, err)
}

func following(t *testing.T, l *eventlog.Log) (f *logtest.Follower, ended <-chan error) {
	t.Helper()
	f = logtest.NewFollower()
	ctx, stop := context.WithCancel(t.Context())
	done, result := make(chan struct{}), make(chan error, 1)
	go func() {
		defer close(done)
		result <- l.Follow(ctx, events.Roster, 1, f)
	}()
	t.Cleanup(func() { stop(); <-done })
	return f, result
}

// Whatever the connection does while others write: each event once, in order.
func TestFollowingSurvivesItsConnection(t *testing.T) {
	t.Parallel()
	l, elsewhere, w := over(t)
	f, _ := following(t, l)
	write(t, elsewhere)
	f.AwaitHead(t, 1)
	losses := 0
	for round := range 5 {
		w.set(true)
		f.Await(t, func(_ []events.Stored, _ uint64, lost []error) bool { return len(lost) > losses })
		for range 20 {
			write(t, elsewhere)
		}
		w.set(false)
		for range 20 {
			write(t, elsewhere)
		}
		got := f.AwaitHead(t, uint64(1+40*(round+1)))
		for i, e := range got {
			require.EqualValues(t, i+1, e.Sequence)
		}
		f.Await(t, func(_ []events.Stored, _ uint64, lost []error) bool { losses = len(lost); return true })
	}
}

// A consumer that the server forgot, as with a server that died, is made anew.
func TestFollowingSurvivesItsConsumer(t *testing.T) {
	t.Parallel()
	nc := testenv.NATS(t)
	l := open(t, nc, eventlog.Options{})
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	f, _ := following(t, l)
	for round := range 3 {
		stream, err := js.Stream(t.Context(), "ROSTER")
		require.NoError(t, err)
		names := stream.ConsumerNames(t.Context())
		for name := range names.Name() {
			require.NoError(t, stream.DeleteConsumer(t.Context(), name))
		}
		require.NoError(t, names.Err())
		for range 10 {
			write(t, l)
		}
		got := f.AwaitHead(t, uint64(10*(round+1)))
		for i, e := range got {
			require.EqualValues(t, i+1, e.Sequence)
		}
	}
}

// A log that was replaced by another one is an error, even where it is as long.
func TestALogThatWentBackIsNotFollowed(t *testing.T) {
	t.Parallel()
	for name, again := range map[string]int{"shorter": 1, "as long": 3, "longer": 5} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			nc := testenv.NATS(t)
			l := open(t, nc, eventlog.Options{Prefix: "first"})
			f, ended := following(t, l)
			for range 3 {
				write(t, l)
			}
			f.AwaitHead(t, 3)
			js, err := jetstream.New(nc)
			require.NoError(t, err)
			require.NoError(t, js.DeleteStream(t.Context(), "FIRST_ROSTER"))
			other := open(t, nc, eventlog.Options{Prefix: "first"})
			for range again {
				write(t, other)
			}
			select {
			case err := <-ended:
				require.ErrorIs(t, err, events.ErrWentBack)
			case <-time.After(30 * time.Second):
				require.Fail(t, "it is still followed", fmt.Sprint(f.AwaitHead(t, 0)))
			}
		})
	}
}

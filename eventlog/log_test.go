package eventlog_test

import (
	"context"
	"fmt"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"
	"github.com/synadia-io/orbit.go/jetstreamext"
	"golang.org/x/sync/errgroup"

	"github.com/rosterhq/roster/eventlog"
	"github.com/rosterhq/roster/eventlog/logtest"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/internal/natsserver"
	"github.com/rosterhq/roster/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

func open(tb testing.TB, nc *nats.Conn, o eventlog.Options) *eventlog.Log {
	tb.Helper()
	if o.MasterKey == nil {
		o.MasterKey = testenv.MasterKey()
	}
	ctx, cancel := context.WithTimeout(tb.Context(), 30*time.Second)
	defer cancel()
	l, err := eventlog.Open(ctx, nc, o)
	require.NoError(tb, err)
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		require.NoError(tb, l.Close(ctx))
	})
	return l
}

func TestConformanceOneServer(t *testing.T) {
	t.Parallel()
	nc := testenv.NATS(t)
	var n atomic.Int32
	logtest.Run(t, func(t *testing.T) logtest.Log {
		t.Helper()
		return open(t, nc, eventlog.Options{Prefix: fmt.Sprintf("one%d", n.Add(1))})
	})
}

// Each log of the suite talks to another server of the cluster.
func TestConformanceCluster(t *testing.T) {
	t.Parallel()
	nodes := testenv.NATSCluster(t)
	var n atomic.Int32
	logtest.Run(t, func(t *testing.T) logtest.Log {
		t.Helper()
		i := int(n.Add(1))
		return open(t, nodes[i%len(nodes)], eventlog.Options{Prefix: fmt.Sprintf("three%d", i), Replicas: 3})
	})
}

// TestCallsShareLargeBatches: where the server takes them, more messages than its
// default go at once, and each is stored once all the same.
func TestCallsShareLargeBatches(t *testing.T) {
	t.Parallel()
	const calls, each, shared = 6, 1000, 100
	l := open(t, testenv.NATS(t), eventlog.Options{Prefix: "large", BatchMessages: natsserver.BatchMessages})
	user := newBenchUser(t, l)
	var group errgroup.Group
	for call := range calls {
		drafts := make([]events.Draft, each)
		for i := range drafts {
			drafts[i] = benchActivity(user, fmt.Sprintf("%d-%d", call, i))
			if i < shared {
				drafts[i] = benchActivity(user, fmt.Sprintf("shared-%d", i))
			}
		}
		group.Go(func() error {
			_, err := l.Record(t.Context(), drafts)
			return err
		})
	}
	require.NoError(t, group.Wait())
	stored := map[string]int{}
	largest := 0
	require.NoError(t, l.Scan(t.Context(), events.Activity, 1, 0, func(e events.Stored) error {
		stored[e.Meta.ID]++
		for _, place := range e.Headers[jetstreamext.BatchSeqHeader] {
			n, err := strconv.Atoi(place)
			require.NoError(t, err)
			largest = max(largest, n)
		}
		return nil
	}))
	require.Len(t, stored, calls*(each-shared)+shared)
	require.Greater(t, largest, 1000)
}

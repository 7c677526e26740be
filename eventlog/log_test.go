package eventlog_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/eventlog"
	"github.com/rosterhq/roster/eventlog/logtest"
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

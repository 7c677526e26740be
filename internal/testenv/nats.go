package testenv

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/internal/natsserver"
)

// NATS returns a connection to an embedded server of its own, empty, with no
// listener. Both go when the test ends.
func NATS(t testing.TB) *nats.Conn {
	t.Helper()
	return connect(t, startNATS(t, natsserver.Options{Dir: t.TempDir()}))
}

// NATSCluster returns connections to three servers that form a cluster, with
// JetStream ready for three replicas.
func NATSCluster(t testing.TB) []*nats.Conn {
	t.Helper()
	dir, ports := t.TempDir(), freePorts(t, 3)
	servers := make([]*natsserver.Server, len(ports))
	for i, port := range ports {
		servers[i] = startNATS(t, natsserver.Options{
			Name: fmt.Sprintf("node-%d", i+1), Dir: filepath.Join(dir, fmt.Sprint(i+1)),
			Cluster: &natsserver.Cluster{Name: "test", Port: port, Routes: ports},
		})
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	require.NoError(t, natsserver.AwaitCluster(ctx, servers))
	conns := make([]*nats.Conn, len(servers))
	for i, s := range servers {
		conns[i] = connect(t, s)
	}
	return conns
}

func startNATS(t testing.TB, o natsserver.Options) *natsserver.Server {
	t.Helper()
	s, err := natsserver.Start(o)
	require.NoError(t, err)
	t.Cleanup(s.Stop)
	return s
}

func connect(t testing.TB, s *natsserver.Server) *nats.Conn {
	t.Helper()
	nc, err := s.Connect()
	require.NoError(t, err)
	closed := make(chan struct{})
	nc.SetClosedHandler(func(*nats.Conn) { close(closed) })
	t.Cleanup(func() {
		nc.Close()
		<-closed
	})
	return nc
}

// freePorts finds ports that nobody uses just now.
func freePorts(t testing.TB, n int) []int {
	t.Helper()
	ports := make([]int, n)
	for i := range ports {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer l.Close() //nolint:errcheck // held until all are found, so that they differ
		ports[i] = l.Addr().(*net.TCPAddr).Port
	}
	return ports
}

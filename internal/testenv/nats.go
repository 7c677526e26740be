package testenv

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/rosterhq/roster/internal/natsserver"
)

// NATS returns a connection to an embedded server of its own, empty, with no
// listener. Both go when the test ends.
func NATS(tb testing.TB) *nats.Conn {
	tb.Helper()
	return connect(tb, startNATS(tb, natsserver.Options{Dir: tb.TempDir()}))
}

// NATSCluster returns connections to three servers that form a cluster, with
// JetStream ready for three replicas.
func NATSCluster(tb testing.TB) []*nats.Conn {
	tb.Helper()
	servers := startCluster(tb)
	conns := make([]*nats.Conn, len(servers))
	for i, s := range servers {
		conns[i] = connect(tb, s)
	}
	return conns
}

// NATSClusterURL is the address of three servers as NATSCluster has them, for other
// processes.
func NATSClusterURL(tb testing.TB) string {
	tb.Helper()
	var urls []string
	for _, s := range startCluster(tb) {
		urls = append(urls, s.URL())
	}
	return strings.Join(urls, ",")
}

func startCluster(tb testing.TB) []*natsserver.Server {
	tb.Helper()
	dir, ports := tb.TempDir(), freePorts(tb, 3)
	servers := make([]*natsserver.Server, len(ports))
	for i, port := range ports {
		servers[i] = startNATS(tb, natsserver.Options{
			Name: fmt.Sprintf("node-%d", i+1), Dir: filepath.Join(dir, fmt.Sprint(i+1)),
			Cluster: &natsserver.Cluster{Name: "test", Port: port, Routes: ports},
		})
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	check(tb, natsserver.AwaitCluster(ctx, servers))
	return servers
}

func startNATS(tb testing.TB, o natsserver.Options) *natsserver.Server {
	tb.Helper()
	s, err := natsserver.Start(o)
	check(tb, err)
	tb.Cleanup(s.Stop)
	return s
}

func connect(tb testing.TB, s *natsserver.Server) *nats.Conn {
	tb.Helper()
	nc, err := s.Connect()
	check(tb, err)
	closed := make(chan struct{})
	nc.SetClosedHandler(func(*nats.Conn) { close(closed) })
	tb.Cleanup(func() {
		nc.Close()
		<-closed
	})
	return nc
}

// freePorts finds ports that nobody uses just now.
func freePorts(tb testing.TB, n int) []int {
	tb.Helper()
	ports := make([]int, n)
	var lc net.ListenConfig
	for i := range ports {
		l, err := lc.Listen(context.Background(), "tcp", "127.0.0.1:0")
		check(tb, err)
		defer l.Close() //nolint:errcheck // held until all are found, so that they differ
		addr, ok := l.Addr().(*net.TCPAddr)
		if !ok {
			tb.Fatalf("%s is no TCP address", l.Addr())
		}
		ports[i] = addr.Port
	}
	return ports
}

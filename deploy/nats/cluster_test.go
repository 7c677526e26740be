package roles_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
)

// TestServersFormAClusterBehindAPassword starts three servers of cluster.conf, and then
// tries to be a fourth.
func TestServersFormAClusterBehindAPassword(t *testing.T) {
	t.Parallel()
	dir, ports := t.TempDir(), freePorts(t, 3)
	brokers := make([]*broker, len(ports))
	for i, port := range ports {
		o := readConfig(t, "cluster.conf")
		o.ServerName, o.StoreDir = fmt.Sprintf("nats-%d", i+1), filepath.Join(dir, fmt.Sprint(i))
		o.Cluster.Host, o.Cluster.Port = "127.0.0.1", port
		require.NotEmpty(t, o.Routes)
		as := o.Routes[0].User
		o.Routes = nil
		for _, other := range ports {
			o.Routes = append(o.Routes, &url.URL{Scheme: "nats-route", User: as, Host: fmt.Sprintf("127.0.0.1:%d", other)})
		}
		brokers[i] = runBroker(t, o)
	}
	first := brokers[0].ns
	operator := brokers[0].connect(t, "operator")
	js, err := jetstream.New(operator.Conn)
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		made, err := js.CreateStream(ctx, jetstream.StreamConfig{Name: "ROSTER", Subjects: []string{"roster.>"}, Replicas: 3})
		if err != nil {
			return false
		}
		// A server that is stopped while it still makes its copy leaves goroutines behind.
		info, err := made.Info(ctx)
		return err == nil && held(info.Cluster, 3)
	}, 30*time.Second, 50*time.Millisecond, "three servers hold a stream")

	for _, connect := range []string{
		`{"name":"x","verbose":false,"pedantic":false}`, `{"name":"x","user":"route","pass":"wrong"}`,
		`{"name":"x","user":"operator","pass":"` + password("operator") + `"}`,
	} {
		require.Contains(t, strings.ToLower(joins(t, first.ClusterAddr().String(), connect)), "authorization", connect)
	}
}

// held says whether so many servers have a copy that is up to date.
func held(c *jetstream.ClusterInfo, servers int) bool {
	if c == nil || c.Leader == "" || len(c.Replicas) != servers-1 {
		return false
	}
	return !slices.ContainsFunc(c.Replicas, func(p *jetstream.PeerInfo) bool { return !p.Current || p.Offline })
}

// freePorts are ports that nobody listens on.
func freePorts(t *testing.T, n int) []int {
	t.Helper()
	ports := make([]int, n)
	for i := range ports {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer l.Close()
		ports[i] = l.Addr().(*net.TCPAddr).Port
	}
	return ports
}

// joins says what a server answers to a route.
func joins(t *testing.T, address, connect string) string {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, conn.SetDeadline(time.Now().Add(10*time.Second)))
	_, err = fmt.Fprintf(conn, "CONNECT %s\r\nPING\r\n", connect)
	require.NoError(t, err)
	lines := bufio.NewScanner(conn)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "-ERR") || lines.Text() == "PONG" {
			return lines.Text()
		}
	}
	return ""
}

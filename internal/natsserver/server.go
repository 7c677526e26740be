// Package natsserver runs a NATS server with JetStream inside this process.
//
// What is promised: with Sync true every acknowledged message is on disk
// (fsync) before its acknowledgement. Without it, an acknowledged message
// survives a killed process, and a power cut may take the last second. Nothing
// listens on the network unless Listen is set, and then only with generated
// credentials. No signal handlers are installed.
//
// What is not promised: protection from a second server on the same directory.
// nats-server takes no lock; whoever starts it must hold one.
package natsserver

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"go.uber.org/zap"
)

// Options say where and how the server runs.
type Options struct {
	Dir    string      // of the streams
	Sync   bool        // fsync before each acknowledgement; else every second
	Listen string      // loopback address such as 127.0.0.1:4222; "" for no listener
	Logger *zap.Logger // nil means silent

	// Name of the server; "" means roster. It must stay the same over restarts
	// and differ within a cluster.
	Name string
	// Cluster joins servers, for tests.
	Cluster *Cluster
}

// Cluster says how a server finds the others of its cluster.
type Cluster struct {
	Name   string
	Port   int   // own, on 127.0.0.1
	Routes []int // ports of all, on 127.0.0.1
}

// Server is a running embedded server.
type Server struct {
	ns       *server.Server
	user     string
	password string
	listens  bool
}

// errNotReady says that the server did not come up; the log says why.
var errNotReady = errors.New("the embedded NATS server did not get ready")

// BatchMessages is how many messages the server takes in an atomic batch. The store
// that a batch is staged in costs the same whatever its size, so larger ones than
// the default of 1,000 are cheaper.
const BatchMessages = 4000

// Start starts a server and returns when it accepts connections.
func Start(o Options) (*Server, error) {
	if o.Logger == nil {
		o.Logger = zap.NewNop()
	}
	opts, err := serverOptions(o)
	if err != nil {
		return nil, err
	}
	ns, err := server.NewServer(opts)
	if err != nil {
		return nil, fmt.Errorf("set up the embedded NATS server: %w", err)
	}
	last := &logger{log: o.Logger.Sugar()}
	ns.SetLoggerV2(last, false, false, false)
	go ns.Start()
	s := &Server{ns: ns, user: opts.Username, password: opts.Password, listens: !opts.DontListen}
	if !s.await(last) {
		s.Stop()
		return nil, fmt.Errorf("%w: %s", errNotReady, last.worst())
	}
	return s, nil
}

// await waits until the server is ready, or has said that it never will be.
func (s *Server) await(l *logger) bool {
	const step, limit = 50 * time.Millisecond, 10 * time.Second
	for range limit / step {
		if s.ns.ReadyForConnections(step) {
			return true
		}
		if l.hasFailed() {
			return false
		}
	}
	return false
}

func serverOptions(o Options) (*server.Options, error) {
	opts := &server.Options{
		ServerName: o.Name, StoreDir: o.Dir, JetStream: true, NoSigs: true,
		SyncAlways: o.Sync, SyncInterval: time.Second,
		DontListen: true,
		// Only streams on disk are used; without a bound the server reserves a
		// share of the machine's memory.
		JetStreamMaxMemory: 64 << 20,
		JetStreamLimits:    server.JSLimitOpts{MaxBatchInflightPerStream: 200, MaxBatchSize: BatchMessages},
	}
	if o.Name == "" {
		opts.ServerName = "roster"
	}
	if o.Listen != "" {
		host, port, err := loopback(o.Listen)
		if err != nil {
			return nil, err
		}
		opts.DontListen, opts.Host, opts.Port = false, host, port
		opts.Username, opts.Password = "roster", rand.Text()
	}
	if o.Cluster != nil {
		// A clustered server needs its client listener.
		opts.DontListen, opts.Host, opts.Port = false, "127.0.0.1", server.RANDOM_PORT
		opts.Cluster = server.ClusterOpts{Name: o.Cluster.Name, Host: "127.0.0.1", Port: o.Cluster.Port}
		for _, port := range o.Cluster.Routes {
			opts.Routes = append(opts.Routes, &url.URL{Scheme: "nats", Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(port))})
		}
	}
	return opts, nil
}

// loopback splits an address and refuses one that other machines could reach.
func loopback(addr string) (host string, port int, err error) {
	host, text, err := net.SplitHostPort(addr)
	if err != nil {
		return "", 0, fmt.Errorf("read listen address %q: %w", addr, err)
	}
	if host == "localhost" {
		host = "127.0.0.1"
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return "", 0, fmt.Errorf("listen address %q is not a loopback address", addr)
	}
	port, err = strconv.Atoi(text)
	if err != nil || port < 0 || port > 65535 {
		return "", 0, fmt.Errorf("listen address %q has no usable port", addr)
	}
	if port == 0 {
		port = server.RANDOM_PORT
	}
	return host, port, nil
}

// Connect returns a new connection that does not touch the network. The caller
// closes it before Stop.
func (s *Server) Connect() (*nats.Conn, error) {
	options := []nats.Option{nats.InProcessServer(s.ns), nats.MaxReconnects(-1), nats.Name("roster")}
	if s.user != "" {
		options = append(options, nats.UserInfo(s.user, s.password))
	}
	nc, err := nats.Connect("", options...)
	if err != nil {
		return nil, fmt.Errorf("connect to the embedded NATS server: %w", err)
	}
	return nc, nil
}

// URL is the address of the listener, with credentials where it wants any; ""
// without a listener.
func (s *Server) URL() string {
	if !s.listens {
		return ""
	}
	u := url.URL{Scheme: "nats", Host: s.ns.Addr().String()}
	if s.user != "" {
		u.User = url.UserPassword(s.user, s.password)
	}
	return u.String()
}

// AwaitCluster waits until servers form a cluster that can place replicas on
// all of them.
func AwaitCluster(ctx context.Context, servers []*Server) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !formed(servers) {
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for a cluster of %d: %w", len(servers), ctx.Err())
		case <-tick.C:
		}
	}
	return nil
}

// formed says whether the leader sees everybody and everybody follows it.
func formed(servers []*Server) bool {
	led := false
	for _, s := range servers {
		if !s.ns.JetStreamIsCurrent() {
			return false
		}
		// Only the leader knows the peers.
		led = led || len(s.ns.JetStreamClusterPeers()) == len(servers)
	}
	return led
}

// Stop ends the server and waits for it.
func (s *Server) Stop() {
	s.ns.Shutdown()
	s.ns.WaitForShutdown()
}

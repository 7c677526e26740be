package faults_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/rosterhq/roster/internal/postgres"
	"github.com/rosterhq/roster/internal/testenv"
)

// patience bounds what must come back once a fault is healed.
const patience = 90 * time.Second

var (
	rosterReady = regexp.MustCompile(`(?:ready after .*|"health":")http://(127\.0\.0\.1:\d+)`)
	natsReady   = regexp.MustCompile(`Listening for client connections on (\S+:\d+)`)
)

// stack is a whole installation, each part a process and a proxy between each pair.
type stack struct {
	t          *testing.T
	dir        string
	brokers    []*process // one, or a cluster
	postgres   *database
	apis       []*node
	projectors []*node

	direct   func() string // addresses of the brokers, past all proxies
	replicas int
	owner    string // a token of the first user
	probes   int    // writes that were asked for to be refused
}

// node is a process of Roster with its own ways to the others.
type node struct {
	*process
	nats, postgres *proxy // nats: nil where the node knows all brokers of a cluster
	edge           *proxy // by which clients reach it
}

// newDir is a directory that PostgreSQL's user can reach, too.
func newDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "roster-faults-")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o755))
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	return dir
}

// newStack is an installation with one broker.
func newStack(t *testing.T, dir string, apis, projectors int) *stack {
	t.Helper()
	s := &stack{t: t, dir: dir, postgres: newDatabase(t, filepath.Join(dir, "postgresql")), replicas: 1}
	broker := newNATS(t, dir, "nats", "127.0.0.1:-1", "")
	s.brokers = []*process{broker}
	s.add(apis, projectors, func(n *node) string {
		n.nats = newProxy(t, n.name+"-nats")
		return "nats://" + n.nats.host()
	})
	var listens atomic.Value
	broker.onReady = func(address string) {
		listens.Store(address)
		for _, n := range s.nodes() {
			n.nats.lead("tcp", address)
		}
	}
	s.direct = func() string { return "nats://" + listens.Load().(string) }
	return s
}

// newNATS makes a nats-server that has each message on disk before it answers.
func newNATS(t *testing.T, dir, name, listen, more string) *process {
	t.Helper()
	config := filepath.Join(dir, name+".conf")
	require.NoError(t, os.WriteFile(config, fmt.Appendf(nil, `
server_name: %s
listen: %q
jetstream {
  store_dir: %q, sync_interval: always, max_memory_store: 64MB, max_file_store: 8GB
  limits { batch { max_inflight_per_stream: 200 } }
}
%s`, name, listen, filepath.Join(dir, name), more), 0o600))
	return newProcess(t, name, dir, natsReady, func() *exec.Cmd { return exec.Command(program("nats-server"), "-c", config) })
}

// add adds Roster's processes; natsURL says how each reaches the brokers.
func (s *stack) add(apis, projectors int, natsURL func(*node) string) {
	broker := func(n *node) []string {
		return []string{"ROSTER_NATS_URL=" + natsURL(n), fmt.Sprintf("ROSTER_NATS_REPLICAS=%d", s.replicas)}
	}
	for i := range apis {
		n := s.newNode(fmt.Sprintf("api-%d", i+1))
		s.apis = append(s.apis, n)
		n.runs(s, "api", append(broker(n), "ROSTER_RATE_LIMITS=off", "ROSTER_PROJECTORS=off"))
	}
	for i := range projectors {
		n := s.newNode(fmt.Sprintf("projector-%d", i+1))
		s.projectors = append(s.projectors, n)
		n.runs(s, "projector", broker(n))
	}
}

func (s *stack) newNode(name string) *node {
	s.t.Helper()
	n := &node{process: &process{name: name}, postgres: newProxy(s.t, name+"-postgresql"), edge: newProxy(s.t, "client-"+name)}
	n.postgres.lead("unix", s.postgres.socket())
	return n
}

// runs says which program a node is, and with which settings beside those of all.
func (n *node) runs(s *stack, kind string, settings []string) {
	env := environment(append(settings,
		"ROSTER_HTTP_ADDR=127.0.0.1:0", "DATABASE_URL=postgres://roster@"+n.postgres.host()+"/roster?sslmode=disable",
		"ROSTER_MASTER_KEY="+hex.EncodeToString(testenv.MasterKey()),
	)...)
	n.process = newProcess(s.t, n.name, s.dir, rosterReady, func() *exec.Cmd {
		cmd := exec.Command(program(kind))
		cmd.Env = env
		return cmd
	})
	n.onReady = func(address string) { n.edge.lead("tcp", address) }
}

// environment is ours without settings of Roster's.
func environment(settings ...string) []string {
	var env []string
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "ROSTER_") && !strings.HasPrefix(kv, "DATABASE_URL=") {
			env = append(env, kv)
		}
	}
	return append(env, settings...)
}

func (s *stack) nodes() []*node { return append(append([]*node(nil), s.apis...), s.projectors...) }

func (s *stack) processes() []*process {
	out := append([]*process(nil), s.brokers...)
	for _, n := range s.nodes() {
		out = append(out, n.process)
	}
	return out
}

// start starts the servers, then all of Roster at once.
func (s *stack) start(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var brokers, all errgroup.Group
	for _, b := range s.brokers {
		brokers.Go(func() error { return b.start(ctx) })
	}
	if err := brokers.Wait(); err != nil {
		return err
	}
	for _, n := range s.nodes() {
		all.Go(func() error { return n.start(ctx) })
	}
	return all.Wait()
}

// recovered waits until every process says that it is ready.
func (s *stack) recovered(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for _, n := range s.nodes() {
		err := await(ctx, func() error {
			status, text, err := n.readiness()
			if err == nil && status != http.StatusOK {
				err = fmt.Errorf("/readyz: %d %s", status, text)
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("%s did not recover: %w", n.name, err)
		}
	}
	return nil
}

// readiness asks whether the process can serve, and if not, why.
func (n *node) readiness() (status int, text string, err error) {
	c := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := c.Get("http://" + n.edge.host() + "/readyz")
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	said, err := io.ReadAll(res.Body)
	return res.StatusCode, string(said), err
}

// await asks again until there is no error, or the context ends.
func await(ctx context.Context, f func() error) error {
	for {
		err := f()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w (last: %w)", ctx.Err(), err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// database is a PostgreSQL that is started again when it dies.
type database struct {
	server *postgres.Server
}

func newDatabase(t *testing.T, dir string) *database {
	t.Helper()
	server, err := postgres.Start(t.Context(), postgres.Options{Dir: dir, SharedBuffers: "64MB", MaxConnections: 150})
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		require.NoError(t, server.Stop(ctx))
	})
	require.NoError(t, server.CreateDatabase(t.Context(), "roster"))
	return &database{server: server}
}

func (d *database) dsn() string { return d.server.DSN("roster") }

// socket is where proxies reach it.
func (d *database) socket() string {
	dsn := d.dsn()
	_, query, _ := strings.Cut(dsn, "?")
	for _, kv := range strings.Split(query, "&") {
		if host, ok := strings.CutPrefix(kv, "host="); ok {
			return strings.ReplaceAll(host, "%2F", "/") + "/.s.PGSQL.5432"
		}
	}
	return dsn
}

package faults_test

import (
	"context"
	"encoding/hex"
	"fmt"
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
	natsReady   = regexp.MustCompile(`Listening for client connections on (127\.0\.0\.1:\d+)`)
)

// stack is a whole installation, each part a process and a proxy between each pair.
type stack struct {
	t          *testing.T
	dir        string
	nats       *process
	natsAt     atomic.Value // where it listens now
	postgres   *database
	apis       []*node
	projectors []*node
}

// node is a process of Roster with its own ways to the others.
type node struct {
	*process
	nats, postgres *proxy
	edge           *proxy // by which clients reach it
}

func newStack(t *testing.T, apis, projectors int) *stack {
	t.Helper()
	dir, err := os.MkdirTemp("", "roster-faults-")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o755)) // PostgreSQL runs as another user
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	s := &stack{t: t, dir: dir, postgres: newDatabase(t, filepath.Join(dir, "postgresql"))}
	s.nats = newNATS(t, dir, "nats", "")
	for i := range apis {
		s.apis = append(s.apis, s.newNode(fmt.Sprintf("api-%d", i+1), "api"))
	}
	for i := range projectors {
		s.projectors = append(s.projectors, s.newNode(fmt.Sprintf("projector-%d", i+1), "projector"))
	}
	s.nats.onReady = func(address string) {
		s.natsAt.Store(address)
		for _, n := range s.nodes() {
			n.nats.lead("tcp", address)
		}
	}
	return s
}

// newNATS makes a nats-server that has each message on disk before it answers.
func newNATS(t *testing.T, dir, name, more string) *process {
	t.Helper()
	config := filepath.Join(dir, name+".conf")
	require.NoError(t, os.WriteFile(config, fmt.Appendf(nil, `
server_name: %s
listen: "127.0.0.1:-1"
jetstream {
  store_dir: %q, sync_interval: always, max_memory_store: 64MB, max_file_store: 8GB
  limits { batch { max_inflight_per_stream: 200 } }
}
%s`, name, filepath.Join(dir, name), more), 0o600))
	return newProcess(t, name, dir, natsReady, func() *exec.Cmd { return exec.Command(program("nats-server"), "-c", config) })
}

func (s *stack) newNode(name, kind string) *node {
	s.t.Helper()
	n := &node{nats: newProxy(s.t, name+"-nats"), postgres: newProxy(s.t, name+"-postgresql"), edge: newProxy(s.t, "client-"+name)}
	n.postgres.lead("unix", s.postgres.socket())
	env := environment(
		"ROSTER_HTTP_ADDR=127.0.0.1:0", "ROSTER_NATS_URL=nats://"+n.nats.host(),
		"DATABASE_URL=postgres://roster@"+n.postgres.host()+"/roster?sslmode=disable",
		"ROSTER_MASTER_KEY="+hex.EncodeToString(testenv.MasterKey()),
	)
	if kind == "api" {
		env = append(env, "ROSTER_RATE_LIMITS=off", "ROSTER_PROJECTORS=off")
	}
	n.process = newProcess(s.t, name, s.dir, rosterReady, func() *exec.Cmd {
		cmd := exec.Command(program(kind))
		cmd.Env = env
		return cmd
	})
	n.onReady = func(address string) { n.edge.lead("tcp", address) }
	return n
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
	out := []*process{s.nats}
	for _, n := range s.nodes() {
		out = append(out, n.process)
	}
	return out
}

// natsURL is where the broker listens now, past all proxies.
func (s *stack) natsURL() string { return "nats://" + s.natsAt.Load().(string) }

// start starts the servers, then all of Roster at once.
func (s *stack) start(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := s.nats.start(ctx); err != nil {
		return err
	}
	var all errgroup.Group
	for _, n := range s.nodes() {
		all.Go(func() error { return n.start(ctx) })
	}
	return all.Wait()
}

// recovered waits until every process says that it is ready.
func (s *stack) recovered(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	c := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	for _, n := range s.nodes() {
		err := await(ctx, func() error {
			res, err := c.Get("http://" + n.edge.host() + "/readyz")
			if err != nil {
				return err
			}
			defer res.Body.Close()
			if res.StatusCode != http.StatusOK {
				return fmt.Errorf("/readyz: %s", res.Status)
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("%s did not recover: %w", n.name, err)
		}
	}
	return nil
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

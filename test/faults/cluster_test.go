package faults_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

// TestAClusterLosesNodes runs on three brokers with three replicas of everything,
// and takes one of them away, the leader, and two.
func TestAClusterLosesNodes(t *testing.T) {
	c := settingsOf(t).part(4)
	s := newClusterStack(t, newDir(t), localSeats(t))
	require.NoError(t, s.start(t.Context()))
	var faults []fault
	for _, b := range s.brokers {
		faults = append(faults, killing(b).named("one broker of three, kill -9"))
		faults = append(faults, pausing(b.name, c.longest, b.signal).named("one broker of three, pause"))
	}
	s.attack(c, append(faults, s.losingLeader(), s.losingTwo()))
}

// seat is where a broker of a cluster listens.
type seat struct {
	clients, brokers string // addresses
}

// localSeats are on this machine, where nobody listens just now.
func localSeats(t *testing.T) []seat {
	t.Helper()
	const nodes = 3
	ports := freePorts(t, 2*nodes)
	seats := make([]seat, nodes)
	for i := range seats {
		seats[i] = seat{clients: ports[i], brokers: ports[nodes+i]}
	}
	return seats
}

func newClusterStack(t *testing.T, dir string, seats []seat) *stack {
	t.Helper()
	s := &stack{t: t, dir: dir, postgres: newDatabase(t, filepath.Join(dir, "postgresql")), replicas: len(seats)}
	var urls, routes []string
	for _, at := range seats {
		urls = append(urls, "nats://"+at.clients)
		routes = append(routes, fmt.Sprintf("%q", "nats://"+at.brokers))
	}
	for i, at := range seats {
		s.brokers = append(s.brokers, newNATS(t, dir, fmt.Sprintf("nats-%d", i+1), at.clients,
			fmt.Sprintf("cluster { name: faults, listen: %q, routes: [%s] }", at.brokers, strings.Join(routes, ", "))))
	}
	s.direct = func() string { return strings.Join(urls, ",") }
	s.add(1, 2, func(*node) string { return s.direct() })
	return s
}

// freePorts are addresses that nobody uses just now: the brokers of a cluster must
// know each other's before they start.
func freePorts(t *testing.T, n int) []string {
	t.Helper()
	out := make([]string, n)
	for i := range out {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer l.Close() // held until all are found, so that they differ
		out[i] = l.Addr().String()
	}
	return out
}

func (f fault) named(kind string) fault {
	f.kind = kind
	return f
}

// losingLeader kills the broker that leads the stream of identities.
func (s *stack) losingLeader() fault {
	var leader *process
	return fault{
		kind: "leader of three brokers, kill -9", what: "the leader", hold: span{0, 3 * time.Second}, alone: true,
		inject: func(ctx context.Context) error {
			name, err := s.leader(ctx)
			if err != nil {
				return err
			}
			leader = s.brokers[slices.IndexFunc(s.brokers, func(b *process) bool { return b.name == name })]
			leader.kill()
			return nil
		},
		heal: func(ctx context.Context) error { return leader.start(ctx) },
	}
}

func (s *stack) leader(ctx context.Context) (string, error) {
	nc, err := nats.Connect(s.direct())
	if err != nil {
		return "", err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return "", err
	}
	var name string
	err = await(ctx, func() error {
		stream, err := js.Stream(ctx, "ROSTER")
		if err != nil {
			return err
		}
		if name = stream.CachedInfo().Cluster.Leader; name == "" {
			return errors.New("nobody leads")
		}
		return nil
	})
	return name, err
}

// losingTwo leaves no majority: writes must be refused, and in good time.
func (s *stack) losingTwo() fault {
	lost := s.brokers[1:]
	return fault{
		kind: "two brokers of three, kill -9", what: "the majority", hold: span{0, 2 * time.Second}, alone: true,
		inject: func(ctx context.Context) error {
			for _, b := range lost {
				b.kill()
			}
			return s.refusesWrites(ctx)
		},
		heal: func(ctx context.Context) error {
			var all errgroup.Group
			for _, b := range lost {
				all.Go(func() error { return b.start(ctx) })
			}
			return all.Wait()
		},
	}
}

// refusesWrites wants 503 to a write, before a client loses its patience. It is one
// that was never asked for: such a write may come to be when there is a majority again.
func (s *stack) refusesWrites(ctx context.Context) error {
	c := newClient(s.apis[0])
	defer c.http.CloseIdleConnections()
	s.probes++
	body := fmt.Sprintf(`{"username":"without-a-majority-%d"}`, s.probes)
	a, err := c.do(ctx, call{method: http.MethodPost, path: "/v1/users", token: s.owner, body: body})
	if err != nil {
		return fmt.Errorf("a write without a majority: %w", err)
	}
	if a.status != http.StatusServiceUnavailable {
		return fmt.Errorf("a write without a majority is answered with %d: %v", a.status, a.body)
	}
	return nil
}

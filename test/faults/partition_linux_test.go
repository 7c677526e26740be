package faults_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestAPartitionedCluster takes the network between three brokers apart, each in a
// network namespace of its own: some hear others no more, and do not know it.
func TestAPartitionedCluster(t *testing.T) {
	c := settingsOf(t).part(4)
	if !inOwnNetwork(t) {
		return
	}
	n := newNetwork(t, "nats-1", "nats-2", "nats-3")
	seats := make([]seat, len(n.hosts))
	for i, h := range n.hosts {
		seats[i] = seat{clients: h.address + ":4222", brokers: h.address + ":6222"}
	}
	s := newClusterStack(t, newDir(t), seats)
	for i, b := range s.brokers {
		b.command = n.hosts[i].inside(b.command)
	}
	require.NoError(t, s.start(t.Context()))
	s.attack(c, s.partitions(n, span{time.Second, c.longest}))
}

// pair are two hosts that do not hear each other.
type pair [2]*host

// partitions are the ways in which a network of three falls apart. Clients reach
// every broker but in the last.
func (s *stack) partitions(n *network, hold span) []fault {
	a, b, c := n.hosts[0], n.hosts[1], n.hosts[2]
	all := []pair{{a, b}, {b, c}, {a, c}}
	var leader []pair
	out := []fault{
		{
			kind: "partition, the leader apart", what: "the leader", hold: hold, alone: true,
			inject: func(ctx context.Context) error {
				name, err := s.leader(ctx)
				if err != nil {
					return err
				}
				leader = slices.DeleteFunc(slices.Clone(all), func(p pair) bool { return p[0].name != name && p[1].name != name })
				return n.partAll(ctx, leader)
			},
			heal: func(ctx context.Context) error { return n.joinAll(ctx, leader) },
		},
		{
			kind: "partition, each broker alone", what: "the majority", hold: hold, alone: true,
			inject: func(ctx context.Context) error {
				if err := n.partAll(ctx, all); err != nil {
					return err
				}
				return s.refusesWrites(ctx)
			},
			heal: func(ctx context.Context) error { return n.joinAll(ctx, all) },
		},
	}
	for _, p := range all {
		out = append(out, fault{
			kind: "partition, two brokers apart that the third one hears", what: p[0].name + " and " + p[1].name, hold: hold, alone: true,
			inject: func(ctx context.Context) error { return n.part(ctx, p[0], p[1]) },
			heal:   func(ctx context.Context) error { return n.join(ctx, p[0], p[1]) },
		})
	}
	for _, h := range n.hosts {
		out = append(out, fault{
			kind: "partition, a broker apart from all and from clients", what: h.name, hold: hold, alone: true,
			inject: func(ctx context.Context) error { return n.unplug(ctx, h) },
			heal:   func(ctx context.Context) error { return n.plug(ctx, h) },
		})
	}
	return out
}

func (n *network) partAll(ctx context.Context, pairs []pair) error {
	for _, p := range pairs {
		if err := n.part(ctx, p[0], p[1]); err != nil {
			return err
		}
	}
	return nil
}

func (n *network) joinAll(ctx context.Context, pairs []pair) error {
	for _, p := range pairs {
		if err := n.join(ctx, p[0], p[1]); err != nil {
			return err
		}
	}
	return nil
}

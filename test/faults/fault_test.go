package faults_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// fault is something that goes wrong, and is put right again.
type fault struct {
	kind   string // for the figures
	what   string // which part
	hold   span   // how long it lasts
	alone  bool   // it knows nothing of others
	inject func(context.Context) error
	heal   func(context.Context) error
}

// span is a range of time from which the seed chooses.
type span struct{ from, to time.Duration }

func (s span) choose(random *rand.Rand) time.Duration {
	return s.from + time.Duration(random.Int64N(int64(s.to-s.from)+1))
}

// faults are all that can happen to a stack; longest bounds pauses.
func (s *stack) faults(longest time.Duration) []fault {
	var out []fault
	for _, p := range s.processes() {
		out = append(out, killing(p), pausing(p.name, longest, func(sig syscall.Signal) error { return p.signal(sig) }))
	}
	out = append(out, s.postgres.killing(), s.postgres.restarting(),
		pausing("postgresql", longest, s.postgres.signal))
	for _, n := range s.nodes() {
		out = append(out, resetting(n.nats), slowing(n.nats), partitioning(n.nats, longest), muting(n.nats).named("lost acknowledgements of the broker"))
		out = append(out, resetting(n.postgres), slowing(n.postgres), partitioning(n.postgres, longest))
	}
	for _, n := range s.apis {
		out = append(out, resetting(n.edge), slowing(n.edge), muting(n.edge).named("lost answers to clients"))
	}
	return out
}

func killing(p *process) fault {
	return fault{
		kind: "kill -9", what: p.name, hold: span{0, time.Second},
		inject: func(context.Context) error { p.kill(); return nil },
		heal:   p.start,
	}
}

func pausing(name string, longest time.Duration, signal func(syscall.Signal) error) fault {
	return fault{
		kind: "pause", what: name, hold: span{time.Second, longest},
		inject: func(context.Context) error { return signal(syscall.SIGSTOP) },
		heal:   func(context.Context) error { return signal(syscall.SIGCONT) },
	}
}

func resetting(p *proxy) fault {
	return fault{
		kind: "reset of connections", what: p.name, hold: span{0, 100 * time.Millisecond},
		inject: func(context.Context) error { p.cut(); return nil },
		heal:   func(context.Context) error { return nil },
	}
}

func slowing(p *proxy) fault {
	return p.under("500 ms more each way", weather{delay: 500 * time.Millisecond}, span{2 * time.Second, 4 * time.Second})
}

// muting loses the answers, so that what was done is not known to be.
func muting(p *proxy) fault {
	return p.under("lost answers", weather{mute: true}, span{200 * time.Millisecond, 3 * time.Second})
}

func partitioning(p *proxy, longest time.Duration) fault {
	return p.under("partition", weather{}, span{time.Second, longest})
}

func (p *proxy) under(kind string, w weather, hold span) fault {
	return fault{
		kind: kind, what: p.name, hold: hold,
		inject: func(context.Context) error {
			now := w
			if now == (weather{}) {
				now.held = make(chan struct{})
			}
			p.weather.Store(&now)
			return nil
		},
		heal: func(context.Context) error { p.calm(); return nil },
	}
}

func (d *database) killing() fault {
	return fault{
		kind: "kill -9", what: "postgresql", hold: span{0, time.Second},
		inject: func(context.Context) error { return syscall.Kill(d.server.PID(), syscall.SIGKILL) },
		heal:   d.ready,
	}
}

// restarting is the fast shutdown, after which its supervisor starts it again.
func (d *database) restarting() fault {
	return fault{
		kind: "restart", what: "postgresql", hold: span{0, time.Second},
		inject: func(context.Context) error { return syscall.Kill(d.server.PID(), syscall.SIGINT) },
		heal:   d.ready,
	}
}

func (d *database) ready(ctx context.Context) error {
	return await(ctx, func() error {
		if d.server.PID() == 0 {
			return fmt.Errorf("PostgreSQL is not there")
		}
		return nil
	})
}

// signal sends to the server and all its children: a paused parent alone would
// leave the connections at work.
func (d *database) signal(sig syscall.Signal) error {
	parent := d.server.PID()
	if parent == 0 {
		return fmt.Errorf("PostgreSQL is not there")
	}
	if err := syscall.Kill(parent, sig); err != nil {
		return fmt.Errorf("signal PostgreSQL: %w", err)
	}
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return err
	}
	for _, stat := range stats {
		text, err := os.ReadFile(stat)
		if err != nil {
			continue // it ended
		}
		_, fields, _ := strings.Cut(string(text), ") ")
		if f := strings.Fields(fields); len(f) > 1 && f[1] == strconv.Itoa(parent) {
			if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(stat))); err == nil {
				_ = syscall.Kill(pid, sig)
			}
		}
	}
	return nil
}

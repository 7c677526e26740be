// Package crowd bounds what clients can ask at once, so that more of them than can
// be served cost neither memory nor the others' answers: requests that are worked
// at, requests that wait for a place, bytes of bodies in memory, connections.
//
// A request has a place while something is done for it. It has none while its
// client sends a body or takes a long answer, however slowly: who is slow keeps
// nobody else out.
package crowd

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/semaphore"
)

// Limits are the bounds; 0 means the usual one.
type Limits struct {
	Requests    int           // worked at, at a time
	Waiting     int           // for a place, at a time
	Patience    time.Duration // for a place
	Bodies      int64         // bytes of large bodies in memory, in all requests
	Connections int           // open, at a time
}

// The usual limits. A thousand requests keep two cores busy for half a second (2,456
// a second were measured); who waits for a second is still glad of the answer. 10,000
// clients of live streams have room beside everybody else.
const (
	DefaultRequests    = 1024
	DefaultConnections = 12288
	defaultPatience    = time.Second
	defaultBodies      = 128 << 20
)

func (l Limits) withDefaults() Limits {
	if l.Requests <= 0 {
		l.Requests = DefaultRequests
	}
	if l.Waiting <= 0 {
		l.Waiting = l.Requests
	}
	if l.Patience <= 0 {
		l.Patience = defaultPatience
	}
	if l.Bodies <= 0 {
		l.Bodies = defaultBodies
	}
	if l.Connections <= 0 {
		l.Connections = DefaultConnections
	}
	return l
}

// RetryAfter is how long who was refused should stay away.
const RetryAfter = time.Second

// ErrFull says that there is no room for a request now.
var ErrFull = errors.New("too many requests at once")

// Crowd counts who is there. It is safe for concurrent use.
type Crowd struct {
	limits      Limits
	clock       func() time.Time
	places      *semaphore.Weighted
	atWork      atomic.Int64
	waiting     atomic.Int64
	held        atomic.Int64 // bytes of bodies
	refused     atomic.Uint64
	refusedAt   atomic.Int64 // Unix nanoseconds of the last refusal
	connections connections
}

// New makes a crowd of nobody. Without a clock it has the system's.
func New(l Limits, clock func() time.Time) *Crowd {
	l = l.withDefaults()
	if clock == nil {
		clock = time.Now
	}
	c := &Crowd{limits: l, clock: clock, places: semaphore.NewWeighted(int64(l.Requests))}
	c.connections.limit = l.Connections
	return c
}

// wait takes a place, or waits for one where there is room to wait.
func (c *Crowd) wait(ctx context.Context) error {
	if c.places.TryAcquire(1) {
		return nil
	}
	if c.waiting.Add(1) > int64(c.limits.Waiting) {
		c.waiting.Add(-1)
		return c.refuse()
	}
	defer c.waiting.Add(-1)
	ctx, cancel := context.WithTimeout(ctx, c.limits.Patience)
	defer cancel()
	if c.places.Acquire(ctx, 1) != nil {
		return c.refuse()
	}
	return nil
}

func (c *Crowd) refuse() error {
	c.refused.Add(1)
	c.refusedAt.Store(c.clock().UnixNano())
	return ErrFull
}

// busyFor is how long a refusal is worth telling.
const busyFor = 5 * time.Second

// Busy says for people why requests are refused, "" when none was in the last five
// seconds.
func (c *Crowd) Busy() string {
	last := c.refusedAt.Load()
	if last == 0 || c.clock().Sub(time.Unix(0, last)) > busyFor {
		return ""
	}
	return fmt.Sprintf("more requests come than can be served, and the excess is refused: %d of %d are worked at, %d of %d wait",
		c.atWork.Load(), c.limits.Requests, c.waiting.Load(), c.limits.Waiting)
}

// Register shows the counts as metrics.
func (c *Crowd) Register(r prometheus.Registerer) error {
	gauge := func(name, help string, count func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, count)
	}
	counter := func(name, help string, count func() float64) prometheus.Collector {
		return prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, count)
	}
	for _, m := range []prometheus.Collector{
		gauge("roster_http_requests_at_work", "Requests that have a place: something is done for them.", func() float64 { return float64(c.atWork.Load()) }),
		gauge("roster_http_requests_waiting", "Requests that wait for a place.", func() float64 { return float64(c.waiting.Load()) }),
		gauge("roster_http_bodies_held_bytes", "Bytes of large bodies in memory.", func() float64 { return float64(c.held.Load()) }),
		gauge("roster_http_connections", "Connections that are open.", func() float64 { return float64(c.connections.count()) }),
		counter("roster_http_requests_refused_total", "Requests refused for want of room.", func() float64 { return float64(c.refused.Load()) }),
		counter("roster_http_connections_cut_total", "Connections closed to make room for others.", func() float64 { return float64(c.connections.cut.Load()) }),
	} {
		if err := r.Register(m); err != nil {
			return fmt.Errorf("register metrics of the crowd: %w", err)
		}
	}
	return nil
}

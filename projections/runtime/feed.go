package runtime

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/rosterhq/roster/events"
)

// Live is a reader of the log that the process has anyway. Workers that are at the
// end of the log read what it delivers, instead of each for itself.
type Live interface {
	// SubscribeWhole calls f with each message of a stream from now on, events or
	// not, in order, until it is unsubscribed; f must not block. Messages behind the
	// sequence that Current gives afterwards are all delivered.
	SubscribeWhole(s events.Stream, f func(events.Stored)) (unsubscribe func())
	// Current returns up to where a stream was delivered. It is ok while the log
	// proves that this is its end, or was a moment ago.
	Current(s events.Stream) (sequence uint64, ok bool)
}

const (
	feedMessages = 8192    // that a feed keeps for the slowest of its readers
	feedBytes    = 8 << 20 // of their bodies
	feedLate     = 256     // that it keeps for whoever is about to join
)

// errOverrun says that a reader of a feed was too slow for what the feed keeps.
var errOverrun = errors.New("too slow for the live feed")

// feed is the end of a stream as this process reads it live, once for all workers:
// a message is delivered, parsed and opened one time, however many models it
// concerns. It never waits for a worker: one that is too slow reads for itself.
type feed struct {
	live      Live
	stream    events.Stream
	catalogue *events.Catalogue

	mu     sync.Mutex
	held   []*inbound // in order
	first  uint64     // number of the first of them since the feed began
	behind uint64     // all messages behind this sequence, up to the newest, are held
	bytes  int
	seats  map[*seat]struct{}
}

func newFeed(live Live, stream events.Stream, catalogue *events.Catalogue) *feed {
	return &feed{live: live, stream: stream, catalogue: catalogue, seats: map[*seat]struct{}{}, behind: ^uint64(0)}
}

// start begins to take what comes.
func (f *feed) start() (stop func()) {
	stop = f.live.SubscribeWhole(f.stream, f.add)
	sequence, _ := f.live.Current(f.stream)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.behind == ^uint64(0) { // else something was dropped already
		f.behind = sequence
	}
	return stop
}

// add takes one message. It is called in order, by one goroutine at a time.
func (f *feed) add(e events.Stored) {
	m := arrive(f.catalogue, e.Subject, e.Headers, e.Data, e.Sequence)
	if e.Meta.ID != "" {
		m.meta, m.read = e.Meta, true
	}
	if m.typ != "" {
		m.readMeta() // before it is shared
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.held = append(f.held, m)
	f.bytes += len(m.data)
	if len(f.held) >= 2*feedLate || f.bytes > feedBytes {
		f.forget()
	}
	for s := range f.seats {
		select {
		case s.wake <- struct{}{}:
		default:
		}
	}
}

// forget drops what every reader has, and what is too much. The lock is held.
func (f *feed) forget() {
	end := f.first + uint64(len(f.held))
	keep := end - min(feedLate, uint64(len(f.held)))
	for s := range f.seats {
		keep = min(keep, max(s.next, f.first))
	}
	keep = max(keep, end-min(feedMessages, uint64(len(f.held))))
	drop := int(keep - f.first)
	for i, m := range f.held {
		if i >= drop && f.bytes <= feedBytes {
			break
		}
		f.bytes -= len(m.data)
		f.behind = m.sequence
		drop = max(drop, i+1)
	}
	clear(f.held[:drop])
	f.held = f.held[drop:]
	f.first += uint64(drop)
}

// join gives a place to a reader that has everything up to a sequence; nil when
// the feed can not go on from there.
func (f *feed) join(after uint64) *seat {
	if _, ok := f.live.Current(f.stream); !ok {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if after < f.behind {
		return nil
	}
	at, _ := slices.BinarySearchFunc(f.held, after+1, func(m *inbound, sequence uint64) int {
		switch {
		case m.sequence < sequence:
			return -1
		case m.sequence > sequence:
			return 1
		}
		return 0
	})
	s := &seat{feed: f, next: f.first + uint64(at), after: after, wake: make(chan struct{}, 1)}
	f.seats[s] = struct{}{}
	return s
}

// seat is the place of one reader in a feed.
type seat struct {
	feed  *feed
	next  uint64 // number of the next message; guarded by the feed
	after uint64 // sequence of the last message the reader has
	wake  chan struct{}
	ready []*inbound // taken, and not read yet
}

func (s *seat) leave() {
	s.feed.mu.Lock()
	defer s.feed.mu.Unlock()
	delete(s.feed.seats, s)
}

// take returns the next message; nil when there is none, nats.ErrTimeout when none
// came for so long.
func (s *seat) take(ctx context.Context, wait time.Duration) (*inbound, error) {
	var timer *time.Timer
	for {
		m, err := s.pop()
		if m != nil || err != nil {
			return m, err
		}
		if timer == nil {
			timer = time.NewTimer(wait)
			defer timer.Stop()
		}
		select {
		case <-s.wake:
		case <-timer.C:
			return nil, nats.ErrTimeout
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// pop returns a message that is there, or nil.
func (s *seat) pop() (*inbound, error) {
	for {
		if len(s.ready) == 0 {
			if err := s.refill(); err != nil || len(s.ready) == 0 {
				return nil, err
			}
		}
		m := s.ready[0]
		s.ready[0] = nil
		s.ready = s.ready[1:]
		if m.sequence > s.after { // what was read elsewhere may come late
			s.after = m.sequence
			return m, nil
		}
	}
}

func (s *seat) refill() error {
	s.feed.mu.Lock()
	defer s.feed.mu.Unlock()
	if s.next < s.feed.first {
		return errOverrun
	}
	fresh := s.feed.held[s.next-s.feed.first:]
	s.ready = append(s.ready[:0:cap(s.ready)], fresh...)
	s.next += uint64(len(fresh))
	return nil
}

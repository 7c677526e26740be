package live

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/rosterhq/roster/events"
)

// Hub gives what happens to the streams that want it. It reads the log through
// one subscription, from the first stream on.
type Hub struct {
	config Config
	inbox  inbox
	meter  *meter

	begun   sync.Once
	stop    context.CancelFunc
	running sync.WaitGroup // its own goroutines
	open    sync.WaitGroup // streams

	mu       sync.Mutex
	closed   bool
	streams  set
	byCaller map[string]set
	byUser   map[string]set // joined streams, by whose activities they want
	everyone set            // joined streams that want everybody's
	recent   recent
}

type set map[*Stream]struct{}

// New makes a hub. It does nothing before the first stream.
func New(c Config) (*Hub, error) {
	h := &Hub{
		config: c.withDefaults(), stop: func() {},
		streams: set{}, byCaller: map[string]set{}, byUser: map[string]set{}, everyone: set{},
	}
	h.inbox.signal = make(chan struct{}, 1)
	var err error
	h.meter, err = newMeter(c.Registry, h.count)
	return h, err
}

// Open begins a stream. Exactly one of its Run and Leave must follow.
func (h *Hub) Open(r Request) (*Stream, error) {
	h.begun.Do(h.start)
	s := &Stream{hub: h, request: r, expires: r.Expires}
	s.nextBeat = time.Now().Add(rand.N(h.config.Heartbeat) + 1) // spread: ten thousand beats at once are heard
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, ErrClosed
	}
	if !h.config.Room.enter() {
		return nil, ErrFull
	}
	h.open.Add(1)
	h.streams[s] = struct{}{}
	put(h.byCaller, r.Caller, s)
	return s, nil
}

// forget takes a stream that ended out of everything.
func (h *Hub) forget(s *Stream, e *ending) {
	h.mu.Lock()
	_, known := h.streams[s]
	delete(h.streams, s)
	drop(h.byCaller, s.request.Caller, s)
	delete(h.everyone, s)
	for _, user := range s.request.Filter.Users {
		drop(h.byUser, user, s)
	}
	h.mu.Unlock()
	if known {
		h.config.Room.leave()
		h.meter.ended(e)
		h.open.Done()
	}
}

func put(index map[string]set, key string, s *Stream) {
	if index[key] == nil {
		index[key] = set{}
	}
	index[key][s] = struct{}{}
}

func drop(index map[string]set, key string, s *Stream) {
	delete(index[key], s)
	if len(index[key]) == 0 {
		delete(index, key)
	}
}

func (h *Hub) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.streams)
}

// start begins to listen. Whatever lies behind what the source has delivered
// after this comes in; the rest is in the read model, or will be.
func (h *Hub) start() {
	ctx, stop := context.WithCancel(context.Background())
	source := h.config.Source
	quiet := []func(){source.Subscribe(events.Roster, h.inbox.add), source.Subscribe(events.Activity, h.inbox.add)}
	seen, _ := source.Current(events.Activity)
	h.mu.Lock()
	h.recent.begin(seen)
	h.stop = func() {
		for _, unsubscribe := range quiet {
			unsubscribe()
		}
		stop()
	}
	h.mu.Unlock()
	h.running.Go(func() { h.deliver(ctx) })
	h.running.Go(func() { h.tend(ctx) })
	h.running.Go(func() { h.guard(ctx) })
}

// Close ends all streams with the word that the process ends, waits until they
// have said so or ctx ends, and stops.
func (h *Hub) Close(ctx context.Context) error {
	h.begun.Do(func() {}) // a hub without streams never starts
	h.mu.Lock()
	h.closed = true
	for s := range h.streams {
		s.end(endShutdown)
	}
	h.mu.Unlock()
	told := make(chan struct{})
	go func() {
		h.open.Wait()
		close(told)
	}()
	var err error
	select {
	case <-told:
	case <-ctx.Done():
		err = ctx.Err()
		h.each(func(s *Stream) { s.end(endGone) })
		<-told // broken off, so this is soon
	}
	h.mu.Lock()
	stop := h.stop
	h.mu.Unlock()
	stop()
	h.running.Wait()
	return err
}

// each calls f with every stream.
func (h *Hub) each(f func(*Stream)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for s := range h.streams {
		f(s)
	}
}

// tickEvery is how often streams are looked after.
const tickEvery = 250 * time.Millisecond

// tend lets streams beat.
func (h *Hub) tend(ctx context.Context) {
	ticker := time.NewTicker(min(tickEvery, max(h.config.Heartbeat/4, time.Millisecond)))
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			h.each(func(s *Stream) { s.tick(now) })
		}
	}
}

// deliver hands out what the log says, in order.
func (h *Hub) deliver(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-h.inbox.signal:
		}
		batch, lost := h.inbox.take()
		if lost {
			h.skipped(batch)
			continue
		}
		for i := range batch {
			if batch[i].Stream == events.Activity {
				h.activity(ctx, batch[i])
			} else {
				h.identity(ctx, batch[i])
			}
		}
	}
}

// skipped gives up what could not be kept up with: every client comes back and
// reads it from the model. Nobody stays who may have been revoked meanwhile.
func (h *Hub) skipped(batch []events.Stored) {
	h.config.Logger.Warn("live streams are behind and begin anew", zap.Int("events", len(batch)))
	h.mu.Lock()
	defer h.mu.Unlock()
	for s := range h.streams {
		s.end(endOverflow)
	}
	seen, _ := h.config.Source.Current(events.Activity)
	h.recent.begin(seen)
}

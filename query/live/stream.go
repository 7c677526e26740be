package live

import (
	"context"
	"sync"
	"time"
)

// Sink takes what a stream writes. Write gets whole events, and has them on
// their way when it returns, within WriteLimit. Abort, from another goroutine,
// breaks a Write off. Close comes last, once.
type Sink interface {
	Write(p []byte) error
	Abort()
	Close()
}

// Stream is one client's. Its life:
//
//	Open -> Run (history, then live) -> Flush whenever woken -> ended
//
// One goroutine writes at a time: whoever made busy true. An idle stream needs
// none.
type Stream struct {
	hub     *Hub
	request Request // May changes under mu

	mu       sync.Mutex
	sink     Sink
	wake     func() // asks for a Flush; nil before Run
	cancel   context.CancelFunc
	pending  ring
	after    uint64 // what is live and not behind this was sent already
	nextBeat time.Time
	expires  time.Time
	busy     bool
	beat     bool
	finished bool
	ending   *ending
}

// Run sends the past, joins what is live, and sends what waits. After it, wake is
// called whenever Flush has something to do, the end included, and at most once
// before that Flush. It returns true when the stream has ended already.
func (s *Stream) Run(ctx context.Context, sink Sink, wake func()) bool {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s.mu.Lock()
	s.sink, s.wake, s.cancel, s.busy = sink, wake, cancel, true
	ended, gone := s.ending != nil, s.finished
	if ended && !gone {
		s.hurry(s.ending.patience)
	}
	s.mu.Unlock()
	if gone {
		sink.Close()
		return true
	}
	if !ended {
		s.replay(ctx)
	}
	s.mu.Lock()
	s.cancel, s.request.After = nil, "" // idle streams hold no more than they must
	s.mu.Unlock()
	return s.Flush()
}

// Leave ends a stream whose client has gone, or that never ran.
func (s *Stream) Leave() { s.end(endGone) }

// Flush sends what waits. It returns true when the stream has ended.
func (s *Stream) Flush() bool {
	buf := buffers.Get().(*[]byte) //nolint:forcetypeassert // the pool holds nothing else
	defer release(buf)
	var batch [16]*frame
	for {
		out, last, more := s.next(batch[:], (*buf)[:0])
		*buf = out
		if !more {
			return last != nil
		}
		if len(out) > 0 && s.sink.Write(out) != nil {
			last = endGone
		}
		if last != nil {
			s.finish(last)
			return true
		}
	}
}

// next takes what is to be written now. last is set when it is the end; more is
// false when there was nothing, and the writer is free.
func (s *Stream) next(batch []*frame, out []byte) (_ []byte, last *ending, more bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.finished {
		s.busy = false
		return out, endGone, false
	}
	lines := s.request.Lines
	for _, f := range s.pending.take(batch) {
		out = append(out, f.bytes(lines)...)
	}
	if s.beat {
		out, s.beat = append(out, beatBytes(lines)...), false
	}
	switch {
	case s.ending != nil && s.pending.n == 0:
		if e := s.ending; e.event != "" {
			out = append(out, wordBytes(lines, e.event, e.reason, e.message)...)
		}
		return out, s.ending, true
	case len(out) == 0:
		s.busy = false
		return out, nil, false
	}
	return out, nil, true
}

// offer gives a live activity to the stream.
func (s *Stream) offer(f *frame) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offerLocked(f)
}

func (s *Stream) offerLocked(f *frame) {
	if s.ending != nil || f.sequence <= s.after || !s.request.Filter.wants(f) || !s.request.May(f.user) {
		return
	}
	if !s.pending.push(f, s.hub.config.Buffer) {
		s.endLocked(endOverflow)
		return
	}
	s.after = f.sequence
	s.notify()
}

// tick lets a stream beat.
func (s *Stream) tick(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Before(s.nextBeat) || s.ending != nil {
		return
	}
	s.nextBeat = now.Add(s.hub.config.Heartbeat)
	s.beat = true
	s.notify()
}

func (s *Stream) end(e *ending) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endLocked(e)
}

func (s *Stream) endLocked(e *ending) {
	if s.finished || s.ending != nil && (s.ending == e || e.keep) { // a harder end replaces a softer one
		return
	}
	s.ending = e
	if !e.keep {
		s.pending.clear()
		s.beat = false
	}
	if s.cancel != nil {
		s.cancel()
	}
	if s.wake == nil {
		if e == endGone { // it never ran, and will not
			s.finished = true
			go s.hub.forget(s, e)
		}
		return
	}
	s.notify()
	s.hurry(e.patience)
}

// hurry breaks off a write that takes too long.
func (s *Stream) hurry(patience time.Duration) {
	if patience == 0 {
		s.sink.Abort()
		return
	}
	time.AfterFunc(patience, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if !s.finished {
			s.sink.Abort()
		}
	})
}

// notify makes somebody the writer, if nobody is.
func (s *Stream) notify() {
	if s.busy || s.wake == nil || s.finished {
		return
	}
	s.busy = true
	s.wake()
}

func (s *Stream) finish(e *ending) {
	s.mu.Lock()
	if s.finished {
		s.mu.Unlock()
		return
	}
	s.finished = true
	s.pending.clear()
	s.mu.Unlock()
	s.sink.Close()
	s.hub.forget(s, e)
}

const keptBuffer = 64 << 10

var buffers = sync.Pool{New: func() any { return new([]byte) }} //nolint:gochecknoglobals // a pool is global by nature

func release(buf *[]byte) {
	if cap(*buf) <= keptBuffer {
		buffers.Put(buf)
	}
}

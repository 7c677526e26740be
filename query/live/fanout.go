package live

import (
	"context"

	"github.com/rosterhq/roster/events"
)

// activity gives an activity to the streams that want it. Who joins afterwards
// finds it in recent.
func (h *Hub) activity(ctx context.Context, e events.Stored) {
	a := newActivity(e)
	for !h.handOut(a) {
		h.prepare(ctx, a) // without the lock: it may have to ask for a data key
		if ctx.Err() != nil {
			return
		}
	}
}

// handOut returns false when somebody wants an activity that is not opened yet.
func (h *Hub) handOut(a *activity) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if a.sequence <= h.recent.seen {
		return true
	}
	f, ready := a.ready()
	wanted := h.byUser[a.user]
	if !ready && len(wanted)+len(h.everyone) > 0 {
		return false
	}
	h.recent.add(a)
	if f == nil {
		return true
	}
	for s := range wanted {
		s.offer(f)
	}
	for s := range h.everyone {
		s.offer(f)
	}
	return true
}

// join makes a stream live that was sent everything up to after, if what has
// happened since is at hand. Else need is up to where it must read first.
func (h *Hub) join(ctx context.Context, s *Stream, after uint64) (joined bool, need uint64) {
	for ctx.Err() == nil {
		closed, need, ok := h.tryJoin(s, after)
		if ok {
			return true, 0
		}
		if len(closed) == 0 {
			return false, need
		}
		for _, a := range closed {
			h.prepare(ctx, a)
		}
	}
	return false, 0
}

// tryJoin returns the activities that must be opened first.
func (h *Hub) tryJoin(s *Stream, after uint64) (closed []*activity, need uint64, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if after < h.recent.floor {
		return nil, h.recent.seen, false
	}
	filter := &s.request.Filter
	var missed []*frame
	h.recent.behind(after, func(a *activity) {
		if !filter.wantsUser(a.user) {
			return
		}
		f, ready := a.ready()
		switch {
		case !ready:
			closed = append(closed, a)
		case f != nil && filter.wants(f):
			missed = append(missed, f)
		}
	})
	if len(closed) > 0 {
		return closed, 0, false
	}
	if len(missed) > h.config.Buffer/2 { // room must be left for what comes
		return nil, h.recent.seen, false
	}
	if _, known := h.streams[s]; !known {
		return nil, 0, true
	}
	s.join(after, missed)
	h.index(s)
	return nil, 0, true
}

func (h *Hub) index(s *Stream) {
	if s.request.Filter.Users == nil {
		h.everyone[s] = struct{}{}
	}
	for _, user := range s.request.Filter.Users {
		put(h.byUser, user, s)
	}
}

func (s *Stream) join(after uint64, missed []*frame) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.after = after
	for _, f := range missed {
		s.offerLocked(f)
	}
}

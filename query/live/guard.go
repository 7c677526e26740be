package live

import (
	"context"
	"time"

	"github.com/rosterhq/roster/events"
)

const guardEvery = 400 * time.Millisecond

// guard looks credentials up in the read model: those that should have expired,
// for a session that is used lives longer, and all while the log can not be heard.
func (h *Hub) guard(ctx context.Context) {
	ticker := time.NewTicker(guardEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		_, heard := h.config.Source.Current(events.Roster)
		now := h.config.Clock()
		h.check(ctx, now, func(s *Stream) bool { return !heard || s.expired(now) })
	}
}

// check asks once for each credential of the streams in doubt.
func (h *Hub) check(ctx context.Context, now time.Time, doubtful func(*Stream) bool) {
	byKey := map[[2]string][]*Stream{}
	h.each(func(s *Stream) {
		if doubtful(s) {
			key := [2]string{s.request.Key, s.request.CheckedAs}
			byKey[key] = append(byKey[key], s)
		}
	})
	for _, streams := range byKey {
		standing, err := streams[0].request.Check(ctx)
		if ctx.Err() != nil {
			return
		}
		for _, s := range streams {
			if reason := s.judge(standing, err, now); reason != "" {
				s.end(revoked(reason))
			}
		}
	}
}

// judge returns why a stream must end. What can not be looked up lives until it
// expires.
func (s *Stream) judge(standing Standing, err error, now time.Time) (reason string) {
	if err == nil {
		if standing.Reason != "" {
			return standing.Reason
		}
		s.mu.Lock()
		s.expires = standing.Expires
		s.mu.Unlock()
		if reason := s.gain(standing.May); reason != "" {
			return reason
		}
	}
	if s.expired(now) {
		return Expired
	}
	return ""
}

func (s *Stream) expired(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.expires.IsZero() && !now.Before(s.expires)
}

package commands

import (
	"context"

	"github.com/rosterhq/roster/events"
)

// Usage returns the newest usage of a session or key that was kept, or a zero
// one. It is no fact: nothing is decided on it.
func (s *Service) Usage(ctx context.Context, keyID string) (events.Usage, error) {
	u, err := s.log.Usage(ctx, keyID)
	return u, refusal(err)
}

// KeepUsage keeps the newest usage of a session or key, without waiting.
func (s *Service) KeepUsage(u events.Usage) error { return refusal(s.log.KeepUsage(u)) }

package live

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"go.uber.org/zap"

	"github.com/rosterhq/roster/events"
)

// identity ends the streams whose credential or right a fact about their caller
// took away.
func (h *Hub) identity(ctx context.Context, e events.Stored) {
	user := e.Meta.Aggregate.ID
	if e.Meta.Aggregate.Kind != events.User || !h.calls(user) {
		return
	}
	recorded, err := h.openEvent(ctx, e)
	if ctx.Err() != nil {
		return
	}
	if err != nil { // a fact that this release can not read may be a revocation
		h.config.Logger.Warn("streams end: a fact about their caller can not be read", zap.Error(err))
		h.revoke(user, func(*Stream) string { return SessionEnded })
		return
	}
	if verdict := verdictOf(recorded.Payload); verdict != nil {
		h.revoke(user, verdict)
	}
}

func (h *Hub) calls(user string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.byCaller[user]) > 0
}

// revoke ends a caller's streams for which verdict gives a reason.
func (h *Hub) revoke(caller string, verdict func(*Stream) string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for s := range h.byCaller[caller] {
		if reason := verdict(s); reason != "" {
			s.end(revoked(reason))
		}
	}
}

// verdictOf says what a fact means for its user's streams; nil for nothing.
func verdictOf(p events.Payload) func(*Stream) string {
	all := func(reason string) func(*Stream) string { return func(*Stream) string { return reason } }
	ofKey := func(key, reason string) func(*Stream) string {
		return func(s *Stream) string {
			if s.request.Key == key {
				return reason
			}
			return ""
		}
	}
	switch p := p.(type) {
	case *events.UserSessionClosed:
		return ofKey(p.KeyID, SessionEnded)
	case *events.UserKeyDeleted:
		return ofKey(p.KeyID, KeyRevoked)
	case *events.UserKeyRegenerated:
		return ofKey(p.KeyID, KeyRevoked)
	case *events.UserKeyExpired:
		return ofKey(p.KeyID, Expired)
	case *events.UserCredentialsSwept:
		return func(s *Stream) string {
			if slices.Contains(p.KeyIDs, s.request.Key) {
				return Expired
			}
			return ""
		}
	case *events.UserReadableKeySet:
		newest := ReadableKeyID(p.Private.Key)
		return func(s *Stream) string {
			if strings.HasPrefix(s.request.Key, readablePrefix) && s.request.Key != newest {
				return KeyRevoked
			}
			return ""
		}
	case *events.UserPasswordSet:
		if p.Revoked {
			return all(SessionEnded)
		}
	case *events.UserSuspended:
		return all(Suspended)
	case *events.UserDeleted:
		return all(Deleted)
	case *events.UserRolesAssigned:
		return func(s *Stream) string { return s.gain(s.request.Rights(p.Roles)) }
	}
	return nil
}

// gain gives a stream other rights. It is Forbidden when they do not allow it.
func (s *Stream) gain(may func(userID string) bool) (reason string) {
	if !s.request.Filter.allowed(may) {
		return Forbidden
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.request.May = may
	return ""
}

// readablePrefix is in no id of a session or key.
const readablePrefix = "readable "

// ReadableKeyID stands for a key that can be read again where other credentials have
// their id: a user has one such key, which has none.
func ReadableKeyID(key string) string {
	sum := sha256.Sum256([]byte(key))
	return readablePrefix + hex.EncodeToString(sum[:])
}

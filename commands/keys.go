package commands

import (
	"context"
	"fmt"
	"time"

	"github.com/rosterhq/roster/events"
)

// CreateKey makes an API key.
func (s *Service) CreateKey(ctx context.Context, r Request, c CreateKey) (Result, error) {
	var p problems
	p.text("name", c.Name, maxKeyName)
	scopes, unknown := normaliseScopes(c.Scopes)
	if unknown != "" {
		p.add("scopes", "unknown", "there is no such scope: "+printable(unknown))
	}
	lifetime := p.lifetime(c.Lifetime, DefaultKeyLifetime, MaxKeyLifetime)
	id, token, hash := newToken()
	return s.withToken(token)(s.checked(ctx, r, c.UserID,
		createKey{id: id, secretHash: hash, name: c.Name, scopes: scopes, lifetime: lifetime}, &p))
}

// RegenerateKey gives a key a new secret and a new lifetime.
func (s *Service) RegenerateKey(ctx context.Context, r Request, userID, keyID string, lifetime time.Duration) (Result, error) {
	var p problems
	lifetime = p.lifetime(lifetime, DefaultKeyLifetime, MaxKeyLifetime)
	secret := randomText(secretLength, alphanumeric)
	return s.withToken(keyID + "-" + secret)(s.checked(ctx, r, userID,
		regenerateKey{id: keyID, secretHash: HashSecret(secret), lifetime: lifetime}, &p))
}

// withToken shows a token to who made it, once.
func (s *Service) withToken(token string) func(Result, error) (Result, error) {
	return func(res Result, err error) (Result, error) {
		if err == nil && !res.Repeated {
			res.Token = token
		}
		return res, err
	}
}

// ExpireKey ends a key now and keeps it listed. One that ended before stays as
// it is.
func (s *Service) ExpireKey(ctx context.Context, r Request, userID, keyID string) (Result, error) {
	return s.onKey(ctx, r, userID, keyID, func(past bool) userCommand { return expireKey{id: keyID, past: past} })
}

// DeleteKey removes a key, or closes a session.
func (s *Service) DeleteKey(ctx context.Context, r Request, userID, keyID string) (Result, error) {
	return s.onKey(ctx, r, userID, keyID, func(past bool) userCommand { return deleteKey{id: keyID, past: past} })
}

func (s *Service) onKey(ctx context.Context, r Request, userID, keyID string, command func(past bool) userCommand) (Result, error) {
	id, err := s.target(r.Actor, userID, command(false), &problems{})
	if err != nil {
		return Result{}, err
	}
	res, err := s.execute(ctx, r, id, fixed(command(false)))
	if refused, ok := AsError(err); !ok || refused.Reason != "key" || len(keyID) != keyIDLength {
		return res, err
	}
	return s.execute(ctx, r, id, func(ctx context.Context) (userCommand, error) {
		past, err := s.endedKey(ctx, id, keyID)
		return command(past), err
	})
}

// endedKey says whether the log knows a key that left the state because it
// ended, and that nobody deleted. This is rare: it reads the user's whole past.
func (s *Service) endedKey(ctx context.Context, id, keyID string) (bool, error) {
	recorded, err := s.log.Read(ctx, userAggregate(id), 1)
	if err != nil {
		return false, fmt.Errorf("read past of user %s: %w", id, err)
	}
	known := false
	for _, e := range recorded {
		switch p := e.Payload.(type) {
		case *events.UserKeyCreated:
			known = known || p.KeyID == keyID
		case *events.UserSessionOpened:
			known = known || p.KeyID == keyID
		case *events.UserSessionClosed:
			known = known && p.KeyID != keyID
		case *events.UserKeyDeleted:
			known = known && p.KeyID != keyID
		case *events.UserPasswordSet:
			known = known && !p.Revoked
		}
	}
	return known, nil
}

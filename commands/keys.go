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
	command := createKey{
		loginType: c.LoginType, name: c.Name, scopes: scopes, allowList: p.normaliseAllowList(c.AllowList),
		lifetime: c.Lifetime, limits: s.lifetimes, ip: header(r.IP), agent: cut(header(r.UserAgent), 200),
	}
	p.lifetime(c.Lifetime, 0, MaxKeyLifetime)
	switch command.loginType {
	case "":
		command.loginType = events.LoginToken
	case events.LoginToken, events.LoginPassword, events.LoginGitHub, events.LoginOIDC:
	default:
		p.add("loginType", "unknown", "there is no such login type")
	}
	id, token, hash := newToken()
	command.id, command.secretHash = id, hash
	return s.withToken(token)(s.checked(ctx, r, c.UserID, command, &p))
}

// RegenerateKey gives a key a new secret and a new lifetime.
func (s *Service) RegenerateKey(ctx context.Context, r Request, userID, keyID string, lifetime time.Duration) (Result, error) {
	var p problems
	p.lifetime(lifetime, 0, MaxKeyLifetime)
	usage, err := s.usageOf(ctx, keyID)
	if err != nil {
		return Result{}, err
	}
	secret := randomText(secretLength, alphanumeric)
	return s.withToken(keyID + "-" + secret)(s.checked(ctx, r, userID, regenerateKey{
		id: keyID, secretHash: HashSecret(secret), lifetime: lifetime, limits: s.lifetimes, usage: usage,
		ip: header(r.IP), agent: cut(header(r.UserAgent), 200),
	}, &p))
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
	usage, err := s.usageOf(ctx, keyID)
	if err != nil {
		return Result{}, err
	}
	return s.onKey(ctx, r, userID, keyID, func(past pastKey) userCommand {
		return expireKey{id: keyID, past: past, usage: usage}
	})
}

// DeleteKey removes a key, or closes a session.
func (s *Service) DeleteKey(ctx context.Context, r Request, userID, keyID string) (Result, error) {
	return s.onKey(ctx, r, userID, keyID, func(past pastKey) userCommand { return deleteKey{id: keyID, past: past} })
}

func (s *Service) onKey(ctx context.Context, r Request, userID, keyID string, command func(past pastKey) userCommand) (Result, error) {
	id, err := s.target(r.Actor, userID, command(pastKey{}), &problems{})
	if err != nil {
		return Result{}, err
	}
	res, err := s.execute(ctx, r, id, fixed(command(pastKey{})))
	if refused, ok := AsError(err); !ok || refused.Reason != "key" || len(keyID) != keyIDLength {
		return res, err
	}
	return s.execute(ctx, r, id, func(ctx context.Context) (userCommand, error) {
		past, err := s.endedKey(ctx, id, keyID)
		return command(past), err
	})
}

// endedKey returns what the log knows of a key that left the state because it
// ended, and that nobody deleted. This is rare: it reads the user's whole past.
func (s *Service) endedKey(ctx context.Context, id, keyID string) (pastKey, error) {
	keys, err := s.listedKeys(ctx, id)
	k, known := keys[keyID]
	return pastKey{Key: k, known: known}, err
}

// listedKeys returns a user's sessions and keys that nobody closed, deleted or swept,
// those too that left the state because they ended.
func (s *Service) listedKeys(ctx context.Context, id string) (map[string]Key, error) {
	recorded, err := s.log.Read(ctx, userAggregate(id), 1)
	if err != nil {
		return nil, fmt.Errorf("read past of user %s: %w", id, err)
	}
	var u User
	for _, e := range recorded {
		u = applyUser(u, e) // without that keys leave it
	}
	return u.Keys, nil
}

// usageOf returns how its use prolonged the life of a key. This is no fact; but as
// long as it is known it lets the key live, and whoever ends the key must end that
// life, too.
func (s *Service) usageOf(ctx context.Context, keyID string) (events.Usage, error) {
	if len(keyID) != keyIDLength {
		return events.Usage{}, nil
	}
	return s.Usage(ctx, keyID)
}

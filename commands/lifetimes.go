package commands

import (
	"slices"
	"time"

	"github.com/rosterhq/roster/events"
)

// Lifetimes of sessions and keys, where an installation does not say otherwise.
// The longest ones keep a typing error from making something that outlives
// everybody.
const (
	DefaultSessionLifetime = 24 * time.Hour
	MaxSessionLifetime     = 400 * 24 * time.Hour
	DefaultKeyLifetime     = 168 * time.Hour
	MaxKeyLifetime         = 876600 * time.Hour
	MaxOwnerKeyLifetime    = 168 * time.Hour
)

// lifetimes are how long the sessions and keys of an installation live.
type lifetimes struct {
	session  time.Duration // of a session that does not say
	usual    time.Duration // of a key that does not say
	longest  time.Duration // of a key that does
	ofOwners time.Duration // the same for owners
}

func lifetimesOf(c Config) lifetimes {
	or := func(configured, otherwise time.Duration) time.Duration {
		if configured > 0 {
			return configured
		}
		return otherwise
	}
	return lifetimes{
		session: or(c.SessionLifetime, DefaultSessionLifetime),
		usual:   or(c.DefaultTokenLifetime, DefaultKeyLifetime),
		longest: or(c.MaxTokenLifetime, MaxKeyLifetime), ofOwners: or(c.MaxAdminTokenLifetime, MaxOwnerKeyLifetime),
	}
}

// most is how long a key of this user may live at most, whoever makes it.
func (l lifetimes) most(u User) time.Duration {
	if slices.Contains(u.Roles, events.RoleOwner) {
		return l.ofOwners
	}
	return l.longest
}

// choose returns how long a key is to live. 0 is the usual time, for which there
// is no cap.
func (l lifetimes) choose(wanted time.Duration, u User) (time.Duration, *Error) {
	if wanted == 0 {
		return l.usual, nil
	}
	var p problems
	p.lifetime(wanted, l.usual, l.most(u))
	return wanted, p.err()
}

// MaxLifetime returns how long a key of this user may live at most, whoever makes
// it.
func (s *Service) MaxLifetime(u User) time.Duration { return s.lifetimes.most(u) }

// SessionLifetime returns how long a session lives that does not say.
func (s *Service) SessionLifetime() time.Duration { return s.lifetimes.session }

// DefaultTokenLifetime returns how long a key lives that does not say.
func (s *Service) DefaultTokenLifetime() time.Duration { return s.lifetimes.usual }

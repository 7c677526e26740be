package commands

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"go.uber.org/zap"
)

// Config of a Service. Log is needed; the rest has defaults.
type Config struct {
	Log    Log
	Clock  func() time.Time // default time.Now
	Logger *zap.Logger      // default none

	// PasswordParams are the costs of new password hashes; older ones are made
	// anew at the next sign-in. Default DefaultPasswordParams.
	PasswordParams PasswordParams
	// PasswordsWaiting is how many passwords may wait to be hashed or compared, 128 at
	// most, which is the default; more are refused.
	PasswordsWaiting int
	// PasswordMinEntropy is the least strength of new passwords in bits, for all
	// dialects. Default 0: each dialect has its own rule.
	PasswordMinEntropy float64
	// NoPasswords closes the sign-in by password. Those alone are told who know theirs.
	NoPasswords bool
	// RolesByOIDC leaves the site roles of users who sign in by OpenID Connect to their
	// provider: sign-ins set them, and AssignRoles refuses to.
	RolesByOIDC bool
	// NumbersFrom is the first number that users get here; those below are for users
	// who are imported. Default 1. Numbers that were given stay given.
	NumbersFrom int64
	// CachedUsers is how many folded users stay in memory. Default 8192.
	CachedUsers int

	// SessionLifetime is how long a session lives that does not say. Default 24 h.
	SessionLifetime time.Duration
	// DefaultTokenLifetime is how long a key lives that does not say. Default 168 h.
	DefaultTokenLifetime time.Duration
	// MaxTokenLifetime bounds keys, MaxAdminTokenLifetime those of owners, whoever
	// makes them. Default 876600 h and 168 h.
	MaxTokenLifetime      time.Duration
	MaxAdminTokenLifetime time.Duration
}

// Service executes commands. It is safe for concurrent use.
type Service struct {
	log                 Log
	logger              *zap.Logger
	clock               func() time.Time
	newID               func() string
	minEntropy          float64
	queues              *queues
	states              *states
	numbers             *blocks[int64]
	organizationNumbers *blocks[int64]
	workspaceNumbers    *blocks[int64]
	groupNumbers        *blocks[int64]
	ids                 *blocks[string] // of users to come; their data keys are durable
	doubt               doubt
	importDoubt         doubt // whether imports repeat earlier ones
	importPlaces        importPlaces
	aside               asideNumbers
	passwords           *passwords
	defaultOrg          string
	knownOrgs           *lru.Cache[string, knownOrganization]
	answers             *lru.Cache[string, answerRecord]
	firstUser           atomic.Bool // set once the first user exists, which never changes back
	names               names
	lifetimes           lifetimes
	noPasswords         bool
	rolesByOIDC         bool
}

// NewService makes a service, and the default organization at the first start.
// Several processes may start together.
func NewService(ctx context.Context, c Config) (*Service, error) {
	if c.Log == nil {
		return nil, errors.New("commands need a log")
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Logger == nil {
		c.Logger = zap.NewNop()
	}
	if c.CachedUsers <= 0 {
		c.CachedUsers = 8192
	}
	states, err := newStates(c.Log, c.Logger, c.CachedUsers)
	if err != nil {
		return nil, err
	}
	kept, err := lru.New[string, answerRecord](256)
	if err != nil {
		return nil, fmt.Errorf("make the memory of answers: %w", err)
	}
	knownOrgs, err := lru.New[string, knownOrganization](4096)
	if err != nil {
		return nil, fmt.Errorf("make cache of organizations: %w", err)
	}
	passwords, err := newPasswords(c.PasswordParams, c.PasswordsWaiting)
	if err != nil {
		return nil, err
	}
	s := &Service{
		log: c.Log, logger: c.Logger, clock: c.Clock, newID: newID, minEntropy: c.PasswordMinEntropy,
		queues: newQueues(), states: states, passwords: passwords,
		numbers: newBlocks(c.Clock, numbersOf(c.Log, "user")), ids: newBlocks(c.Clock, c.Log.NewUsers), names: newNames(),
		organizationNumbers: newBlocks(c.Clock, numbersOf(c.Log, "organization")),
		workspaceNumbers:    newBlocks(c.Clock, numbersOf(c.Log, "workspace")),
		groupNumbers:        newBlocks(c.Clock, numbersOf(c.Log, "group")),
		lifetimes:           lifetimesOf(c), noPasswords: c.NoPasswords, rolesByOIDC: c.RolesByOIDC, knownOrgs: knownOrgs, answers: kept,
	}
	if c.NumbersFrom > 1 {
		if _, err := s.setAside(ctx, c.NumbersFrom-1); err != nil {
			return nil, err
		}
	}
	if s.defaultOrg, err = s.ensureDefaultOrganization(ctx); err != nil {
		return nil, fmt.Errorf("make default organization: %w", err)
	}
	return s, nil
}

// now is the time of a command: as fine as an envelope keeps it.
func (s *Service) now() time.Time { return s.clock().UTC().Truncate(time.Microsecond) }

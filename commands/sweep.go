package commands

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/rosterhq/roster/events"
)

// MostSwept is how many sessions and keys one command takes off a user's lists.
const MostSwept = 500

// Sweep names sessions and keys of a user that may have ended long ago.
type Sweep struct {
	KeyIDs []string // MostSwept at most
	// What ended at or after these times stays.
	SessionsBefore, KeysBefore time.Time
}

// sweepKeys is a Sweep with what the log knows of what it names.
type sweepKeys struct {
	Sweep
	past   map[string]Key // the listed ones, also those that left the state
	usages map[string]events.Usage
}

func (sweepKeys) actions(facts) []Action     { return []Action{SweepKeys} }
func (sweepKeys) claims(User) []events.Claim { return nil }

// decideSweep takes off the lists what is over, by the state and by its uses.
func decideSweep(u User, c sweepKeys) (decision, *Error) {
	var gone []string
	for _, id := range c.KeyIDs {
		k, ok := u.Keys[id]
		if !ok {
			k, ok = c.past[id]
		}
		before := c.SessionsBefore
		if k.LoginType == events.LoginToken {
			before = c.KeysBefore
		}
		if ok && !k.alive(before.Add(-1), c.usages[id]) {
			gone = append(gone, id)
		}
	}
	if len(gone) == 0 {
		return decision{}, nil
	}
	slices.Sort(gone)
	gone = slices.Compact(gone)
	return decision{events: []events.Payload{&events.UserCredentialsSwept{KeyIDs: gone}}, swept: len(gone)}, nil
}

// swept folds the event.
func swept(u User, p *events.UserCredentialsSwept) User {
	for _, id := range p.KeyIDs {
		u = withoutKey(u, id)
	}
	return u
}

// SweepKeys takes sessions and keys off a user's lists that ended before a time, by
// the newest that log and uses say of them. Names of keys that go are free again. It
// reads the user's whole past. Only the installation itself may do it. Errors:
// Forbidden; NotFound for a user who is deleted.
func (s *Service) SweepKeys(ctx context.Context, r Request, userID string, c Sweep) (Result, error) {
	var p problems
	if len(c.KeyIDs) > MostSwept {
		p.add("keys", "too-long", fmt.Sprintf("must be %d at most", MostSwept))
	}
	id, err := s.target(r.Actor, userID, sweepKeys{}, &p)
	if err != nil {
		return Result{}, err
	}
	if !Allowed(r.Actor, SweepKeys, id) { // before any work is spent on it
		return Result{}, forbidden(SweepKeys)
	}
	return s.execute(ctx, r, id, func(ctx context.Context) (userCommand, error) { return s.sweepKeys(ctx, id, c) })
}

func (s *Service) sweepKeys(ctx context.Context, id string, c Sweep) (userCommand, error) {
	past, err := s.listedKeys(ctx, id)
	if err != nil {
		return nil, err
	}
	command := sweepKeys{Sweep: c, past: past, usages: make(map[string]events.Usage, len(c.KeyIDs))}
	for _, key := range c.KeyIDs {
		if command.usages[key], err = s.usageOf(ctx, key); err != nil {
			return nil, fmt.Errorf("ask for the last use of a key of user %s: %w", id, err)
		}
	}
	return command, nil
}

package commands

import (
	"context"
	"fmt"

	"github.com/rosterhq/roster/events"
)

// UserRef finds a user by exactly one member, through the log alone.
type UserRef struct {
	ID       string
	Username string
	Email    string
	Identity *events.Identity
}

// claim returns the claim that leads to the user; false for a reference by id.
func (r UserRef) claim() (events.Claim, bool) {
	switch {
	case r.Username != "":
		return usernameClaim(r.Username), true
	case r.Email != "":
		return emailClaim(r.Email), true
	case r.Identity != nil:
		return identityClaim(*r.Identity), true
	}
	return events.Claim{}, false
}

// check says what is wrong with the form of a reference.
func (r UserRef) check(field string, p *problems) {
	given := 0
	for _, s := range []string{r.ID, r.Username, r.Email} {
		if s == "" {
			continue
		}
		given++
		if !p.text(field, s, maxURL) {
			return
		}
	}
	if r.Identity != nil {
		given++
		p.identity(field, *r.Identity)
	}
	if given != 1 {
		p.add(field, "required", "exactly one of id, username, email and identity must be given")
	}
}

// Find returns a live user through the claims in the log. What it returns is
// shared: its maps and slices must not be written to.
func (s *Service) Find(ctx context.Context, ref UserRef) (User, error) {
	var p problems
	if ref.check("user", &p); p.err() != nil {
		return User{}, p.err()
	}
	id, err := s.resolve(ctx, ref)
	if err != nil {
		return User{}, refusal(err)
	}
	st, err := s.states.fresh(ctx, id)
	if err != nil {
		return User{}, refusal(err)
	}
	if !st.user.exists() {
		return User{}, errNoUser()
	}
	return st.user, nil
}

// resolve returns the id that a reference leads to. The holder of a claim is a
// live user; an id may be anything that has the form of one.
func (s *Service) resolve(ctx context.Context, ref UserRef) (string, error) {
	claim, ok := ref.claim()
	if !ok {
		id, ok := canonicalID(ref.ID)
		if !ok {
			return "", errNoUser()
		}
		return id, nil
	}
	held, err := s.log.Claim(ctx, claim)
	if err != nil {
		return "", fmt.Errorf("look up claim of kind %s: %w", claim.Kind, err)
	}
	if held.Holder == "" {
		return "", errNoUser()
	}
	return held.Holder, nil
}

package commands

import (
	"context"
	"fmt"

	"github.com/rosterhq/roster/events"
)

// providerTries bounds how often a sign-in looks again for whose it is, because
// names moved meanwhile.
const providerTries = 4

// SignInWith opens a session for who a provider of identities vouches for: the
// user tied to that account, else the one with that e-mail address who signs in by
// this provider, else, where that is allowed, a new one. The very first user of an
// installation may come this way, too, and becomes its owner.
//
// Each sign-in brings e-mail (unless it is another user's), name and avatar up to
// what the provider says, and never the username; what the provider does not say
// stays.
func (s *Service) SignInWith(ctx context.Context, r Request, c SignInWith) (Result, error) {
	checked, err := s.checkSignInWith(r, c)
	if err != nil {
		return Result{}, err
	}
	r.Actor, r.IdempotencyKey = Actor{}, "" // a provider's word is good for one time by itself
	for try := 0; ; try++ {
		res, err := s.signInWith(ctx, r, c, checked)
		if try+1 == providerTries || !overtaken(err) {
			return res, refusal(err)
		}
	}
}

// overtaken says whether somebody else changed what a sign-in was decided on.
func overtaken(err error) bool {
	refused, ok := AsError(err)
	if !ok {
		return false
	}
	switch refused.Reason {
	case "race", "taken", "user", "first-user-exists":
		return true
	}
	return false
}

func (s *Service) signInWith(ctx context.Context, r Request, c SignInWith, checked signInWith) (Result, error) {
	id, err := s.vouchedFor(ctx, c)
	if err != nil {
		return Result{}, err
	}
	if c.Convert != "" && id != c.Convert {
		return Result{}, &Error{
			Code: Precondition, Reason: "convert",
			Message: "the account at the provider does not belong to the user who is to sign in by it",
		}
	}
	if id == "" {
		if id, err = s.signUpWith(ctx, r, c, checked); err != nil {
			return Result{}, err
		}
	}
	var token string
	checked.keyID, token, checked.secretHash = newToken()
	res, err := s.execute(ctx, r, id, fixed(checked))
	if err != nil {
		return Result{}, err
	}
	res.Token = token
	s.tellKeptOwner(c, res.User)
	return res, nil
}

// vouchedFor returns the id of the user that a provider speaks of, or "".
func (s *Service) vouchedFor(ctx context.Context, c SignInWith) (string, error) {
	refs := []UserRef{{Identity: &c.Identity}}
	if c.Email != "" {
		refs = append(refs, UserRef{Email: c.Email})
	}
	for _, ref := range refs {
		id, err := s.resolve(ctx, ref)
		if err == nil || CodeOf(err) != NotFound {
			return id, err
		}
	}
	return "", nil
}

// signUpWith makes the user that a provider speaks of.
func (s *Service) signUpWith(ctx context.Context, r Request, c SignInWith, checked signInWith) (string, error) {
	exists, err := s.FirstUserExists(ctx)
	if err != nil {
		return "", err
	}
	if exists && !c.SignUp {
		return "", &Error{Code: Forbidden, Reason: "signup", Message: "sign-ups are disabled"}
	}
	wanted := Register{
		Username: c.Username, NormaliseUsername: true, Email: c.Email, Name: checked.name, Avatar: checked.avatar,
		LoginType: c.LoginType, Status: events.StatusActive, Identities: []events.Identity{c.Identity}, SSHKey: true,
	}
	if wanted.Username == "" {
		wanted.Username = c.Email
	}
	if !exists {
		wanted.Roles = []events.Role{events.RoleOwner}
	} else {
		r.Actor = Actor{UserID: SystemActor} // it was told to let in whom the provider knows
	}
	if r.Reason == "" {
		r.Reason = "signed up by " + string(c.LoginType)
	}
	res, err := s.register(ctx, r, wanted, !exists)
	if err != nil {
		return "", fmt.Errorf("sign up by %s: %w", c.LoginType, err)
	}
	return res.User.ID, nil
}

package commands

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
)

// checkTries bounds how often a password is compared again because its hash
// changed meanwhile.
const checkTries = 4

// SignIn opens a session. An unknown user, a wrong password and a user without
// one cost the same work and get the same answer.
func (s *Service) SignIn(ctx context.Context, r Request, c SignIn) (Result, error) {
	var p problems
	if (c.Email == "") == (c.Username == "") {
		p.add("email", "required", "exactly one of email and username must be given")
	}
	p.password("password", c.Password)
	c.Lifetime = p.lifetime(c.Lifetime, s.lifetimes.session, MaxSessionLifetime)
	if err := p.err(); err != nil {
		return Result{}, err
	}
	for range checkTries {
		res, err := s.signIn(ctx, r, c)
		if !errors.Is(err, errHashMoved) {
			return res, refusal(err)
		}
	}
	return Result{}, errCredentials()
}

func (s *Service) signIn(ctx context.Context, r Request, c SignIn) (Result, error) {
	id, st, err := s.candidate(ctx, c)
	if err != nil {
		return Result{}, err
	}
	right, outdated, err := s.passwords.compare(ctx, c.Password, st.user.PasswordHash)
	if err != nil {
		return Result{}, err
	}
	keyID, token, hash := newToken()
	command := openSession{
		verified: st.user.PasswordHash, right: right, closed: s.noPasswords, keyID: keyID, secretHash: hash, lifetime: c.Lifetime,
		ip: header(r.IP), agent: cut(header(r.UserAgent), 200),
	}
	if right && outdated {
		if command.rehash, err = s.passwords.hash(ctx, c.Password); err != nil {
			return Result{}, err
		}
	}
	return s.opened(ctx, r, id, command, token)
}

// candidate finds who is to sign in. A name that nobody has stands for somebody who
// does not exist, and the log is asked the same of them: time tells nobody who is here.
func (s *Service) candidate(ctx context.Context, c SignIn) (id string, st state, err error) {
	id, err = s.resolve(ctx, UserRef{Username: cut(c.Username, maxURL), Email: cut(c.Email, maxURL)})
	if CodeOf(err) == NotFound {
		id, err = uuid.NewSHA1(uuid.Nil, []byte(c.Username+"\n"+c.Email)).String(), nil // version 5: no user's
	}
	if err == nil {
		st, err = s.states.fresh(ctx, id)
	}
	return id, st, err
}

func (s *Service) opened(ctx context.Context, r Request, id string, c openSession, token string) (Result, error) {
	if !c.right { // a repeat must not be answered to who does not know the password
		r.IdempotencyKey = ""
	}
	r.Actor = Actor{}
	res, err := s.execute(ctx, r, id, fixed(c))
	if CodeOf(err) == NotFound {
		return Result{}, errCredentials()
	}
	if err == nil && !res.Repeated {
		res.Token = token
	}
	return res, err
}

// SignOut closes the session or key keyID of a user. One that is gone already
// is no error.
func (s *Service) SignOut(ctx context.Context, r Request, userID, keyID string) (Result, error) {
	res, err := s.checked(ctx, r, userID, closeSession{keyID: keyID}, &problems{})
	if err != nil || res.Changed || res.Repeated || len(keyID) != keyIDLength {
		return res, err
	}
	// One whose use prolonged its life may have left the state already.
	return s.execute(ctx, r, res.User.ID, func(ctx context.Context) (userCommand, error) {
		past, err := s.endedKey(ctx, res.User.ID, keyID)
		return closeSession{keyID: keyID, past: past}, err
	})
}

// SetPassword sets a password.
func (s *Service) SetPassword(ctx context.Context, r Request, c SetPassword) (Result, error) {
	var p problems
	if c.Old != "" {
		p.password("oldPassword", c.Old)
	}
	s.checkPassword("password", c.New, &p)
	id, err := s.target(r.Actor, c.UserID, setPassword{}, &p)
	if err != nil {
		return Result{}, err
	}
	if !Allowed(r.Actor, SetUserPassword, id) { // before any work is spent on it
		return Result{}, forbidden(SetUserPassword)
	}
	hash, err := s.passwords.hash(ctx, c.New)
	if err != nil {
		return Result{}, refusal(err)
	}
	for range checkTries {
		res, err := s.setPassword(ctx, r, id, c, hash)
		if !errors.Is(err, errHashMoved) {
			return res, refusal(err)
		}
	}
	return Result{}, &Error{Code: Conflict, Reason: "race", Message: "the password is being changed by somebody else, try again"}
}

func (s *Service) setPassword(ctx context.Context, r Request, id string, c SetPassword, hash string) (Result, error) {
	command := setPassword{hash: hash, revoke: c.Revoke, old: c.Old != "", compared: c.Old != "" || c.Different}
	if command.compared {
		st, err := s.states.fresh(ctx, id)
		if err != nil {
			return Result{}, err
		}
		command.verified = st.user.PasswordHash
	}
	var err error
	if command.old {
		if command.oldRight, _, err = s.passwords.compare(ctx, c.Old, command.verified); err != nil {
			return Result{}, err
		}
	}
	if c.Different {
		if command.same, _, err = s.passwords.compare(ctx, c.New, command.verified); err != nil {
			return Result{}, err
		}
	}
	return s.execute(ctx, r, id, fixed(command))
}

// lifetime checks how long a session or key is to live; 0 is the usual time.
func (p *problems) lifetime(wanted, usual, longest time.Duration) time.Duration {
	switch {
	case wanted < 0:
		p.add("lifetime", "format", "must be greater than 0")
	case wanted > longest:
		p.add("lifetime", "too-long", "must be less than "+longest.String())
	case wanted == 0:
		return usual
	}
	return wanted
}

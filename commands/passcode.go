package commands

import (
	"context"
	"crypto/subtle"
	"time"

	"github.com/rosterhq/roster/events"
)

// passcodeLifetime is how long a one-time passcode may be used.
const passcodeLifetime = 20 * time.Minute

// passcodeLength is that of a secret: a passcode is as good as one.
const passcodeLength = secretLength

// The commands of who lost the password.
type (
	requestPasscode struct{ hash []byte }
	usePasscode     struct {
		hash     []byte // of the passcode given
		password string // the hash of the new one
	}
)

// Nobody is signed in: who reads the user's mail, or holds the passcode, is who
// may do it.
func (requestPasscode) actions(facts) []Action { return nil }
func (usePasscode) actions(facts) []Action     { return nil }

func (requestPasscode) claims(User) []events.Claim { return nil }
func (usePasscode) claims(u User) []events.Claim   { return readableKeyOf(u) }

// decideRequestPasscode: who signs in in another way has no password to set, and
// who never confirmed the address may not be its reader.
func decideRequestPasscode(u User, c requestPasscode, f facts) (decision, *Error) {
	if u.LoginType != events.LoginPassword || !u.Confirmed {
		return decision{}, errPasscode()
	}
	return decided(&events.UserPasscodeRequested{
		Sealed:    events.Seal(events.UserPasscodePrivate{Hash: c.hash}),
		ExpiresAt: f.now.Add(passcodeLifetime),
	})
}

func decideUsePasscode(u User, c usePasscode, f facts) (decision, *Error) {
	switch {
	case u.Passcode == nil, u.LoginType != events.LoginPassword, !u.Passcode.ExpiresAt.After(f.now),
		subtle.ConstantTimeCompare(u.Passcode.Hash, c.hash) != 1:
		return decision{}, errPasscode()
	}
	return passwordDecided(u, c.password, true, f), nil
}

func errPasscode() *Error {
	return unauthenticated("passcode", "incorrect e-mail or one-time passcode")
}

// RequestPasscode makes a one-time passcode for the user with this e-mail address.
// For an address that nobody may reset a password by, the passcode is "" and that
// is no error. The log is written to for the others alone, which takes time: to
// tell nobody who has an account, answer before this is done.
func (s *Service) RequestPasscode(ctx context.Context, r Request, email string) (passcode string, u User, err error) {
	passcode = randomText(passcodeLength, alphanumeric)
	hash := HashSecret(passcode)
	id, err := s.resolveEmail(ctx, email)
	if err != nil || id == "" {
		return "", User{}, err
	}
	r.Actor, r.IdempotencyKey = Actor{}, "" // a passcode can not be told again
	res, err := s.execute(ctx, r, id, fixed(requestPasscode{hash: hash}))
	if refused, ok := AsError(err); ok && (refused.Reason == "passcode" || refused.Code == NotFound) {
		return "", User{}, nil
	}
	if err != nil {
		return "", User{}, err
	}
	return passcode, res.User, nil
}

// ChangePasswordByPasscode sets a password for who holds a one-time passcode, and
// ends every session and key. An unknown address and a wrong passcode cost the
// same work and get the same answer.
func (s *Service) ChangePasswordByPasscode(ctx context.Context, r Request, c ChangePasswordByPasscode) (Result, error) {
	var p problems
	s.checkPassword("password", c.Password, &p)
	if err := p.err(); err != nil {
		return Result{}, err
	}
	password, err := s.passwords.hash(ctx, c.Password)
	if err != nil {
		return Result{}, refusal(err)
	}
	id, err := s.resolveEmail(ctx, c.Email)
	if err != nil {
		return Result{}, err
	}
	if id == "" {
		return Result{}, errPasscode()
	}
	r.Actor = Actor{}
	res, err := s.execute(ctx, r, id, fixed(usePasscode{hash: HashSecret(c.Passcode), password: password}))
	if CodeOf(err) == NotFound {
		return Result{}, errPasscode()
	}
	return res, err
}

// resolveEmail returns the id of the user with an e-mail address, or "".
func (s *Service) resolveEmail(ctx context.Context, email string) (string, error) {
	id, err := s.resolve(ctx, UserRef{Email: cut(email, maxURL)})
	if CodeOf(err) == NotFound {
		return "", nil
	}
	return id, refusal(err)
}

package commands

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"

	"github.com/rosterhq/roster/events"
)

// resetPassword is a checked ResetPassword.
type resetPassword struct{ mark, password string }

// Nobody is signed in: who reads the user's mail is who may do it.
func (resetPassword) actions(facts) []Action     { return nil }
func (resetPassword) claims(User) []events.Claim { return nil }

// PasswordMark tells a user's password and e-mail address from the ones before and
// after, without telling anything of them. What is mailed to set a new password
// carries it, and so is good once.
func PasswordMark(u User) string {
	sum := sha256.Sum256([]byte(u.ID + "\x00" + fold(u.Email) + "\x00" + u.PasswordHash))
	return hex.EncodeToString(sum[:16])
}

// decideResetPassword sets the password and, since the mail was read, confirms the
// address.
func decideResetPassword(u User, c resetPassword, f facts) (decision, *Error) {
	if subtle.ConstantTimeCompare([]byte(PasswordMark(u)), []byte(c.mark)) != 1 {
		return decision{}, errReset()
	}
	if u.LoginType != events.LoginPassword {
		return decision{}, errNoPassword(u)
	}
	d := passwordDecided(u, c.password, false, f)
	if !u.Confirmed {
		d.events = append(d.events, &events.UserConfirmed{})
	}
	return d, nil
}

func errReset() *Error {
	return unauthenticated("reset", "the password or the e-mail address changed since this was mailed")
}

// ResetPassword sets the password of who shows the mark that was mailed. Sessions and
// keys stay. Errors: Unauthenticated with reason "reset" for a mark that is over.
func (s *Service) ResetPassword(ctx context.Context, r Request, c ResetPassword) (Result, error) {
	var p problems
	s.checkPassword("password", c.Password, &p)
	if err := p.err(); err != nil {
		return Result{}, err
	}
	id, ok := canonicalID(c.UserID)
	if !ok {
		return Result{}, errNoUser()
	}
	hash, err := s.passwords.hash(ctx, c.Password)
	if err != nil {
		return Result{}, refusal(err)
	}
	r.Actor = Actor{}
	return s.execute(ctx, r, id, fixed(resetPassword{mark: c.Mark, password: hash}))
}

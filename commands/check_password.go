package commands

import (
	"context"

	"github.com/rosterhq/roster/events"
)

// CheckPassword says whose password this is, without opening a session: for
// clients that send it with every request. Its refusals, and the work that they
// cost, are those of SignIn; as there, a hash made otherwise than today's is made
// anew. What it returns is shared: it must not be changed.
func (s *Service) CheckPassword(ctx context.Context, c SignIn) (User, error) {
	var p problems
	if (c.Email == "") == (c.Username == "") {
		p.add("email", "required", "exactly one of email and username must be given")
	}
	p.password("password", c.Password)
	if err := p.err(); err != nil {
		return User{}, err
	}
	_, st, err := s.candidate(ctx, c)
	if err != nil {
		return User{}, refusal(err)
	}
	u := st.user
	right, outdated, err := s.passwords.compare(ctx, c.Password, u.PasswordHash)
	if err != nil {
		return User{}, refusal(err)
	}
	if refused := u.admits(right, s.noPasswords); refused != nil {
		return User{}, refused
	}
	if outdated {
		u = s.rehashed(ctx, u, c.Password)
	}
	return u, nil
}

// rehashed makes the hash of a password anew that was just compared. Trouble with it
// keeps nobody out: the next check tries again.
func (s *Service) rehashed(ctx context.Context, u User, password string) User {
	hash, err := s.passwords.hash(ctx, password)
	if err != nil {
		return u
	}
	r := Request{Actor: Actor{UserID: u.ID}, Reason: "checked by a password of an older form"}
	res, err := s.execute(ctx, r, u.ID, fixed(rehashPassword{verified: u.PasswordHash, hash: hash}))
	if err != nil {
		return u
	}
	return res.User
}

// rehashPassword keeps a password under a hash of today's form.
type rehashPassword struct {
	verified string // the hash that the password was compared with
	hash     string
}

func (rehashPassword) actions(facts) []Action     { return nil } // the password is the right
func (rehashPassword) claims(User) []events.Claim { return nil }

func decideRehash(u User, c rehashPassword) decision {
	if u.PasswordHash != c.verified {
		return decision{}
	}
	return decision{events: []events.Payload{
		&events.UserPasswordRehashed{Sealed: events.Seal(events.UserPasswordPrivate{Hash: c.hash})},
	}}
}

// admits says why a user can not come in with a password that was compared, or nil.
// closed says that nobody can.
func (u User) admits(right, closed bool) *Error {
	switch {
	case !u.exists() || u.PasswordHash == "" || !right:
		return errCredentials()
	case !u.Confirmed:
		return unauthenticated("unconfirmed", "this user did not confirm the e-mail address")
	case closed:
		return &Error{Code: Forbidden, Reason: "password-disabled", Message: "nobody signs in by password here"}
	case u.LoginType != events.LoginPassword:
		return errLoginType(u)
	case u.Status == events.StatusSuspended:
		return unauthenticated("suspended", "this account is suspended")
	}
	return nil
}

func errLoginType(u User) *Error {
	err := unauthenticated("login-type", "this user signs in another way: "+string(u.LoginType))
	err.Fields = []FieldError{{Field: "loginType", Rule: "unknown", Detail: string(u.LoginType)}}
	return err
}

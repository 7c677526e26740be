package commands

import (
	"context"

	"github.com/rosterhq/roster/events"
)

// CheckPassword says whose password this is, without opening a session: for
// clients that send it with every request. Its refusals, and the work that they
// cost, are those of SignIn. What it returns is shared: it must not be changed.
func (s *Service) CheckPassword(ctx context.Context, c SignIn) (User, error) {
	var p problems
	if (c.Email == "") == (c.Username == "") {
		p.add("email", "required", "exactly one of email and username must be given")
	}
	p.password("password", c.Password)
	if err := p.err(); err != nil {
		return User{}, err
	}
	id, err := s.resolve(ctx, UserRef{Username: cut(c.Username, maxURL), Email: cut(c.Email, maxURL)})
	if err != nil && CodeOf(err) != NotFound {
		return User{}, refusal(err)
	}
	var u User
	if id != "" {
		st, err := s.states.fresh(ctx, id)
		if err != nil {
			return User{}, refusal(err)
		}
		u = st.user
	}
	right, _, err := s.passwords.compare(ctx, c.Password, u.PasswordHash)
	if err != nil {
		return User{}, refusal(err)
	}
	if refused := u.admits(right, s.noPasswords); refused != nil {
		return User{}, refused
	}
	return u, nil
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

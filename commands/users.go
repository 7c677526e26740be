package commands

import (
	"context"
	"fmt"
	"time"

	"github.com/rosterhq/roster/events"
)

// UpdateUser changes profile, username, e-mail, password, status and preferences in
// one commit.
func (s *Service) UpdateUser(ctx context.Context, r Request, c UpdateUser) (Result, error) {
	var p problems
	if c.Username != nil {
		p.username(*c.Username)
	}
	if c.Email != nil {
		p.email(*c.Email)
	}
	p.profile(c)
	for _, preferences := range c.Preferences {
		checkPreferences(preferences, &p)
	}
	if c.Password != nil {
		s.checkPassword("password", *c.Password, &p)
	}
	command := updateUser{UpdateUser: c}
	if id, ok := canonicalID(c.UserID); ok && c.Password != nil && len(p.fields) == 0 && Allowed(r.Actor, SetUserPassword, id) {
		var err error
		if command.password, err = s.passwords.hash(ctx, *c.Password); err != nil {
			return Result{}, refusal(err)
		}
	}
	return s.checked(ctx, r, c.UserID, command, &p)
}

// UpdatePreferences merges preferences.
func (s *Service) UpdatePreferences(ctx context.Context, r Request, c UpdatePreferences) (Result, error) {
	var p problems
	checkPreferences(c, &p)
	return s.checked(ctx, r, c.UserID, updatePreferences{c}, &p)
}

// AssignRoles replaces site roles.
func (s *Service) AssignRoles(ctx context.Context, r Request, c AssignRoles) (Result, error) {
	var p problems
	command := assignRoles{roles: checkRoles(c.Roles, &p)}
	if s.rolesByOIDC {
		command.ruled = events.LoginOIDC
	}
	return s.checked(ctx, r, c.UserID, command, &p)
}

// Suspend stops an account. Its sessions and keys are refused until it is
// activated again.
func (s *Service) Suspend(ctx context.Context, r Request, userID string) (Result, error) {
	return s.checked(ctx, r, userID, suspendUser{}, &problems{})
}

// Activate brings an account back.
func (s *Service) Activate(ctx context.Context, r Request, userID string) (Result, error) {
	return s.checked(ctx, r, userID, activateUser{}, &problems{})
}

// Wake brings a dormant account to life by its own user's use of it. Of any other
// account it changes nothing.
func (s *Service) Wake(ctx context.Context, r Request, userID string) (Result, error) {
	if r.Reason == "" {
		r.Reason = "used while dormant"
	}
	return s.checked(ctx, r, userID, wakeUser{}, &problems{})
}

// PutToSleep makes an active account dormant that was not used since lastSeen. The
// installation alone may do it. Of any other account it changes nothing.
func (s *Service) PutToSleep(ctx context.Context, r Request, userID string, lastSeen time.Time) (Result, error) {
	lastSeen = lastSeen.UTC().Truncate(time.Microsecond)
	if r.Reason == "" {
		r.Reason = "not used since " + lastSeen.Format(time.RFC3339)
	}
	return s.checked(ctx, r, userID, putToSleep{lastSeen: lastSeen}, &problems{})
}

// Delete ends an account. Its names are free at once.
func (s *Service) Delete(ctx context.Context, r Request, userID string) (Result, error) {
	return s.checked(ctx, r, userID, deleteUser{}, &problems{})
}

// DeleteSelf ends the account of the user who asks.
func (s *Service) DeleteSelf(ctx context.Context, r Request) (Result, error) {
	return s.checked(ctx, r, r.Actor.UserID, deleteUser{own: true}, &problems{})
}

// Erase ends an account, if it lives, and destroys what is known of the person: the
// key of all that was sealed for them, in the log and in its copies. It can not be
// undone. Repeating it finishes what a killed process began.
func (s *Service) Erase(ctx context.Context, r Request, userID string) (Result, error) {
	res, err := s.checked(ctx, r, userID, eraseUser{}, &problems{})
	if err != nil {
		return Result{}, err
	}
	if err := s.FinishErasure(ctx, res.User.ID); err != nil {
		return Result{}, err
	}
	return res, nil
}

// FinishErasure destroys what was sealed for a user whose erasure is in the log.
func (s *Service) FinishErasure(ctx context.Context, userID string) error {
	if err := s.log.EraseKey(ctx, userID); err != nil {
		return refusal(fmt.Errorf("destroy what was sealed for user %s: %w", userID, err))
	}
	return nil
}

// checked does a command whose form was checked. Who may not do it is told that
// before what is wrong with it.
func (s *Service) checked(ctx context.Context, r Request, userID string, c userCommand, p *problems) (Result, error) {
	id, err := s.target(r.Actor, userID, c, p)
	if err != nil {
		return Result{}, err
	}
	return s.execute(ctx, r, id, fixed(c))
}

// target returns the id of the user that a command is about. Nobody learns
// whether a user exists by asking for what they may not do.
func (s *Service) target(actor Actor, userID string, c userCommand, p *problems) (string, error) {
	id, ok := canonicalID(userID)
	if err := p.err(); err != nil {
		if refused := authorized(actor, c, id); refused != nil {
			return "", refused
		}
		return "", err
	}
	if !ok {
		return "", errNoUser()
	}
	return id, nil
}

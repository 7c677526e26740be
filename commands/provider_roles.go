package commands

import (
	"slices"

	"go.uber.org/zap"

	"github.com/rosterhq/roster/events"
)

// assign gives the user the roles that the provider says, where it rules them. The
// installation does so, which was told to believe the provider; its register of
// owners holds as for everybody.
func (c signInWith) assign(u User, f facts, d *decision) *Error {
	if !c.syncRoles {
		return nil
	}
	f.actor = Actor{UserID: SystemActor}
	assigned, err := decideRoles(u, assignRoles{roles: c.roles}, f)
	if err != nil && err.Reason == reasonLastOwner {
		kept := append(slices.Clone(c.roles), events.RoleOwner)
		slices.Sort(kept)
		assigned, err = decideRoles(u, assignRoles{roles: kept}, f)
	}
	if err != nil {
		return err
	}
	d.events = append(d.events, assigned.events...)
	d.claims = append(d.claims, assigned.claims...)
	return nil
}

// SyncsRoles says whether the provider behind a way of sign-in rules the site roles
// of those who use it: nobody else changes them.
func (s *Service) SyncsRoles(t events.LoginType) bool { return s.rolesByOIDC && t == events.LoginOIDC }

// tellKeptOwner tells operators that a provider would have taken the last owner's
// role.
func (s *Service) tellKeptOwner(c SignInWith, u User) {
	if !c.SyncRoles || slices.Contains(c.Roles, events.RoleOwner) || !slices.Contains(u.Roles, events.RoleOwner) {
		return
	}
	s.logger.Warn("the provider of identities does not make the last owner one, who stays it", zap.String("user", u.ID))
}

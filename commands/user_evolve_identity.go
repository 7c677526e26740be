package commands

import (
	"slices"

	"github.com/rosterhq/roster/events"
)

// applyIdentity folds what a user belongs to, is known by and has.
func applyIdentity(u User, e events.Recorded) User {
	switch p := e.Payload.(type) {
	case *events.UserMembershipAdded:
		u.Memberships = withMembership(u.Memberships, events.Membership{Organization: p.Organization, Roles: list(p.Roles)})
	case *events.UserMembershipRemoved:
		u.Memberships = withoutMembership(u.Memberships, p.Organization)
	case *events.UserOrganizationRolesAssigned:
		if _, ok := u.membership(p.Organization); ok {
			u.Memberships = withMembership(u.Memberships, events.Membership{Organization: p.Organization, Roles: list(p.Roles)})
		}
	case *events.UserIdentityLinked:
		u = identityLinked(u, p.Private)
	case *events.UserProviderAnswered:
		u.Providers = with(u.Providers, p.Provider, ProviderTokens{
			AccessToken: p.Private.AccessToken, RefreshToken: p.Private.RefreshToken, ExpiresAt: p.TokenExpiresAt,
		})
	case *events.UserLoginTypeChanged:
		u = loginTypeChanged(u, e, p)
	case *events.UserPasscodeRequested:
		u.Passcode = &Passcode{Hash: p.Private.Hash, ExpiresAt: p.ExpiresAt}
	case *events.UserSSHKeyGenerated:
		u = sshKeyGenerated(u, e, p)
	default:
		return applyAccess(u, e)
	}
	return u
}

// membership returns a user's place in an organization.
func (u User) membership(organization string) (events.Membership, bool) {
	for _, m := range u.Memberships {
		if m.Organization == organization {
			return m, true
		}
	}
	return events.Membership{}, false
}

// withMembership returns a copy of a list with one place in it, in the stead of
// the one in the same organization.
func withMembership(in []events.Membership, m events.Membership) []events.Membership {
	out := slices.Clone(in)
	for i := range out {
		if out[i].Organization == m.Organization {
			out[i] = m
			return out
		}
	}
	return append(out, m)
}

func withoutMembership(in []events.Membership, organization string) []events.Membership {
	var out []events.Membership
	for _, m := range in {
		if m.Organization != organization {
			out = append(out, m)
		}
	}
	return out
}

func identityLinked(u User, id events.Identity) User {
	if id.Provider == "" || slices.Contains(u.Identities, id) {
		return u // erased, or known
	}
	u.Identities = append(slices.Clone(u.Identities), id)
	return u
}

func loginTypeChanged(u User, e events.Recorded, p *events.UserLoginTypeChanged) User {
	u.LoginType, u.UpdatedAt = p.LoginType, e.Time
	if p.LoginType != events.LoginPassword {
		u.PasswordHash, u.Passcode = "", nil
	}
	return u
}

func sshKeyGenerated(u User, e events.Recorded, p *events.UserSSHKeyGenerated) User {
	next := SSHKey{PublicKey: p.Private.PublicKey, PrivateKey: p.Private.PrivateKey, CreatedAt: e.Time, UpdatedAt: e.Time}
	if u.SSHKey != nil {
		next.CreatedAt = u.SSHKey.CreatedAt
	}
	u.SSHKey = &next
	return u
}

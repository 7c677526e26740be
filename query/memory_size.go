package query

import "github.com/rosterhq/roster/events"

const deletedStatus = events.StatusDeleted

// perEntry is what an entry takes beside its content: the cache's node, the map's
// slot, headers of strings. Sizes are estimates, rather too large.
const perEntry = 200

func (k kept) size() int {
	if k.person == nil {
		return len(k.userID)
	}
	n := perEntry
	if k.person.user != nil {
		n += k.person.user.size
	}
	for _, h := range k.person.preferences {
		n += h.size
	}
	for _, h := range k.person.credentials {
		n += h.size
	}
	return n
}

func sizeOfUser(u User) int {
	n := 2*perEntry + len(u.ID) + len(u.Username) + len(u.Email) + len(u.Name) + len(u.FirstName) + len(u.LastName) + len(u.Avatar) + len(u.Language)
	for _, r := range u.Roles {
		n += 16 + len(r)
	}
	n += sizeOfMemberships(u.Organizations)
	for _, i := range u.Identities {
		n += 32 + len(i.Provider) + len(i.Subject)
	}
	return n
}

func sizeOfMemberships(all []events.Membership) (n int) {
	for _, o := range all {
		n += 64 + len(o.Organization)
		for _, r := range o.Roles {
			n += 16 + len(r)
		}
	}
	return n
}

func sizeOfCredential(c Credential) int {
	n := 2*perEntry + len(c.ID) + len(c.UserID) + len(c.Name) + len(c.IP) + len(c.SecretHash)
	for _, s := range c.Scopes {
		n += 16 + len(s)
	}
	for _, r := range c.AllowList {
		n += 32 + len(r.Type) + len(r.ID)
	}
	for _, r := range c.Account.Roles {
		n += 16 + len(r)
	}
	return n + sizeOfMemberships(c.Account.Memberships)
}

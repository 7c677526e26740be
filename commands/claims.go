package commands

import (
	"slices"
	"strings"

	"github.com/rosterhq/roster/events"
)

// The kinds of claims.
const (
	claimUsername            = "username"
	claimEmail               = "email"
	claimIdentity            = "identity"
	claimOrganization        = "organization"
	claimDefaultOrganization = "default-organization"
	claimFirstUser           = "first-user"
	// claimOwners is the register of owners that are neither suspended nor
	// deleted: its holder is their sorted, comma-joined ids.
	claimOwners = "owners"
	// claimCommand is held by what a command with an idempotency key made, so that
	// its repeat finds it whatever it was named.
	claimCommand     = "command"
	claimNumber      = "number"  // held by the user who brought the number along
	claimKey         = "key"     // held by the user who brought a key of this id along
	claimReadableKey = "api-key" // held by the user to whom a readable key leads
	claimGroup       = "group"   // held by the live group of that name
	// claimWorkspace is held by the live workspace of that name.
	claimWorkspace = "workspace"
	// claimWorkspacesOf is the register of how many live workspaces a user owns:
	// its holder is their number, or ownerDeleted.
	claimWorkspacesOf = "workspaces-of"
	// claimAdminsOf is a turn at taking one of an organization's admins away where
	// another must remain: its holder is how often that was done.
	claimAdminsOf = "admins-of"
)

func usernameClaim(s string) events.Claim { return events.Claim{Kind: claimUsername, Value: fold(s)} }
func emailClaim(s string) events.Claim    { return events.Claim{Kind: claimEmail, Value: fold(s)} }
func commandClaim(id string) events.Claim { return events.Claim{Kind: claimCommand, Value: id} }
func ownersClaim() events.Claim           { return events.Claim{Kind: claimOwners} }
func firstUserClaim() events.Claim        { return events.Claim{Kind: claimFirstUser} }

// isRegister says that a claim is about many things at once, which all change it.
func isRegister(c events.Claim) bool {
	return c.Kind == claimOwners || c.Kind == claimWorkspacesOf || c.Kind == claimAdminsOf
}

func identityClaim(id events.Identity) events.Claim {
	return events.Claim{Kind: claimIdentity, Value: id.Provider + ":" + id.Subject}
}

// heldClaims are the names that a live user holds.
func heldClaims(u User) []events.Claim {
	var out []events.Claim
	if u.Username != "" {
		out = append(out, usernameClaim(u.Username))
	}
	if u.Email != "" {
		out = append(out, emailClaim(u.Email))
	}
	for _, id := range u.Identities {
		out = append(out, identityClaim(id))
	}
	return append(out, readableKeyOf(u)...)
}

// take makes a claim, whatever the log holds of it now: whether it is free was
// decided before.
func (f facts) take(c events.Claim, holder string) events.ClaimChange {
	return events.ClaimChange{Claim: c, Expected: f.claims[c].Sequence, Holder: holder}
}

// release frees a claim. One that somebody else holds is not ours to free.
func (f facts) release(c events.Claim, holder string) []events.ClaimChange {
	if f.claims[c].Holder != holder {
		return nil
	}
	return []events.ClaimChange{{Claim: c, Expected: f.claims[c].Sequence}}
}

func (f facts) takenByOther(c events.Claim, id string) bool {
	holder := f.claims[c].Holder
	return holder != "" && holder != id
}

// activeOwner says whether a user belongs into the register of owners.
func activeOwner(status events.Status, roles []events.Role) bool {
	return slices.Contains(roles, events.RoleOwner) && status != events.StatusSuspended && status != events.StatusDeleted
}

const reasonLastOwner = "last-owner"

// moveOwner brings the register of owners in line with what becomes of a user.
// The last one can not leave it.
func (f facts) moveOwner(id string, was, is bool) ([]events.ClaimChange, *Error) {
	if was == is {
		return nil, nil
	}
	var ids []string
	if holder := f.claims[ownersClaim()].Holder; holder != "" {
		ids = strings.Split(holder, ",")
	}
	if is {
		ids = append(ids, id)
	} else {
		ids = slices.DeleteFunc(ids, func(other string) bool { return other == id })
	}
	if len(ids) == 0 {
		return nil, &Error{Code: Precondition, Reason: reasonLastOwner, Message: "the last owner can not be deleted, suspended or demoted"}
	}
	slices.Sort(ids)
	return []events.ClaimChange{f.take(ownersClaim(), strings.Join(slices.Compact(ids), ","))}, nil
}

package commands

import (
	"slices"

	"github.com/rosterhq/roster/events"
)

// roleMember is everybody's role; it is never stored.
const roleMember events.Role = "member"

// SiteRoles lists the site roles that can be granted.
func SiteRoles() []events.Role {
	return []events.Role{
		events.RoleOwner, events.RoleUserAdmin, events.RoleTemplateAdmin,
		events.RoleAuditor, events.RoleTester, events.RoleSystem,
	}
}

// checkRoles sorts roles and drops repeats and the implicit one.
func checkRoles(in []events.Role, p *problems) []events.Role {
	out := make([]events.Role, 0, len(in))
	for _, r := range in {
		if r == roleMember {
			continue
		}
		if !slices.Contains(SiteRoles(), r) {
			p.add("roles", "unknown", "there is no such role: "+printable(string(r)))
			continue
		}
		out = append(out, r)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// without returns the members of a that are not in b.
func without[T comparable](a, b []T) []T {
	var out []T
	for _, r := range a {
		if !slices.Contains(b, r) {
			out = append(out, r)
		}
	}
	return out
}

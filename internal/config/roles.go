package config

import (
	"encoding/json"
	"slices"
)

// SiteRoles lists the roles that a provider of identities can give.
func SiteRoles() []string {
	return []string{"owner", "user-admin", "template-admin", "auditor", "tester", "system"}
}

// roleClaim reads how the provider tells who has which site roles.
func (p *checker) roleClaim(c *OIDC, f signInFlags) {
	const field, mapping, defaults = "ROSTER_OIDC_ROLE_FIELD", "ROSTER_OIDC_ROLE_MAPPING", "ROSTER_OIDC_ROLE_DEFAULT"
	c.RoleField, c.RoleDefaults = f.OIDCRoleField, listed(f.OIDCRoleDefault)
	p.siteRoles(defaults, c.RoleDefaults)
	if f.OIDCRoleMapping != "" && json.Unmarshal([]byte(f.OIDCRoleMapping), &c.RoleMapping) != nil {
		p.problem(mapping, `must be a JSON object of lists, such as {"staff":["auditor"]}, not %q`, f.OIDCRoleMapping)
	}
	for _, roles := range c.RoleMapping {
		p.siteRoles(mapping, roles)
	}
	if c.RoleField == "" && len(c.RoleDefaults)+len(c.RoleMapping) > 0 {
		p.problem(field, "is required beside %s and %s", mapping, defaults)
	}
}

func (p *checker) siteRoles(name string, roles []string) {
	for _, r := range roles {
		if !slices.Contains(SiteRoles(), r) {
			p.problem(name, "names a role that does not exist: %q", r)
		}
	}
}

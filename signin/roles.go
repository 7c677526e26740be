package signin

import (
	"fmt"
	"slices"

	"github.com/rosterhq/roster/events"
)

// RoleClaim says how a provider tells who has which site roles. The zero value is
// that it does not.
type RoleClaim struct {
	// Field is the claim: a text, or a list of texts. Who has none has Defaults alone.
	Field string
	// Mapping is what each text of the claim stands for. One that is not in it is the
	// role of that name where it is one of Direct, and nothing otherwise.
	Mapping map[string][]events.Role
	// Defaults are the roles of everybody who signs in.
	Defaults []events.Role
}

// Direct lists the roles that a claim grants by their own names. Others have to be
// mapped: a provider's group may have their name by chance.
func Direct() []events.Role {
	return []events.Role{events.RoleOwner, events.RoleUserAdmin, events.RoleTemplateAdmin, events.RoleAuditor}
}

// maxRoleTexts bounds what is read of a claim of roles.
const maxRoleTexts = 1000

// of returns the roles that claims grant, sorted; nil where roles are none of the
// provider's business.
func (c RoleClaim) of(claims map[string]any) ([]events.Role, error) {
	if c.Field == "" {
		return nil, nil
	}
	said, err := c.texts(claims[c.Field])
	if err != nil {
		return nil, err
	}
	roles := append([]events.Role{}, c.Defaults...)
	for _, text := range said {
		if mapped, ok := c.Mapping[text]; ok {
			roles = append(roles, mapped...)
		} else if role := events.Role(text); slices.Contains(Direct(), role) {
			roles = append(roles, role)
		}
	}
	slices.Sort(roles)
	return slices.Compact(roles), nil
}

// texts reads the claim. One of another kind refuses the sign-in: nobody gains or
// loses roles by a mistake in the provider's configuration.
func (c RoleClaim) texts(claim any) ([]string, error) {
	switch claim := claim.(type) {
	case nil:
		return nil, nil
	case string:
		return []string{claim}, nil
	case []any:
		out := make([]string, 0, len(claim))
		for _, e := range claim {
			text, ok := e.(string)
			if !ok {
				return nil, c.bad("must hold texts alone")
			}
			out = append(out, text)
		}
		if len(out) > maxRoleTexts {
			return nil, c.bad(fmt.Sprintf("must hold at most %d texts", maxRoleTexts))
		}
		return out, nil
	default:
		return nil, c.bad("must be a text or a list of texts")
	}
}

func (c RoleClaim) bad(rule string) *Error {
	return &Error{Reason: BadRoles, Detail: fmt.Sprintf("claim %q %s", c.Field, rule)}
}

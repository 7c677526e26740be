package projtest

import (
	"encoding/json"
	"fmt"

	"github.com/rosterhq/roster/events"
)

// organization makes, changes or ends one, in any order: repeats and changes of
// what is not there must do nothing.
func (h *History) organization(n uint64) events.Draft {
	id, text := UUID(2, n), fmt.Sprintf("org-%d", h.serial)
	switch h.rand.IntN(4) {
	case 0:
		return h.Draft(id, &events.OrganizationUpdated{Name: &text, Icon: &text})
	case 1:
		return h.Draft(id, &events.OrganizationDeleted{})
	default:
		return h.Draft(id, &events.OrganizationCreated{Number: int64(n), Name: text, DisplayName: "D", Default: n == 1})
	}
}

func (h *History) membership(user string, n uint64) events.Draft {
	id, roles := UUID(2, n%5), []string{events.OrganizationAdmin, events.OrganizationAuditor}[:n%3]
	switch h.rand.IntN(4) {
	case 0:
		return h.Draft(user, &events.UserMembershipRemoved{Organization: id})
	case 1:
		return h.Draft(user, &events.UserOrganizationRolesAssigned{Organization: id, Roles: roles})
	default:
		return h.Draft(user, &events.UserMembershipAdded{Membership: events.Membership{Organization: id, Roles: roles}})
	}
}

func (h *History) possession(user string, n int) events.Draft {
	switch n % 3 {
	case 0:
		return h.Draft(user, &events.UserSSHKeyGenerated{Sealed: events.Seal(events.UserSSHKeyPrivate{
			PublicKey: fmt.Sprintf("ssh-ed25519 %d\n", n), PrivateKey: "secret",
		})})
	case 1:
		return h.Draft(user, &events.UserParameterRecorded{
			Sealed: events.Seal(events.UserParameterPrivate{Value: fmt.Sprint(n)}), TemplateID: UUID(4, uint64(n%2)), Name: fmt.Sprint("p", n%4),
		})
	default:
		claims := json.RawMessage(fmt.Sprintf(`{"sub": "%d", "nul": "\u0000"}`, n))
		return h.Draft(user, &events.UserProviderAnswered{
			Sealed: events.Seal(events.UserProviderPrivate{Claims: claims[:len(claims)*(n%2)]}), Provider: "oidc",
		})
	}
}

func (h *History) skill(n uint64) events.Draft {
	id, text := UUID(3, n), fmt.Sprintf("text-%d", h.serial)
	owner := UUID(1, n%7+1)
	switch h.rand.IntN(6) {
	case 0:
		return h.sealedFor(owner, h.Draft(id, &events.SkillUpdated{Sealed: events.Seal(events.SkillUpdatedPrivate{Description: text, Content: text})}))
	case 1:
		return h.Draft(id, &events.SkillDeleted{})
	default:
		return h.sealedFor(owner, h.Draft(id, &events.SkillCreated{
			Sealed: events.Seal(events.SkillCreatedPrivate{Name: fmt.Sprint("skill-", n), Content: text}), Owner: owner,
		}))
	}
}

// Skill makes a skill of a user.
func (h *History) Skill(owner, text string) events.Draft {
	return h.sealedFor(owner, h.Draft(UUID(3, 999), &events.SkillCreated{
		Sealed: events.Seal(events.SkillCreatedPrivate{Name: text, Description: text, Content: text}), Owner: owner,
	}))
}

func (h *History) sealedFor(user string, d events.Draft) events.Draft {
	d.Meta.SealedFor = user
	return d
}

func (h *History) account(user string, n int) events.Draft {
	switch n % 4 {
	case 0:
		return h.Draft(user, &events.UserBecameDormant{LastSeenAt: Epoch})
	case 1:
		return h.Draft(user, &events.UserConfirmed{})
	case 2:
		return h.Draft(user, &events.UserLoginTypeChanged{LoginType: events.LoginOIDC})
	default:
		return h.Draft(user, &events.UserIdentityLinked{Sealed: events.Seal(events.Identity{Provider: "oidc", Subject: fmt.Sprint(n % 3)})})
	}
}

package commands

import (
	"strconv"

	"github.com/rosterhq/roster/events"
)

// maxSkills is how many skills a user may have.
const maxSkills = 100

// The claims of skills.
const (
	claimSkill = "skill" // of a name among a user's skills; its holder is the skill
	// claimSkillsOf is the register of a user's skills: its holder is their number,
	// or ownerDeleted. So neither the bound nor the end of a user is overrun by a race.
	claimSkillsOf = "skills-of"
)

func skillClaim(owner, name string) events.Claim {
	return events.Claim{Kind: claimSkill, Value: owner + "/" + name}
}

func skillsOfClaim(owner string) events.Claim {
	return events.Claim{Kind: claimSkillsOf, Value: owner}
}

// skills is what can happen to a skill: created, updated, deleted.
// A text of 64 KiB in each of many updates is too much to read at the next one.
var skills = aggregateKind[Skill]{
	kind: events.Skill, evolve: evolveSkill, format: 1, sealedFor: func(s Skill) string { return s.Owner },
}

// skillOwner is the user whose skill it is.
type skillOwner struct {
	id   string
	gone bool // deleted; a deletion from then on is met at the claim on the number
}

func (o skillOwner) refused(f facts) *Error {
	if o.gone || f.claims[skillsOfClaim(o.id)].Holder == ownerDeleted {
		return &Error{Code: Precondition, Reason: "deleted-user", Message: "this user is deleted"}
	}
	return nil
}

// The commands on skills.
type (
	createSkill struct {
		id      string
		owner   skillOwner
		text    skillText
		content string
	}
	updateSkill struct {
		owner   skillOwner
		text    skillText
		content string
	}
	deleteSkill struct {
		owner skillOwner
		name  string
		// command is the claim on the command, where a repeat is to find the skill
		// whose name is free by then.
		command *events.ClaimChange
	}
)

func (c createSkill) authorize(_ Skill, a Actor) *Error {
	return allow(a, CreateSkills, c.owner.id)
}

func (c updateSkill) authorize(_ Skill, a Actor) *Error {
	return allow(a, UpdateSkills, c.owner.id)
}

func (c deleteSkill) authorize(_ Skill, a Actor) *Error {
	return allow(a, DeleteSkills, c.owner.id)
}

func (c createSkill) claims(Skill) []events.Claim {
	return []events.Claim{skillClaim(c.owner.id, c.text.name), skillsOfClaim(c.owner.id)}
}

func (c updateSkill) claims(Skill) []events.Claim { return []events.Claim{skillsOfClaim(c.owner.id)} }

func (c deleteSkill) claims(Skill) []events.Claim {
	return []events.Claim{skillClaim(c.owner.id, c.name), skillsOfClaim(c.owner.id)}
}

func (c createSkill) decide(_ Skill, f facts) (decision, *Error) {
	if err := c.owner.refused(f); err != nil {
		return decision{}, err
	}
	name, register := skillClaim(c.owner.id, c.text.name), skillsOfClaim(c.owner.id)
	if f.takenByOther(name, c.id) {
		return decision{}, &Error{
			Code: Conflict, Reason: "taken", Message: "a skill with this name exists already",
			Fields: []FieldError{{Field: "name", Rule: "taken", Detail: "this name is already in use"}},
		}
	}
	if f.owned(register) >= maxSkills {
		return decision{}, &Error{
			Code: Precondition, Reason: "too-many-skills", Message: "a user may have at most " + strconv.Itoa(maxSkills) + " skills",
		}
	}
	return decision{
		events: []events.Payload{&events.SkillCreated{
			Sealed: events.Seal(events.SkillCreatedPrivate{
				Name: c.text.name, Description: c.text.description, Content: c.content,
			}),
			Owner: c.owner.id,
		}},
		claims:    []events.ClaimChange{f.take(name, c.id), f.moveOwned(register, 1)},
		sealedFor: c.owner.id,
	}, nil
}

func (c updateSkill) decide(sk Skill, f facts) (decision, *Error) {
	if err := c.owner.refused(f); err != nil {
		return decision{}, err
	}
	if !sk.exists() {
		return decision{}, errNoSkill()
	}
	if sk.Content == c.content {
		return decision{}, nil
	}
	return decision{
		events: []events.Payload{&events.SkillUpdated{
			Sealed: events.Seal(events.SkillUpdatedPrivate{Description: c.text.description, Content: c.content}),
		}},
		sealedFor: c.owner.id,
	}, nil
}

func (c deleteSkill) decide(sk Skill, f facts) (decision, *Error) {
	if err := c.owner.refused(f); err != nil {
		return decision{}, err
	}
	if !sk.exists() {
		return decision{}, errNoSkill()
	}
	d := decision{
		events: []events.Payload{&events.SkillDeleted{}},
		claims: append(f.release(skillClaim(c.owner.id, c.name), sk.ID), f.moveOwned(skillsOfClaim(c.owner.id), -1)),
	}
	if c.command != nil {
		d.claims = append(d.claims, *c.command)
	}
	return d, nil
}

func (s Skill) exists() bool { return s.ID != "" && !s.Deleted }

func errNoSkill() *Error {
	return &Error{Code: NotFound, Reason: "skill", Message: "there is no such skill"}
}

// evolveSkill folds one event into a state.
func evolveSkill(s Skill, e events.Recorded) Skill {
	switch p := e.Payload.(type) {
	case *events.SkillCreated:
		return Skill{
			ID: e.Aggregate.ID, Owner: p.Owner, Name: p.Private.Name, Description: p.Private.Description,
			Content: p.Private.Content, CreatedAt: e.Time, UpdatedAt: e.Time,
		}
	case *events.SkillUpdated:
		s.Description, s.Content = p.Private.Description, p.Private.Content
	case *events.SkillDeleted:
		s.Deleted = true
	default:
		return s
	}
	s.UpdatedAt = e.Time
	return s
}

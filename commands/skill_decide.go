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
	// claimSkillsOf holds how many skills a user has. Each creation and deletion
	// moves it, and the user's deletion too: so neither the bound nor the end of a
	// user is overrun by a race.
	claimSkillsOf = "skills-of"
)

func skillClaim(owner, name string) events.Claim {
	return events.Claim{Kind: claimSkill, Value: owner + "/" + name}
}

func skillsOfClaim(owner string) events.Claim {
	return events.Claim{Kind: claimSkillsOf, Value: owner}
}

// skills is what can happen to a skill: created, updated, deleted.
var skills = aggregateKind[Skill]{kind: events.Skill, evolve: evolveSkill}

// skillOwner is what a command on a skill knows of the user whose skill it is.
type skillOwner struct {
	id   string
	gone bool // deleted, or never was
	// count is the claim on the number of skills, looked up BEFORE the user: a
	// deletion between the two makes the append fail.
	count events.ClaimState
}

func (o skillOwner) refused() *Error {
	if o.gone {
		return &Error{Code: Precondition, Reason: "deleted-user", Message: "this user is deleted"}
	}
	return nil
}

// counted is the number of skills after one more or one less.
func (o skillOwner) counted(change int) (int, events.ClaimChange) {
	count, _ := strconv.Atoi(o.count.Holder) // none yet is 0
	count = max(count+change, 0)
	return count, events.ClaimChange{
		Claim: skillsOfClaim(o.id), Expected: o.count.Sequence, Holder: strconv.Itoa(count),
	}
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
	return permitted(a, CreateSkills, c.owner.id)
}

func (c updateSkill) authorize(_ Skill, a Actor) *Error {
	return permitted(a, UpdateSkills, c.owner.id)
}

func (c deleteSkill) authorize(_ Skill, a Actor) *Error {
	return permitted(a, DeleteSkills, c.owner.id)
}

func permitted(a Actor, action Action, owner string) *Error {
	if !Allowed(a, action, owner) {
		return forbidden(action)
	}
	return nil
}

func (c createSkill) claims(Skill) []events.Claim {
	return []events.Claim{skillClaim(c.owner.id, c.text.name)}
}

func (updateSkill) claims(Skill) []events.Claim { return nil }

func (c deleteSkill) claims(Skill) []events.Claim {
	return []events.Claim{skillClaim(c.owner.id, c.name)}
}

func (c createSkill) decide(_ Skill, f facts) (decision, *Error) {
	if err := c.owner.refused(); err != nil {
		return decision{}, err
	}
	name := skillClaim(c.owner.id, c.text.name)
	if f.takenByOther(name, c.id) {
		return decision{}, &Error{
			Code: Conflict, Reason: "taken", Message: "a skill with this name exists already",
			Fields: []FieldError{{Field: "name", Rule: "taken", Detail: "this name is already in use"}},
		}
	}
	count, counted := c.owner.counted(1)
	if count > maxSkills {
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
		claims:    []events.ClaimChange{f.take(name, c.id), counted},
		sealedFor: c.owner.id,
	}, nil
}

func (c updateSkill) decide(sk Skill, _ facts) (decision, *Error) {
	if err := c.owner.refused(); err != nil {
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
	if err := c.owner.refused(); err != nil {
		return decision{}, err
	}
	if !sk.exists() {
		return decision{}, errNoSkill()
	}
	_, counted := c.owner.counted(-1)
	d := decision{
		events: []events.Payload{&events.SkillDeleted{}},
		claims: append(f.release(skillClaim(c.owner.id, c.name), sk.ID), counted),
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

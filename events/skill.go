package events

// SkillCreated starts a personal skill: instructions that a user wrote for agents.
// It is sealed under its owner's key, though an aggregate of its own.
type SkillCreated struct {
	Sealed[SkillCreatedPrivate]
	Owner string `json:"owner"` // a user's id
}

// SkillCreatedPrivate is the sealed part of SkillCreated.
type SkillCreatedPrivate struct {
	Name        string `json:"name"`                  // a slug, unique among the owner's skills
	Description string `json:"description,omitempty"` // what it is for, from the front matter
	Content     string `json:"content"`               // the whole text with its front matter
}

// EventType implements Payload.
func (*SkillCreated) EventType() Type { return "roster.skill.created.v1" }

// SkillUpdated is a new text of a skill; its name never changes.
type SkillUpdated struct {
	Sealed[SkillUpdatedPrivate]
}

// SkillUpdatedPrivate is the sealed part of SkillUpdated.
type SkillUpdatedPrivate struct {
	Description string `json:"description,omitempty"` // what it is for, from the front matter
	Content     string `json:"content"`               // the whole text with its front matter
}

// EventType implements Payload.
func (*SkillUpdated) EventType() Type { return "roster.skill.updated.v1" }

// SkillDeleted ends a skill and frees its name.
type SkillDeleted struct{}

// EventType implements Payload.
func (*SkillDeleted) EventType() Type { return "roster.skill.deleted.v1" }

func registerSkill(c *Catalogue) {
	Register[SkillCreated](c, Roster, "A user wrote a skill.")
	Register[SkillUpdated](c, Roster, "A user changed a skill.")
	Register[SkillDeleted](c, Roster, "A skill was deleted and its name freed.")
}

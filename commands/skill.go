package commands

import (
	"context"
	"fmt"

	"github.com/rosterhq/roster/events"
)

// WriteSkill creates a skill (Name ""), or replaces the text of one, whose name
// stays. Who may not write it is told that before what is wrong with the text.
func (s *Service) WriteSkill(ctx context.Context, r Request, c WriteSkill) (SkillResult, error) {
	action := UpdateSkills
	if c.Name == "" {
		action = CreateSkills
	}
	owner, err := skillsOwner(r.Actor, action, c.UserID)
	if err != nil {
		return SkillResult{}, err
	}
	var p problems
	text := p.parseSkill(c.Content)
	if p.err() == nil && c.Name != "" && text.name != c.Name {
		p.skill("name", "the name in the front matter must stay "+printable(c.Name))
	}
	if err := p.err(); err != nil {
		return SkillResult{}, err
	}
	if c.Name != "" {
		return s.updateSkill(ctx, r, owner, text, c.Content)
	}
	id := s.newID()
	return s.onSkill(ctx, r, owner, task[Skill]{
		kind: skills, id: id, creates: true,
		build: s.withSkillOwner(owner, func(o skillOwner) aggregateCommand[Skill] {
			return createSkill{id: id, owner: o, text: text, content: c.Content}
		}),
	})
}

func (s *Service) updateSkill(ctx context.Context, r Request, owner string, text skillText, content string) (SkillResult, error) {
	id, err := s.findSkill(ctx, owner, text.name)
	if err != nil {
		return SkillResult{}, err
	}
	return s.onSkill(ctx, r, owner, task[Skill]{
		kind: skills, id: id,
		build: s.withSkillOwner(owner, func(o skillOwner) aggregateCommand[Skill] {
			return updateSkill{owner: o, text: text, content: content}
		}),
	})
}

// DeleteSkill ends a skill and frees its name.
func (s *Service) DeleteSkill(ctx context.Context, r Request, userID, name string) (SkillResult, error) {
	owner, err := skillsOwner(r.Actor, DeleteSkills, userID)
	if err != nil {
		return SkillResult{}, err
	}
	if len(name) > maxSkillName || !skillName.MatchString(name) { // nothing is named so
		return SkillResult{}, errNoSkill()
	}
	id, command, err := s.skillToDelete(ctx, r, owner, name)
	if err != nil {
		return SkillResult{}, err
	}
	if command != nil {
		command.Holder = holderOf(events.Skill, id)
	}
	return s.onSkill(ctx, r, owner, task[Skill]{
		kind: skills, id: id,
		build: s.withSkillOwner(owner, func(o skillOwner) aggregateCommand[Skill] {
			return deleteSkill{owner: o, name: name, command: command}
		}),
	})
}

// skillToDelete finds a skill by its name, or by the very command that deleted it.
func (s *Service) skillToDelete(ctx context.Context, r Request, owner, name string) (string, *events.ClaimChange, error) {
	env := s.envelope(r)
	if !env.keyed() {
		id, err := s.findSkill(ctx, owner, name)
		return id, nil, err
	}
	claim := commandClaim(env.commandID)
	held, err := s.log.Claim(ctx, claim)
	if err != nil {
		return "", nil, refusal(fmt.Errorf("look up command: %w", err))
	}
	command := &events.ClaimChange{Claim: claim, Expected: held.Sequence}
	if held.Holder != "" {
		kind, id := heldBy(held.Holder)
		if deleted, err := s.deletedSkill(ctx, env, kind, id); deleted || err != nil {
			return id, command, refusal(err)
		}
	}
	id, err := s.findSkill(ctx, owner, name)
	return id, command, err
}

// deletedSkill says whether a skill was deleted by this very command, which will
// then be answered as the first time.
func (s *Service) deletedSkill(ctx context.Context, env envelope, kind events.Kind, id string) (bool, error) {
	if kind != events.Skill {
		return false, s.reusedFor(ctx, env, kind, id)
	}
	st, err := load(ctx, s, skills, id)
	if err != nil {
		return false, err
	}
	_, ok, err := answered(st, env)
	return ok, err
}

// skillsOwner returns the id of the user whose skills a command is about.
func skillsOwner(actor Actor, action Action, userID string) (string, error) {
	id, ok := canonicalID(userID)
	if !Allowed(actor, action, id) {
		return "", forbidden(action)
	}
	if !ok {
		return "", errNoUser()
	}
	return id, nil
}

// findSkill returns the id of a user's skill by its name.
func (s *Service) findSkill(ctx context.Context, owner, name string) (string, error) {
	held, err := s.log.Claim(ctx, skillClaim(owner, name))
	if err != nil {
		return "", refusal(fmt.Errorf("look up skill: %w", err))
	}
	if held.Holder == "" {
		return "", errNoSkill()
	}
	return held.Holder, nil
}

// withSkillOwner makes the build of a command that needs to know about the owner.
func (s *Service) withSkillOwner(owner string, command func(skillOwner) aggregateCommand[Skill]) func(context.Context) (aggregateCommand[Skill], error) {
	return func(ctx context.Context) (aggregateCommand[Skill], error) {
		st, err := s.states.fresh(ctx, owner)
		if err != nil {
			return nil, err
		}
		if st.user.ID == "" {
			return nil, errNoUser()
		}
		return command(skillOwner{id: owner, gone: !st.user.exists()}), nil
	}
}

// onSkill does one task. All skills of a user share their number: those who change
// it take turns inside this process.
func (s *Service) onSkill(ctx context.Context, r Request, owner string, t task[Skill]) (SkillResult, error) {
	leave, err := s.queues.enter(ctx, claimSkillsOf+"/"+owner)
	if err != nil {
		return SkillResult{}, refusal(err)
	}
	defer leave()
	out, err := perform(ctx, s, r, t)
	if err != nil {
		return SkillResult{}, err
	}
	return SkillResult{Skill: out.state, Position: out.position, Changed: out.changed, Repeated: out.repeated}, nil
}

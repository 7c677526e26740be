package commands

import (
	"context"
	"fmt"

	"github.com/rosterhq/roster/events"
)

// GroupResult is the answer to a command about a group.
type GroupResult struct {
	Group    Group // the state after it
	Position events.Position
	Changed  bool
	Repeated bool
}

// CreateGroup makes a group. Names are unique among those that are not deleted,
// ignoring case.
func (s *Service) CreateGroup(ctx context.Context, r Request, name string) (GroupResult, error) {
	if refused := allowGroups(r.Actor); refused != nil {
		return GroupResult{}, refused
	}
	var p problems
	if p.groupName(name); p.err() != nil {
		return GroupResult{}, p.err()
	}
	number, err := s.groupNumbers.take(ctx)
	if err != nil {
		return GroupResult{}, refusal(fmt.Errorf("take a number: %w", err))
	}
	c := createGroup{id: s.newID(), number: number, name: name}
	out, err := perform(ctx, s, r, task[Group]{kind: groups, id: c.id, creates: true, build: ready[Group](c)})
	if unused(out.repeated, err) {
		s.groupNumbers.giveBack(number)
	}
	return GroupResult{out.state, out.position, out.changed, out.repeated}, err
}

// RenameGroup gives a group another name.
func (s *Service) RenameGroup(ctx context.Context, r Request, id, name string) (GroupResult, error) {
	var p problems
	p.groupName(name)
	return s.onGroup(ctx, r, id, &p, ready[Group](renameGroup{name: name}))
}

// AddToGroup takes a user into a group; one who is there already stays.
func (s *Service) AddToGroup(ctx context.Context, r Request, id, userID string) (GroupResult, error) {
	user, known := canonicalID(userID)
	return s.onGroup(ctx, r, id, &problems{}, func(ctx context.Context) (aggregateCommand[Group], error) {
		if !known {
			return nil, errNoUser()
		}
		st, err := s.states.fresh(ctx, user)
		if err != nil {
			return nil, err
		}
		if !st.user.exists() {
			return nil, errNoUser()
		}
		return addToGroup{user: user}, nil
	})
}

// RemoveFromGroup takes a user out of a group; one who is not there stays out.
func (s *Service) RemoveFromGroup(ctx context.Context, r Request, id, userID string) (GroupResult, error) {
	user, known := canonicalID(userID)
	return s.onGroup(ctx, r, id, &problems{}, func(context.Context) (aggregateCommand[Group], error) {
		if !known {
			return nil, errNoUser()
		}
		return removeFromGroup{user: user}, nil
	})
}

// DeleteGroup ends a group and what it gave its members.
func (s *Service) DeleteGroup(ctx context.Context, r Request, id string) (GroupResult, error) {
	return s.onGroup(ctx, r, id, &problems{}, ready[Group](deleteGroup{}))
}

// onGroup does a command on a group that may or may not exist: only who may change
// groups learns that.
func (s *Service) onGroup(
	ctx context.Context, r Request, id string, p *problems, build func(context.Context) (aggregateCommand[Group], error),
) (GroupResult, error) {
	if refused := allowGroups(r.Actor); refused != nil {
		return GroupResult{}, refused
	}
	if err := p.err(); err != nil {
		return GroupResult{}, err
	}
	id, ok := canonicalID(id)
	if !ok {
		return GroupResult{}, errNoGroup()
	}
	out, err := perform(ctx, s, r, task[Group]{kind: groups, id: id, build: build})
	return GroupResult{out.state, out.position, out.changed, out.repeated}, err
}

func (p *problems) groupName(name string) {
	if name == "" {
		p.add("name", "required", "must be given")
		return
	}
	p.token("name", name, maxName)
}

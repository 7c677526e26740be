package commands

import (
	"context"
	"fmt"
	"regexp"

	"github.com/rosterhq/roster/events"
)

// Limits of what is told about an organization.
const (
	maxDisplayNameBytes = 64
	maxDescription      = 2048
)

var displayNameForm = regexp.MustCompile(`^\S(.*\S)?$`)

func defaultOrganizationClaim() events.Claim { return events.Claim{Kind: claimDefaultOrganization} }

// knownOrganization is what was found of an organization at an event.
type knownOrganization struct {
	tip  events.Tip
	live bool
}

// CreateOrganization makes an organization. Names are unique among those that are
// not deleted, ignoring case.
func (s *Service) CreateOrganization(ctx context.Context, r Request, c CreateOrganization) (OrganizationResult, error) {
	var p problems
	p.organization(UpdateOrganization{Name: &c.Name, DisplayName: &c.DisplayName, Description: &c.Description, Icon: &c.Icon})
	if refused := allowIn(r.Actor, CreateOrganizations, ""); refused != nil {
		return OrganizationResult{}, refused
	}
	if err := p.err(); err != nil {
		return OrganizationResult{}, err
	}
	number, err := s.organizationNumber(ctx)
	if err != nil {
		return OrganizationResult{}, refusal(err)
	}
	command := createOrganization{CreateOrganization: c, id: s.newID(), number: number}
	out, err := perform(ctx, s, r, task[Organization]{
		kind: organizations, id: command.id, creates: true, build: ready[Organization](command),
	})
	if unused(out.repeated, err) {
		s.organizationNumbers.giveBack(number)
	}
	return OrganizationResult{out.state, out.position, out.changed, out.repeated}, err
}

// organizationNumber takes a number; that of the default organization is nobody
// else's.
func (s *Service) organizationNumber(ctx context.Context) (int64, error) {
	for {
		number, err := s.organizationNumbers.take(ctx)
		if err != nil {
			return 0, fmt.Errorf("take a number: %w", err)
		}
		if number != events.DefaultOrganizationNumber {
			return number, nil
		}
	}
}

// unused says that what a creation took beforehand lies in no event: it was a
// repeat, or was refused. After Unavailable the log may hold it all the same.
func unused(repeated bool, err error) bool {
	return repeated || err != nil && CodeOf(err) != "" && CodeOf(err) != Unavailable
}

// UpdateOrganization changes members of an organization.
func (s *Service) UpdateOrganization(ctx context.Context, r Request, c UpdateOrganization) (OrganizationResult, error) {
	var p problems
	p.organization(c)
	return s.onOrganization(ctx, r, c.ID, UpdateOrganizations, &p, func(id string) aggregateCommand[Organization] {
		c.ID = id
		return updateOrganization{c}
	})
}

// DeleteOrganization ends an organization and frees its name. Memberships in it
// mean nothing from then on.
func (s *Service) DeleteOrganization(ctx context.Context, r Request, id string) (OrganizationResult, error) {
	return s.onOrganization(ctx, r, id, DeleteOrganizations, &problems{}, func(string) aggregateCommand[Organization] {
		return deleteOrganization{}
	})
}

// onOrganization does a command whose form was checked. Who may not do it is told
// that before what is wrong with it.
func (s *Service) onOrganization(
	ctx context.Context, r Request, id string, action Action, p *problems, command func(id string) aggregateCommand[Organization],
) (OrganizationResult, error) {
	id, ok := canonicalID(id)
	if refused := allowIn(r.Actor, action, id); refused != nil {
		return OrganizationResult{}, refused
	}
	if err := p.err(); err != nil {
		return OrganizationResult{}, err
	}
	if !ok {
		return OrganizationResult{}, errNoOrganization()
	}
	out, err := perform(ctx, s, r, task[Organization]{kind: organizations, id: id, build: ready(command(id))})
	return OrganizationResult{out.state, out.position, out.changed, out.repeated}, err
}

func (p *problems) organization(c UpdateOrganization) {
	if c.Name != nil {
		p.slug("name", *c.Name)
		if *c.Name == "default" { // by which paths name the default organization, whatever its name is
			p.add("name", "reserved", `cannot use "default" as a name`)
		}
	}
	if c.DisplayName != nil && *c.DisplayName != "" && p.text("displayName", *c.DisplayName, maxDisplayNameBytes) {
		switch {
		case len(*c.DisplayName) > maxDisplayNameBytes:
			p.add("displayName", "too-long", "must be <= 64 characters")
		case !displayNameForm.MatchString(*c.DisplayName):
			p.add("displayName", "format", "must not have outer white space or line breaks")
		}
	}
	if c.Description != nil {
		p.text("description", *c.Description, maxDescription)
	}
	if c.Icon != nil {
		p.text("icon", *c.Icon, maxURL)
	}
}

// Organization returns a live organization.
func (s *Service) Organization(ctx context.Context, id string) (Organization, error) {
	id, ok := canonicalID(id)
	if !ok {
		return Organization{}, errNoOrganization()
	}
	found, err := load(ctx, s, organizations, id)
	if err != nil {
		return Organization{}, refusal(err)
	}
	if !found.state.exists() {
		return Organization{}, errNoOrganization()
	}
	return found.state, nil
}

// FindOrganization returns a live organization by its name, through the log alone.
func (s *Service) FindOrganization(ctx context.Context, name string) (Organization, error) {
	if len(name) > maxUsername {
		return Organization{}, errNoOrganization()
	}
	held, err := s.log.Claim(ctx, organizationClaim(name))
	if err != nil {
		return Organization{}, refusal(fmt.Errorf("look up organization: %w", err))
	}
	if held.Holder == "" {
		return Organization{}, errNoOrganization()
	}
	return s.Organization(ctx, held.Holder)
}

// ensureDefaultOrganization returns the id of the default organization. It has a
// claim of its own, so that it is found whatever its name becomes. Several
// processes may be at it.
func (s *Service) ensureDefaultOrganization(ctx context.Context) (string, error) {
	command := createOrganization{
		id: s.newID(), number: events.DefaultOrganizationNumber, isDefault: true,
		CreateOrganization: CreateOrganization{Name: defaultOrganizationName, DisplayName: defaultOrganizationDisplayName},
	}
	find := func() (string, error) {
		held, err := s.log.Claim(ctx, defaultOrganizationClaim())
		if err != nil {
			return "", fmt.Errorf("look up default organization: %w", err)
		}
		return held.Holder, nil
	}
	if id, err := find(); id != "" || err != nil {
		return id, err
	}
	_, err := perform(ctx, s, Request{Actor: Actor{UserID: SystemActor}, Reason: "first start"}, task[Organization]{
		kind: organizations, id: command.id, creates: true, build: ready[Organization](command),
	})
	if err == nil {
		return command.id, nil
	}
	if CodeOf(err) != Conflict {
		return "", err
	}
	id, again := find()
	if again != nil {
		return "", again
	}
	if id == "" { // its name is another's
		return "", err
	}
	return id, nil
}

// organizationExists says whether an organization is live. What was found is kept
// for as long as its last event stays the last.
func (s *Service) organizationExists(ctx context.Context, id string) (bool, error) {
	if id == s.defaultOrg {
		return true, nil
	}
	tip, err := s.log.LeaderTip(ctx, events.Aggregate{Kind: events.Organization, ID: id})
	if err != nil {
		return false, fmt.Errorf("look up organization: %w", err)
	}
	if tip.Sequence == 0 {
		return false, nil
	}
	if known, ok := s.knownOrgs.Get(id); ok && known.tip == tip {
		return known.live, nil
	}
	found, err := load(ctx, s, organizations, id)
	if err != nil {
		return false, err
	}
	s.knownOrgs.Add(id, knownOrganization{tip: found.tip, live: found.state.exists()})
	return found.state.exists(), nil
}

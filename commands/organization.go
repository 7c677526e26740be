package commands

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rosterhq/roster/events"
)

// The default organization, into which users come when none is named.
const (
	defaultOrganizationName        = "coder"
	defaultOrganizationDisplayName = "Coder"
)

// Organization is the folded state of an organization. The zero value is one
// that never was.
type Organization struct {
	ID          string
	Number      int64
	Name        string
	DisplayName string
	Description string
	Icon        string
	Default     bool
	Deleted     bool
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// Workspace is the folded state of a workspace. The zero value is one that never
// was.
type Workspace struct {
	ID          string
	Number      int64
	Name        string
	DisplayName string
	Owner       string
	Locations   []string
	Deleted     bool
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// Skill is the folded state of a personal skill. The zero value is one that never
// was.
type Skill struct {
	ID          string
	Owner       string
	Name        string
	Description string
	Content     string
	Deleted     bool
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// createOrganization makes an organization.
type createOrganization struct {
	id, name, displayName string
	isDefault             bool
}

func (c createOrganization) claims() []events.Claim {
	out := []events.Claim{{Kind: claimOrganization, Value: fold(c.name)}}
	if c.isDefault {
		out = append(out, events.Claim{Kind: claimDefaultOrganization})
	}
	return out
}

// decideOrganization is the list of what can happen to an organization.
func decideOrganization(o Organization, c createOrganization, f facts) (decision, *Error) {
	if o.ID != "" {
		return decision{}, &Error{Code: Conflict, Reason: "id", Message: "this id is in use"}
	}
	d := decision{events: []events.Payload{&events.OrganizationCreated{
		Number: events.DefaultOrganizationNumber, Name: c.name, DisplayName: c.displayName, Default: c.isDefault,
	}}}
	for _, claim := range c.claims() {
		if f.takenByOther(claim, c.id) {
			return decision{}, &Error{
				Code: Conflict, Reason: "taken", Message: "an organization with this name exists",
				Fields: []FieldError{{Field: "name", Rule: "taken", Detail: "this name is already in use"}},
			}
		}
		d.claims = append(d.claims, f.take(claim, c.id))
	}
	return d, nil
}

// evolveOrganization folds one event into a state.
func evolveOrganization(o Organization, e events.Recorded) Organization {
	if p, ok := e.Payload.(*events.OrganizationCreated); ok {
		return Organization{
			ID: e.Aggregate.ID, Number: p.Number, Name: p.Name, DisplayName: p.DisplayName, Default: p.Default,
			CreatedAt: e.Time, UpdatedAt: e.Time,
		}
	}
	return o
}

// ensureDefaultOrganization returns the id of the default organization. It has a
// claim of its own, so that it is found whatever its name becomes.
func (s *Service) ensureDefaultOrganization(ctx context.Context) (string, error) {
	c := createOrganization{
		id: s.newID(), name: defaultOrganizationName, displayName: defaultOrganizationDisplayName, isDefault: true,
	}
	for try := range maxTries {
		if try > 0 {
			if err := pause(ctx, time.Millisecond<<min(try, 5)); err != nil {
				return "", err
			}
		}
		f := facts{now: s.now(), claims: map[events.Claim]events.ClaimState{}}
		for _, claim := range c.claims() {
			held, err := s.log.Claim(ctx, claim)
			if err != nil {
				return "", fmt.Errorf("look up claim of kind %s: %w", claim.Kind, err)
			}
			f.claims[claim] = held
		}
		if holder := f.claims[events.Claim{Kind: claimDefaultOrganization}].Holder; holder != "" {
			return holder, nil
		}
		d, refused := decideOrganization(Organization{}, c, f)
		if refused != nil {
			return "", refused
		}
		err := s.appendOrganization(ctx, c.id, d)
		if err == nil {
			return c.id, nil
		}
		if !errors.Is(err, events.ErrConflict) {
			return "", err
		}
	}
	return "", fmt.Errorf("after %d tries: %w", maxTries, events.ErrConflict)
}

func (s *Service) appendOrganization(ctx context.Context, id string, d decision) error {
	env := s.envelope(Request{Actor: Actor{UserID: SystemActor}})
	commit := events.Commit{Aggregate: events.Aggregate{Kind: events.Organization, ID: id}, Claims: d.claims}
	for _, p := range d.events {
		commit.Events = append(commit.Events, events.Draft{Meta: s.meta(env, commit.Aggregate, p), Payload: p})
	}
	if _, err := s.log.Append(ctx, commit); err != nil {
		return fmt.Errorf("append organization: %w", err)
	}
	return nil
}

// Organization returns an organization.
func (s *Service) Organization(ctx context.Context, id string) (Organization, error) {
	id, ok := canonicalID(id)
	if !ok {
		return Organization{}, errNoOrganization()
	}
	recorded, err := s.log.Read(ctx, events.Aggregate{Kind: events.Organization, ID: id}, 1)
	if err != nil {
		return Organization{}, refusal(fmt.Errorf("read organization %s: %w", id, err))
	}
	var o Organization
	for _, e := range recorded {
		o = evolveOrganization(o, e)
	}
	if o.ID == "" {
		return Organization{}, errNoOrganization()
	}
	return o, nil
}

func errNoOrganization() *Error {
	return &Error{Code: NotFound, Reason: "organization", Message: "there is no such organization"}
}

// organizationExists asks the log, once for each that exists.
func (s *Service) organizationExists(ctx context.Context, id string) (bool, error) {
	if id == s.defaultOrg {
		return true, nil
	}
	if _, ok := s.knownOrgs.Load(id); ok {
		return true, nil
	}
	tip, err := s.log.LeaderTip(ctx, events.Aggregate{Kind: events.Organization, ID: id})
	if err != nil {
		return false, fmt.Errorf("look up organization: %w", err)
	}
	if tip.Sequence > 0 {
		s.knownOrgs.Store(id, struct{}{})
	}
	return tip.Sequence > 0, nil
}

package commands

import (
	"context"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/rosterhq/roster/events"
)

// placeKnownFor is for how long an import relies on an organization that it found:
// thousands a second ask for the same few.
const placeKnownFor = 5 * time.Second

// importPlaces finds organizations by name.
type importPlaces struct {
	mu    sync.Mutex
	known map[string]importPlace
	one   singleflight.Group
}

type importPlace struct {
	id    string
	until time.Time
}

func (p *importPlaces) get(name string, now time.Time) (string, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	found, ok := p.known[name]
	return found.id, ok && now.Before(found.until)
}

// maxPlaces bounds what is remembered.
const maxPlaces = 1024

func (p *importPlaces) put(name, id string, until time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known == nil || len(p.known) >= maxPlaces {
		p.known = map[string]importPlace{}
	}
	p.known[name] = importPlace{id: id, until: until}
}

// places are the memberships of the user to be.
func (m *importing) places(ctx context.Context) ([]events.Membership, error) {
	if len(m.wanted.Organizations) == 0 {
		return []events.Membership{{Organization: m.s.defaultOrg}}, nil
	}
	var out []events.Membership
	for i, o := range m.wanted.Organizations {
		id, err := m.s.importPlace(ctx, m.request, o)
		if err != nil {
			return nil, err
		}
		out = withMembership(out, events.Membership{Organization: id, Roles: list(m.command.places[i])})
	}
	return out, nil
}

// importPlace returns the organization of a name, and makes it where there is none.
func (s *Service) importPlace(ctx context.Context, r Request, o ImportMembership) (string, error) {
	name := fold(o.Name)
	if name == "default" {
		return s.defaultOrg, nil
	}
	if id, ok := s.importPlaces.get(name, s.clock()); ok {
		return id, nil
	}
	found, err, _ := s.importPlaces.one.Do(name, func() (any, error) {
		id, err := s.findOrMake(ctx, r, o)
		if err == nil {
			s.importPlaces.put(name, id, s.clock().Add(placeKnownFor))
		}
		return id, err
	})
	if err != nil {
		return "", err
	}
	return found.(string), nil
}

func (s *Service) findOrMake(ctx context.Context, r Request, o ImportMembership) (string, error) {
	found, err := s.FindOrganization(ctx, o.Name)
	if err == nil || CodeOf(err) != NotFound {
		return found.ID, err
	}
	r.IdempotencyKey, r.RequestHash = "", ""
	made, err := s.CreateOrganization(ctx, r, CreateOrganization{Name: o.Name, DisplayName: o.DisplayName})
	if CodeOf(err) == Conflict { // another process was faster
		found, err = s.FindOrganization(ctx, o.Name)
		return found.ID, err
	}
	return made.Organization.ID, err
}

// within returns what is wrong with a part of a command, named as a part of it.
func (p *problems) within(prefix string, check func(*problems)) {
	var inner problems
	check(&inner)
	for _, f := range inner.fields {
		p.add(strings.TrimSuffix(prefix+"."+f.Field, "."), f.Rule, f.Detail)
	}
}

package importer

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/rosterhq/roster/cmd/roster/internal/client"
)

// people knows who is on the server, as far as this import has seen. It is safe
// for concurrent use.
type people struct {
	opts Options

	mu     sync.Mutex
	known  map[client.Identity]struct{}
	making map[client.Identity]chan struct{}
	failed map[client.Identity]error
	made   int
}

// maxKnown bounds the memory: beyond it everything is forgotten, which costs
// some requests and nothing else.
const maxKnown = 2_000_000

func newPeople(opts Options) *people {
	return &people{
		opts:   opts,
		known:  make(map[client.Identity]struct{}),
		making: make(map[client.Identity]chan struct{}),
		failed: make(map[client.Identity]error),
	}
}

// know notes users of whom the server accepted something.
func (p *people) know(list []Person) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, person := range list {
		p.add(person.Identity)
	}
}

func (p *people) add(id client.Identity) {
	if len(p.known) >= maxKnown {
		clear(p.known)
	}
	p.known[id] = struct{}{}
}

// unknown returns those of whom nothing is known yet, not even a failure.
func (p *people) unknown(list []Person) []Person {
	p.mu.Lock()
	defer p.mu.Unlock()
	var rest []Person
	for _, person := range list {
		if !p.settled(person.Identity) {
			rest = append(rest, person)
		}
	}
	return rest
}

func (p *people) settled(id client.Identity) bool {
	_, known := p.known[id]
	_, failed := p.failed[id]
	return known || failed
}

// failure says why a user could not be made; nil when that did not happen.
func (p *people) failure(id client.Identity) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.failed[id]
}

// created is the number of users that were made.
func (p *people) created() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.made
}

// ensure makes those who are missing and returns how many were new. A user whom
// the server refuses is noted and no error. When ctx ends, no further one is
// begun: ErrInterrupted.
func (p *people) ensure(ctx, work context.Context, missing []Person) (int, error) {
	before := p.created()
	group, work := errgroup.WithContext(work)
	group.SetLimit(p.opts.Creators)
	for _, person := range missing {
		if ctx.Err() != nil || work.Err() != nil {
			break
		}
		group.Go(func() error { return p.one(ctx, work, person) })
	}
	if err := group.Wait(); err != nil {
		return 0, err
	}
	if ctx.Err() != nil {
		return 0, ErrInterrupted
	}
	return p.created() - before, nil
}

// one makes one user, or waits while somebody else does.
func (p *people) one(ctx, work context.Context, person Person) error {
	mine, err := p.claim(work, person.Identity)
	if err != nil || mine == nil {
		return err
	}
	made, refused, err := p.create(ctx, work, person)

	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.making, person.Identity)
	close(mine)
	switch {
	case err != nil:
		return fmt.Errorf("make user %s: %w", person.Login, err)
	case refused != nil:
		p.failed[person.Identity] = refused
	default:
		p.add(person.Identity)
	}
	if made {
		p.made++
	}
	return nil
}

// claim returns the channel to close when the user is made, or nil when there
// is nothing left to do.
func (p *people) claim(work context.Context, id client.Identity) (chan struct{}, error) {
	for {
		p.mu.Lock()
		if p.settled(id) {
			p.mu.Unlock()
			return nil, nil
		}
		theirs, busy := p.making[id]
		if !busy {
			mine := make(chan struct{})
			p.making[id] = mine
			p.mu.Unlock()
			return mine, nil
		}
		p.mu.Unlock()
		select {
		case <-theirs:
		case <-work.Done():
			return nil, work.Err()
		}
	}
}

// maxTries is how many other names are tried for a taken one.
const maxTries = 10

// create asks the server for a user until a name is free. A user with the
// identity is as good as a new one: identities are unique, so no name that is
// tried can make a second user for the same account. refused is a lasting
// refusal of this user, err a failure of the whole import.
func (p *people) create(ctx, work context.Context, person Person) (made bool, refused, err error) {
	name := username(person.Login, p.opts.Random)
	original := name
	for range maxTries + 1 {
		err := p.opts.Server.CreateUser(work, client.NewUser{Username: name, Identities: []client.Identity{person.Identity}})
		switch {
		case err == nil:
			return true, nil, nil
		case errors.Is(err, client.ErrUserExists):
			return false, nil, nil
		case errors.Is(err, client.ErrUsernameTaken):
			name = alternative(original, p.opts.Random)
		case lastingRefusal(err):
			return false, err, nil
		default:
			return false, nil, err
		}
		if ctx.Err() != nil {
			return false, nil, ErrInterrupted
		}
	}
	return false, fmt.Errorf("exhausted alternatives for taken username %q", original), nil
}

// lastingRefusal says that the server will not have this one user, while others
// may go well: what the caller may not do at all is a failure instead.
func lastingRefusal(err error) bool {
	var p *client.Problem
	if !errors.As(err, &p) {
		return false
	}
	switch p.Status {
	case http.StatusBadRequest, http.StatusConflict, http.StatusUnprocessableEntity:
		return true
	}
	return false
}

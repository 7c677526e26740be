package commands

import (
	"context"
	"fmt"
	"slices"

	"github.com/rosterhq/roster/events"
)

// claimed looks up claims, or assumes that names are free. A register is one for
// many things: whoever is about to change it takes turns inside this process.
func (s *Service) claimed(ctx context.Context, claims []events.Claim, f *facts, assume bool) (leave func(), err error) {
	if leave, err = s.turns(ctx, claims); err != nil || len(claims) == 0 {
		return leave, err
	}
	if f.claims == nil {
		f.claims = make(map[events.Claim]events.ClaimState, len(claims))
	}
	for _, c := range claims {
		if assume && !isRegister(c) && c.Kind != claimFirstUser {
			continue
		}
		if f.claims[c], err = s.log.Claim(ctx, c); err != nil {
			leave()
			return func() {}, fmt.Errorf("look up claim of kind %s: %w", c.Kind, err)
		}
	}
	return leave, nil
}

// turns waits for the turn at each register among the claims, always in the same
// order, so that no two wait for each other.
func (s *Service) turns(ctx context.Context, claims []events.Claim) (leave func(), err error) {
	var names []string
	for _, c := range claims {
		if isRegister(c) {
			names = append(names, c.Kind+"/"+c.Value)
		}
	}
	slices.Sort(names)
	var leaves []func()
	leave = func() {
		for _, l := range leaves {
			l()
		}
	}
	for _, name := range slices.Compact(names) {
		l, err := s.queues.enter(ctx, name)
		if err != nil {
			leave()
			return func() {}, err
		}
		leaves = append(leaves, l)
	}
	return leave, nil
}

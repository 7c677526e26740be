package commands

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/rosterhq/roster/events"
)

// What is not a user is seldom written to: its state is folded from the log each
// time. This file is how a command on such a thing is done; what can happen to it
// is in the file of its kind.

// aggregateKind is a kind of aggregate whose folded state is an S.
type aggregateKind[S any] struct {
	kind events.Kind
	// evolve folds one event into a state and returns the new one, without writing
	// to the old one.
	evolve func(S, events.Recorded) S
	// format is the version of S's form in snapshots, to be raised with any change of
	// S or of evolve; 0 for kinds that are small enough to go without.
	format int
	// sealedFor is the user under whose key a snapshot lies.
	sealedFor func(S) string
}

// aggregateCommand is a command whose form is in order and to which everything
// impure was added. Its methods are pure.
type aggregateCommand[S any] interface {
	// authorize asks the policy table.
	authorize(S, Actor) *Error
	// claims are the claims that the decision asks about.
	claims(S) []events.Claim
	// decide says what the command leads to.
	decide(S, facts) (decision, *Error)
}

// task is one command on one aggregate.
type task[S any] struct {
	kind aggregateKind[S]
	id   string
	// creates says that the id is fresh. The repeat of such a command is found by a
	// claim on the command itself.
	creates bool
	// build makes the command for one try, from what the log says at that time. Its
	// refusals are *Error.
	build func(ctx context.Context) (aggregateCommand[S], error)
}

// ready is the build of a command that depends on nothing.
func ready[S any](c aggregateCommand[S]) func(context.Context) (aggregateCommand[S], error) {
	return func(context.Context) (aggregateCommand[S], error) { return c, nil }
}

// outcome is the answer to a task.
type outcome[S any] struct {
	state    S
	position events.Position // the command's last event; the aggregate's last one when nothing changed
	changed  bool
	repeated bool
}

// perform does one task: it loads, decides, appends, and decides again after a
// lost race, a bounded number of times.
func perform[S any](ctx context.Context, s *Service, r Request, t task[S]) (outcome[S], error) {
	env := s.envelope(r)
	leave, err := s.queues.enter(ctx, t.id)
	if err != nil {
		return outcome[S]{}, refusal(err)
	}
	defer leave()
	for try := range maxTries {
		if try > 1 { // somebody else is at it: give them room
			if err := pause(ctx, rand.N(time.Millisecond<<min(try, 5))); err != nil {
				return outcome[S]{}, err
			}
		}
		out, done, err := attemptTask(ctx, s, r.Actor, env, t)
		if done || err != nil {
			return out, refusal(err)
		}
	}
	return outcome[S]{}, errTooManyTries()
}

// attemptTask decides once. It is not done when the decision was made on something
// that is no longer so.
func attemptTask[S any](ctx context.Context, s *Service, actor Actor, env envelope, t task[S]) (outcome[S], bool, error) {
	f := facts{now: env.now, actor: actor, claims: map[events.Claim]events.ClaimState{}}
	made, ok, err := madeBefore(ctx, s, env, t, f)
	if ok || err != nil {
		return made, ok, err
	}
	var st folded[S]
	if !t.creates {
		if st, err = load(ctx, s, t.kind, t.id); err != nil {
			return outcome[S]{}, false, err
		}
		if out, ok, err := answered(st, env); ok || err != nil {
			return out, ok, err
		}
	}
	command, err := t.build(ctx)
	if err != nil {
		return outcome[S]{}, false, err
	}
	if refused := command.authorize(st.state, actor); refused != nil {
		return outcome[S]{}, false, refused
	}
	leave, err := s.claimed(ctx, command.claims(st.state), &f, false)
	if err != nil {
		return outcome[S]{}, false, err
	}
	defer leave()
	d, refused := command.decide(st.state, f)
	if refused != nil && t.creates && env.keyed() {
		// What refuses it may be what this very command made meanwhile.
		return outcome[S]{}, false, s.unlessMade(ctx, env, f, refused)
	}
	if refused != nil || len(d.events) == 0 {
		return undecided(ctx, s, t, st, refused)
	}
	if t.creates && env.keyed() {
		d.claims = append(d.claims, f.take(commandClaim(env.commandID), holderOf(t.kind.kind, t.id)))
	}
	return appendTask(ctx, s, env, t, st, d)
}

// unlessMade returns a refusal, or nothing if the claim on the command moved since
// it was looked up: then it is to be decided again.
func (s *Service) unlessMade(ctx context.Context, env envelope, f facts, refused *Error) error {
	claim := commandClaim(env.commandID)
	held, err := s.log.Claim(ctx, claim)
	if err != nil {
		return fmt.Errorf("look up command: %w", err)
	}
	if held != f.claims[claim] {
		return nil
	}
	return refused
}

// undecided answers a decision without events, if it was made on the newest state.
func undecided[S any](ctx context.Context, s *Service, t task[S], st folded[S], refused *Error) (outcome[S], bool, error) {
	if t.creates { // nobody else can have written to it
		return outcome[S]{state: st.state}, true, asErr(refused)
	}
	a := events.Aggregate{Kind: t.kind.kind, ID: t.id}
	tip, err := s.log.LeaderTip(ctx, a)
	if err != nil {
		return outcome[S]{}, false, fmt.Errorf("find last event of %s: %w", a, err)
	}
	if tip != st.tip {
		return outcome[S]{}, false, nil
	}
	return outcome[S]{state: st.state, position: events.Position{Stream: events.Roster, Sequence: tip.Sequence}}, true, asErr(refused)
}

func asErr(refused *Error) error {
	if refused == nil {
		return nil
	}
	return refused
}

// appendTask stores a decision and answers from the state after it.
func appendTask[S any](ctx context.Context, s *Service, env envelope, t task[S], st folded[S], d decision) (outcome[S], bool, error) {
	a := events.Aggregate{Kind: t.kind.kind, ID: t.id}
	recorded, err := s.store(ctx, env, a, st.tip, d)
	if errors.Is(err, events.ErrConflict) {
		return outcome[S]{}, false, nil
	}
	if err != nil {
		return outcome[S]{}, false, err
	}
	st = st.after(t.kind, recorded)
	keep(s, t.kind, a, st)
	return outcome[S]{state: st.state, position: recorded[len(recorded)-1].Position(), changed: true}, true, nil
}

// answered answers a command that the aggregate remembers.
func answered[S any](st folded[S], env envelope) (outcome[S], bool, error) {
	if !env.keyed() {
		return outcome[S]{}, false, nil
	}
	record, ok := recordOf(st.commands, env.commandID, env.now)
	if !ok {
		return outcome[S]{}, false, nil
	}
	if record.RequestHash != env.requestHash {
		return outcome[S]{}, false, errKeyReused()
	}
	return outcome[S]{state: st.state, position: record.Position, changed: true, repeated: true}, true, nil
}

// madeBefore finds what this very command made before.
func madeBefore[S any](ctx context.Context, s *Service, env envelope, t task[S], f facts) (outcome[S], bool, error) {
	if !t.creates || !env.keyed() {
		return outcome[S]{}, false, nil
	}
	claim := commandClaim(env.commandID)
	held, err := s.log.Claim(ctx, claim)
	if err != nil {
		return outcome[S]{}, false, fmt.Errorf("look up command: %w", err)
	}
	f.claims[claim] = held
	if held.Holder == "" {
		return outcome[S]{}, false, nil
	}
	kind, id := heldBy(held.Holder)
	if kind != t.kind.kind {
		return outcome[S]{}, false, s.reusedFor(ctx, env, kind, id)
	}
	st, err := load(ctx, s, t.kind, id)
	if err != nil {
		return outcome[S]{}, false, err
	}
	return answered(st, env)
}

// reusedFor refuses a key that made something of another kind less than a day ago.
func (s *Service) reusedFor(ctx context.Context, env envelope, kind events.Kind, id string) error {
	a := events.Aggregate{Kind: kind, ID: id}
	past, err := s.log.Read(ctx, a, 1)
	if err != nil {
		return fmt.Errorf("read %s: %w", a, err)
	}
	for _, e := range past {
		if e.CommandID == env.commandID && env.now.Sub(e.Time) < rememberedFor {
			return errKeyReused()
		}
	}
	return nil
}

// holderOf is how the claim on a command names what it made: users, which were
// the first, by their id alone.
func holderOf(kind events.Kind, id string) string {
	if kind == events.User {
		return id
	}
	return string(kind) + "/" + id
}

func heldBy(holder string) (events.Kind, string) {
	if kind, id, ok := strings.Cut(holder, "/"); ok {
		return events.Kind(kind), id
	}
	return events.User, holder
}

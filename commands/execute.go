package commands

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/rosterhq/roster/events"
)

// maxTries bounds how often a command is decided again after a lost race.
const maxTries = 12

// patience bounds a command, whatever it waits for: who asks is told before most
// clients give up. Those who bring many users in wait for each other.
const patience = 8 * time.Second

// builder makes a command for one try, from what the log says at that time. Its
// refusals are *Error.
type builder func(ctx context.Context) (userCommand, error)

func fixed(c userCommand) builder {
	return func(context.Context) (userCommand, error) { return c, nil }
}

// execute does one command on one user.
func (s *Service) execute(ctx context.Context, r Request, id string, build builder) (Result, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return s.run(ctx, r, s.envelope(r), id, build, attempt{load: s.states.cached})
}

// attempt is what a try starts from.
type attempt struct {
	load loader
	// assume takes claims for free without a look: the append finds out.
	assume bool
}

func (s *Service) run(ctx context.Context, r Request, env envelope, id string, build builder, a attempt) (Result, error) {
	leave, err := s.queues.enter(ctx, id)
	if err != nil {
		return Result{}, refusal(err)
	}
	defer leave()
	for try := range maxTries {
		if try > 1 { // another process is at it: give it room
			if err := pause(ctx, rand.N(time.Millisecond<<min(try, 5))); err != nil {
				return Result{}, err
			}
		}
		res, done, err := s.try(ctx, r.Actor, env, id, build, a)
		if done || err != nil {
			return res, refusal(err)
		}
		if a.assume {
			s.doubt.raise()
		}
		a = attempt{load: s.states.newest}
	}
	return Result{}, errTooManyTries()
}

func errTooManyTries() *Error {
	return &Error{Code: Conflict, Reason: "race", Message: "too many changes of the same thing at once, try again"}
}

type loader func(ctx context.Context, id string) (state, error)

// try decides once. It is not done when the decision was made on something that
// is no longer so.
func (s *Service) try(ctx context.Context, actor Actor, env envelope, id string, build builder, a attempt) (Result, bool, error) {
	st, err := a.load(ctx, id)
	if err != nil {
		return Result{}, false, err
	}
	if env.keyed() {
		if res, ok, err := repeated(st.user, env); ok || err != nil {
			return res, ok, err
		}
	}
	command, err := build(ctx)
	if err != nil {
		return Result{}, false, err
	}
	f := facts{now: env.now, actor: actor}
	if refused := authorized(actor, command, id); refused != nil {
		return Result{}, false, refused
	}
	leave, err := s.claimed(ctx, command.claims(st.user), &f, a.assume)
	if err != nil {
		return Result{}, false, err
	}
	defer leave()
	d, refused := decideUser(st.user, command, f)
	if refused == errDecideAgain {
		return Result{}, false, nil
	}
	if refused != nil || len(d.events) == 0 {
		return s.nothing(ctx, id, st, d, refused)
	}
	return s.append(ctx, env, id, st, d)
}

// repeated answers a command that the state remembers.
func repeated(u User, env envelope) (Result, bool, error) {
	record, ok := u.command(env.commandID, env.now)
	if !ok {
		return Result{}, false, nil
	}
	if record.RequestHash != env.requestHash {
		return Result{}, false, errKeyReused()
	}
	res := Result{User: u, Position: record.Position, Changed: true, Repeated: true}
	if record.KeyID != "" {
		res.Key = u.Keys[record.KeyID]
		res.Key.ID = record.KeyID
	}
	return res, true, nil
}

func errKeyReused() *Error {
	return &Error{Code: KeyReused, Message: "this idempotency key was used for another request"}
}

// nothing answers a decision without events, if it was made on the newest state.
func (s *Service) nothing(ctx context.Context, id string, st state, d decision, refused *Error) (Result, bool, error) {
	tip, err := s.log.LeaderTip(ctx, userAggregate(id))
	if err != nil {
		return Result{}, false, fmt.Errorf("find last event of user %s: %w", id, err)
	}
	if tip != st.tip {
		return Result{}, false, nil
	}
	if refused != nil {
		return Result{}, false, refused
	}
	return Result{User: st.user, Position: events.Position{Stream: events.Roster, Sequence: st.tip.Sequence}, Key: d.key}, true, nil
}

// append stores a decision and answers from the state after it.
func (s *Service) append(ctx context.Context, env envelope, id string, st state, d decision) (Result, bool, error) {
	a := userAggregate(id)
	recorded, err := s.store(ctx, env, a, st.tip, d)
	if errors.Is(err, events.ErrConflict) {
		return Result{}, false, nil
	}
	if err != nil {
		s.states.forget(id) // the outcome may be unknown
		return Result{}, false, err
	}
	st = s.states.appended(a, st, recorded)
	res := Result{User: st.user, Position: recorded[len(recorded)-1].Position(), Changed: true, Key: d.key, Swept: d.swept}
	if k, ok := st.user.Keys[d.key.ID]; ok {
		res.Key = k
	}
	return res, true, nil
}

// store appends a decision and returns its events as the log holds them.
func (s *Service) store(ctx context.Context, env envelope, a events.Aggregate, tip events.Tip, d decision) ([]events.Recorded, error) {
	commit := events.Commit{Aggregate: a, Expected: tip.Sequence, Claims: d.claims}
	for _, p := range d.events {
		m := s.meta(env, a, p)
		if m.SealedFor == "" && events.PrivatePart(p) != nil {
			m.SealedFor = d.sealedFor
		}
		commit.Events = append(commit.Events, events.Draft{Meta: m, Payload: p})
	}
	first, err := s.log.Append(ctx, commit)
	if err != nil {
		return nil, fmt.Errorf("append to %s: %w", a, err)
	}
	recorded := make([]events.Recorded, len(commit.Events))
	for i, draft := range commit.Events {
		recorded[i] = events.Recorded{
			Meta: draft.Meta, Stream: events.Roster, Sequence: first + uint64(i), Payload: draft.Payload,
		}
	}
	return recorded, nil
}

// refusal turns what the log says into what callers are told.
func refusal(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := AsError(err); ok {
		return err
	}
	switch {
	case errors.Is(err, events.ErrUnavailable), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%w (%w)", &Error{Code: Unavailable, Reason: "log", Message: "try again later"}, err)
	case errors.Is(err, events.ErrTooLarge):
		return fmt.Errorf("%w (%w)", &Error{Code: TooLarge, Message: "this is more than one event may hold"}, err)
	}
	return err
}

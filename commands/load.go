package commands

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/rosterhq/roster/events"

	lru "github.com/hashicorp/golang-lru/v2"
	"go.uber.org/zap"
)

// stateFormat is the version of User's form in snapshots. Raise it with any
// change of User or of evolveUser: older snapshots are then rebuilt from the log.
const stateFormat = 4

// snapshotEvery is how many events a state may be ahead of its snapshot. Folding
// a few events costs less at the next cold load than a snapshot at each append.
const snapshotEvery = 4

// state is a folded user with the event it stands at. It is never changed.
type state struct {
	user  User
	tip   events.Tip
	ahead int // events since the last snapshot
}

func userAggregate(id string) events.Aggregate {
	return events.Aggregate{Kind: events.User, ID: id}
}

// states loads and keeps folded users.
type states struct {
	log    Log
	logger *zap.Logger
	cache  *lru.Cache[string, state]
}

func newStates(log Log, logger *zap.Logger, size int) (*states, error) {
	cache, err := lru.New[string, state](size)
	if err != nil {
		return nil, fmt.Errorf("make state cache: %w", err)
	}
	return &states{log: log, logger: logger, cache: cache}, nil
}

// unborn is the state of a fresh id, which nobody can have written to.
func unborn(context.Context, string) (state, error) { return state{}, nil }

// cached returns the state in memory, which may be behind the log: an append, or
// the check of a decision without events, finds out. Without one it loads.
func (s *states) cached(ctx context.Context, id string) (state, error) {
	if st, ok := s.cache.Get(id); ok {
		return st, nil
	}
	return s.load(ctx, id, s.log.Tip)
}

// fresh returns the state as the log has it now.
func (s *states) fresh(ctx context.Context, id string) (state, error) {
	return s.load(ctx, id, s.log.Tip)
}

// newest is fresh by the word of the stream's leader.
func (s *states) newest(ctx context.Context, id string) (state, error) {
	return s.load(ctx, id, s.log.LeaderTip)
}

type tipOf func(context.Context, events.Aggregate) (events.Tip, error)

func (s *states) load(ctx context.Context, id string, tipOf tipOf) (state, error) {
	a := userAggregate(id)
	tip, err := tipOf(ctx, a)
	if err != nil {
		return state{}, fmt.Errorf("find last event of %s: %w", a, err)
	}
	st, ok := s.cache.Get(id)
	if !ok && tip.Sequence > 0 {
		if st, err = s.snapshot(ctx, a); err != nil {
			return state{}, err
		}
	}
	if st.tip.Sequence > tip.Sequence { // whoever gave the tip is behind, or the log went back: the leader knows
		if tip, err = s.log.LeaderTip(ctx, a); err != nil {
			return state{}, fmt.Errorf("find last event of %s: %w", a, err)
		}
	}
	if st.tip == tip {
		if tip.Sequence > 0 {
			s.keep(id, st)
		}
		return st, nil
	}
	return s.advance(ctx, a, st, tip)
}

// snapshot returns the kept state, or a zero one.
func (s *states) snapshot(ctx context.Context, a events.Aggregate) (state, error) {
	snapshot, err := s.log.Snapshot(ctx, a)
	if err != nil {
		return state{}, fmt.Errorf("read snapshot of %s: %w", a, err)
	}
	if snapshot.Format != stateFormat || snapshot.Sequence == 0 {
		return state{}, nil
	}
	var u User
	if err := json.Unmarshal(snapshot.Data, &u); err != nil || u.ID != a.ID {
		s.logger.Warn("snapshot is thrown away", zap.Stringer("aggregate", a), zap.Error(err))
		return state{}, nil
	}
	return state{user: u, tip: snapshot.Tip}, nil
}

// advance folds what st is missing. A state whose event the log does not hold at
// its sequence is thrown away.
func (s *states) advance(ctx context.Context, a events.Aggregate, st state, tip events.Tip) (state, error) {
	recorded, err := s.read(ctx, a, st.tip.Sequence, tip.Sequence)
	if err != nil {
		return state{}, err
	}
	if st.tip.Sequence > 0 {
		if len(recorded) == 0 || recorded[0].Sequence != st.tip.Sequence || recorded[0].ID != st.tip.EventID {
			s.logger.Warn("state is not of this log and thrown away",
				zap.Stringer("aggregate", a), zap.Uint64("sequence", st.tip.Sequence))
			s.cache.Remove(a.ID)
			return s.advance(ctx, a, state{}, tip)
		}
		recorded = recorded[1:]
	}
	for _, e := range recorded {
		st.user = evolveUser(st.user, e)
		st.tip = events.Tip{Sequence: e.Sequence, EventID: e.ID}
		st.ahead++
	}
	if st.tip.Sequence == 0 {
		return st, nil
	}
	return s.kept(a, st), nil
}

// read returns the events from one sequence on. The log may answer from a server
// that is a moment behind the one that knew the tip: then it is asked again.
func (s *states) read(ctx context.Context, a events.Aggregate, from, tip uint64) ([]events.Recorded, error) {
	for try := 0; ; try++ {
		recorded, err := s.log.Read(ctx, a, max(from, 1))
		if err != nil {
			return nil, fmt.Errorf("read %s from %d: %w", a, from, err)
		}
		reached := len(recorded) > 0 && recorded[len(recorded)-1].Sequence >= tip
		if reached || tip < from || try == 5 {
			return recorded, nil
		}
		if err := pause(ctx, time.Millisecond<<try); err != nil {
			return nil, err
		}
	}
}

// appended folds events that were just appended.
func (s *states) appended(a events.Aggregate, st state, recorded []events.Recorded) state {
	for _, e := range recorded {
		st.user = evolveUser(st.user, e)
		st.tip = events.Tip{Sequence: e.Sequence, EventID: e.ID}
		st.ahead++
	}
	return s.kept(a, st)
}

// kept puts a state into the cache and, when it is far enough ahead, into a
// snapshot.
func (s *states) kept(a events.Aggregate, st state) state {
	if st.ahead >= snapshotEvery {
		data, err := json.Marshal(st.user)
		if err != nil {
			s.logger.Error("state can not be kept", zap.Stringer("aggregate", a), zap.Error(err))
		} else {
			s.log.KeepSnapshot(a, events.Snapshot{Tip: st.tip, Format: stateFormat, Data: data})
			st.ahead = 0
		}
	}
	s.keep(a.ID, st)
	return st
}

// keep puts a state into the cache, unless a newer one came in meanwhile. Two
// that race may leave the older one: an append finds out.
func (s *states) keep(id string, st state) {
	if old, ok := s.cache.Peek(id); ok && old.tip.Sequence > st.tip.Sequence {
		return
	}
	s.cache.Add(id, st)
}

func (s *states) forget(id string) { s.cache.Remove(id) }

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for the log: %w", ctx.Err())
	}
}

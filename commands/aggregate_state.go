package commands

import (
	"context"
	"encoding/json"
	"fmt"

	"go.uber.org/zap"

	"github.com/rosterhq/roster/events"
)

// folded is the state of an aggregate, and the event it stands at.
type folded[S any] struct {
	state    S
	commands []CommandRecord // the newest of the last 24 hours, as a user's
	tip      events.Tip
	ahead    int // events since the last snapshot
}

// snapshot is the kept form of a folded aggregate.
type snapshot[S any] struct {
	State    S
	Commands []CommandRecord
}

// after folds events that follow.
func (f folded[S]) after(k aggregateKind[S], recorded []events.Recorded) folded[S] {
	for _, e := range recorded {
		f.state = k.evolve(f.state, e)
		f.commands = remembered(f.commands, e)
		f.tip = events.Tip{Sequence: e.Sequence, EventID: e.ID}
		f.ahead++
	}
	return f
}

// load folds an aggregate from its snapshot, if there is one, and from the log. A
// snapshot whose event the log does not hold at its sequence is thrown away.
func load[S any](ctx context.Context, s *Service, k aggregateKind[S], id string) (folded[S], error) {
	a := events.Aggregate{Kind: k.kind, ID: id}
	kept, err := kept(ctx, s, k, a)
	if err != nil {
		return folded[S]{}, err
	}
	past, err := s.log.Read(ctx, a, max(kept.tip.Sequence, 1))
	if err != nil {
		return folded[S]{}, fmt.Errorf("read %s: %w", a, err)
	}
	if kept.tip.Sequence > 0 {
		if len(past) > 0 && past[0].Sequence == kept.tip.Sequence && past[0].ID == kept.tip.EventID {
			return kept.after(k, past[1:]), nil
		}
		s.logger.Warn("state is not of this log and thrown away",
			zap.Stringer("aggregate", a), zap.Uint64("sequence", kept.tip.Sequence))
		if past, err = s.log.Read(ctx, a, 1); err != nil {
			return folded[S]{}, fmt.Errorf("read %s: %w", a, err)
		}
	}
	return folded[S]{}.after(k, past), nil
}

// kept returns the state of a snapshot, or a zero one.
func kept[S any](ctx context.Context, s *Service, k aggregateKind[S], a events.Aggregate) (folded[S], error) {
	if k.format == 0 {
		return folded[S]{}, nil
	}
	found, err := s.log.Snapshot(ctx, a)
	if err != nil {
		return folded[S]{}, fmt.Errorf("read snapshot of %s: %w", a, err)
	}
	if found.Format != k.format || found.Sequence == 0 {
		return folded[S]{}, nil
	}
	var form snapshot[S]
	if err := json.Unmarshal(found.Data, &form); err != nil {
		s.logger.Warn("snapshot is thrown away", zap.Stringer("aggregate", a), zap.Error(err))
		return folded[S]{}, nil
	}
	return folded[S]{state: form.State, commands: form.Commands, tip: found.Tip}, nil
}

// keep puts a state that is far enough ahead into a snapshot.
func keep[S any](s *Service, k aggregateKind[S], a events.Aggregate, f folded[S]) {
	if k.format == 0 || f.ahead < snapshotEvery {
		return
	}
	data, err := json.Marshal(snapshot[S]{State: f.state, Commands: f.commands})
	if err != nil {
		s.logger.Error("state can not be kept", zap.Stringer("aggregate", a), zap.Error(err))
		return
	}
	s.log.KeepSnapshot(a, events.Snapshot{Tip: f.tip, Format: k.format, SealedFor: k.sealedFor(f.state), Data: data})
}

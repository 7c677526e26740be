package eventlog

import (
	"context"
	"errors"
	"fmt"

	"github.com/rosterhq/roster/events"
)

// lastOf returns a subject's last message; on a cluster not an older one than
// this process knows of.
func (l *Log) lastOf(ctx context.Context, stream, subject string) (stored, error) {
	last, err := l.read.last(ctx, stream, subject)
	if err != nil {
		return stored{}, err
	}
	if last.sequence < l.floors.of(subject) {
		return l.read.leaderLast(ctx, stream, subject)
	}
	return last, nil
}

// Tip returns an aggregate's last event. It may lag behind the newest append of
// another process, never behind one of this process.
func (l *Log) Tip(ctx context.Context, a events.Aggregate) (events.Tip, error) {
	last, err := l.lastOf(ctx, l.names.roster, l.names.aggregate(a))
	if err != nil {
		return events.Tip{}, unavailable("tip of "+a.String(), err)
	}
	return events.Tip{Sequence: last.sequence, EventID: idOf(last.header)}, nil
}

// LeaderTip is Tip asked of the stream's leader: never behind.
func (l *Log) LeaderTip(ctx context.Context, a events.Aggregate) (events.Tip, error) {
	subject := l.names.aggregate(a)
	last, err := l.read.leaderLast(ctx, l.names.roster, subject)
	if err != nil {
		return events.Tip{}, unavailable("leader's tip of "+a.String(), err)
	}
	l.floors.raise(subject, last.sequence)
	return events.Tip{Sequence: last.sequence, EventID: idOf(last.header)}, nil
}

// Read returns an aggregate's events from a sequence on, in order. Events whose
// data key is erased come with their sealed members empty.
func (l *Log) Read(ctx context.Context, a events.Aggregate, from uint64) ([]events.Recorded, error) {
	subject := l.names.aggregate(a)
	messages, err := l.read.from(ctx, l.names.roster, subject, from)
	if err != nil {
		return nil, unavailable("read "+a.String(), err)
	}
	if messages, err = l.catchUp(ctx, subject, from, messages); err != nil {
		return nil, unavailable("read "+a.String(), err)
	}
	out := make([]events.Recorded, len(messages))
	for i := range messages {
		if out[i], err = l.decode(ctx, events.Roster, &messages[i]); err != nil {
			return nil, fmt.Errorf("read %s at sequence %d: %w", a, messages[i].sequence, err)
		}
	}
	return out, nil
}

// catchUp adds from the leader what a lagging server did not have yet.
func (l *Log) catchUp(ctx context.Context, subject string, from uint64, have []stored) ([]stored, error) {
	next := max(from, 1)
	if len(have) > 0 {
		next = have[len(have)-1].sequence + 1
	}
	for floor := l.floors.of(subject); next <= floor; {
		m, err := l.read.leaderNext(ctx, l.names.roster, subject, next)
		if err != nil {
			return nil, err
		}
		if m.sequence == 0 {
			return have, nil
		}
		have = append(have, m)
		next = m.sequence + 1
	}
	return have, nil
}

func (l *Log) decode(ctx context.Context, s events.Stream, m *stored) (events.Recorded, error) {
	meta, err := events.DecodeMeta(events.Headers(m.header))
	if err != nil {
		return events.Recorded{}, err
	}
	var key *events.DataKey
	if meta.SealedFor != "" {
		if key, err = l.DataKey(ctx, meta.SealedFor); err != nil && !errors.Is(err, events.ErrErased) {
			return events.Recorded{}, err
		}
	}
	payload, err := l.catalogue.Decode(&meta, m.data, key)
	if err != nil {
		return events.Recorded{}, err
	}
	return events.Recorded{Meta: meta, Stream: s, Sequence: m.sequence, Payload: payload}, nil
}

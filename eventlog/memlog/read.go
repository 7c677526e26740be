package memlog

import (
	"context"
	"errors"
	"fmt"

	"github.com/rosterhq/roster/events"
)

// Tip returns an aggregate's last event.
func (l *Log) Tip(ctx context.Context, a events.Aggregate) (events.Tip, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.usable(ctx); err != nil {
		return events.Tip{}, fmt.Errorf("tip of %s: %w", a, err)
	}
	roster := l.streams[events.Roster]
	last := roster.last(a.String())
	if last == 0 {
		return events.Tip{}, nil
	}
	return events.Tip{Sequence: last, EventID: roster.at(last).header[events.HeaderID][0]}, nil
}

// LeaderTip is Tip: one process has no followers.
func (l *Log) LeaderTip(ctx context.Context, a events.Aggregate) (events.Tip, error) {
	return l.Tip(ctx, a)
}

// Claim returns what the log holds of a claim.
func (l *Log) Claim(ctx context.Context, c events.Claim) (events.ClaimState, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.usable(ctx); err != nil {
		return events.ClaimState{}, fmt.Errorf("claim of kind %s: %w", c.Kind, err)
	}
	roster := l.streams[events.Roster]
	last := roster.last(l.claimSubject(c))
	if last == 0 {
		return events.ClaimState{}, nil
	}
	return events.ClaimState{Holder: string(roster.at(last).data), Sequence: last}, nil
}

// Read returns an aggregate's events from a sequence on, in order.
func (l *Log) Read(ctx context.Context, a events.Aggregate, from uint64) ([]events.Recorded, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.usable(ctx); err != nil {
		return nil, fmt.Errorf("read %s: %w", a, err)
	}
	out := []events.Recorded{}
	for _, sequence := range l.streams[events.Roster].subjects[a.String()] {
		if sequence < from {
			continue
		}
		r, err := l.decode(events.Roster, sequence)
		if err != nil {
			return nil, fmt.Errorf("read %s at sequence %d: %w", a, sequence, err)
		}
		out = append(out, r)
	}
	return out, nil
}

// Events returns the events of a stream from a sequence on, in order; what is
// no event (claims, counters) is left out. Tests of readers use it.
func (l *Log) Events(s events.Stream, from uint64) ([]events.Recorded, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []events.Recorded
	for sequence := max(from, 1); sequence <= uint64(len(l.streams[s].messages)); sequence++ {
		if l.streams[s].at(sequence).header == nil {
			continue
		}
		r, err := l.decode(s, sequence)
		if err != nil {
			return nil, fmt.Errorf("read %s at sequence %d: %w", s, sequence, err)
		}
		out = append(out, r)
	}
	return out, nil
}

func (l *Log) decode(s events.Stream, sequence uint64) (events.Recorded, error) {
	return l.open(s, sequence, *l.streams[s].at(sequence))
}

// open decodes a message; the lock is held.
func (l *Log) open(s events.Stream, sequence uint64, m message) (events.Recorded, error) {
	meta, err := events.DecodeMeta(m.header)
	if err != nil {
		return events.Recorded{}, err
	}
	var key *events.DataKey
	if meta.SealedFor != "" {
		if key, err = l.key(meta.SealedFor); err != nil && !errors.Is(err, events.ErrErased) {
			return events.Recorded{}, err
		}
	}
	payload, err := l.catalogue.Decode(&meta, m.data, key)
	if err != nil {
		return events.Recorded{}, err
	}
	return events.Recorded{Meta: meta, Stream: s, Sequence: sequence, Payload: payload}, nil
}

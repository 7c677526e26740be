package memlog

import (
	"context"
	"fmt"

	"github.com/rosterhq/roster/eventlog/internal/wire"
	"github.com/rosterhq/roster/events"
)

func (l *Log) claimSubject(c events.Claim) string {
	return "claim." + c.Kind + "." + l.KeyedHash("claim/"+c.Kind, c.Value)
}

// Append stores a commit whole or not at all.
func (l *Log) Append(ctx context.Context, c events.Commit) (uint64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.usable(ctx); err != nil {
		return 0, fmt.Errorf("append to %s: %w", c.Aggregate, err)
	}
	if err := wire.Check(&c); err != nil {
		return 0, fmt.Errorf("append to %s: %w", c.Aggregate, err)
	}
	if c.Expected == 0 && c.Aggregate.Kind == events.User {
		if err := l.makeKey(c.Aggregate.ID); err != nil {
			return 0, err
		}
	}
	messages := make([]message, len(c.Events))
	for i := range c.Events {
		var err error
		if messages[i], err = l.encode(&c.Events[i], c.Aggregate); err != nil {
			return 0, fmt.Errorf("append to %s: %w", c.Aggregate, err)
		}
	}
	if first, again := l.repeated(&c); again {
		return first, nil
	}
	if !l.asExpected(&c) {
		return 0, fmt.Errorf("append to %s: %w", c.Aggregate, events.ErrConflict)
	}
	return l.store(&c, messages), nil
}

// repeated finds a commit that is stored already: the same event in its place.
func (l *Log) repeated(c *events.Commit) (uint64, bool) {
	roster := l.streams[events.Roster]
	for _, sequence := range roster.subjects[c.Aggregate.String()] {
		if sequence > c.Expected {
			return sequence, roster.at(sequence).header[events.HeaderID][0] == c.Events[0].Meta.ID
		}
	}
	return 0, false
}

func (l *Log) asExpected(c *events.Commit) bool {
	roster := l.streams[events.Roster]
	ok := roster.last(c.Aggregate.String()) == c.Expected
	for _, change := range c.Claims {
		ok = ok && roster.last(l.claimSubject(change.Claim)) == change.Expected
	}
	return ok
}

func (l *Log) store(c *events.Commit, messages []message) (first uint64) {
	roster := l.streams[events.Roster]
	for _, change := range c.Claims {
		roster.put(l.claimSubject(change.Claim), message{data: []byte(change.Holder)})
	}
	for _, m := range messages {
		if sequence := roster.put(c.Aggregate.String(), m); first == 0 {
			first = sequence
		}
	}
	return first
}

// Record appends activities, each at most once for ever.
func (l *Log) Record(ctx context.Context, drafts []events.Draft) ([]events.Recording, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.usable(ctx); err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	if len(drafts) > 1000 {
		return nil, fmt.Errorf("record %d activities: %w: at most 1000", len(drafts), wire.ErrBadCommit)
	}
	activity := l.streams[events.Activity]
	subjects, messages := make([]string, len(drafts)), make([]message, len(drafts))
	for i := range drafts {
		p, err := wire.ActivityOf(&drafts[i])
		if err != nil {
			return nil, fmt.Errorf("record activity %d: %w", i, err)
		}
		subjects[i] = wire.ActivityHash(l.KeyedHash, drafts[i].Meta.Source, p.SourceID)
		if activity.last(subjects[i]) != 0 {
			continue
		}
		if messages[i], err = l.encode(&drafts[i], events.Aggregate{Kind: events.User, ID: p.User}); err != nil {
			return nil, fmt.Errorf("record activity %d: %w", i, err)
		}
	}
	out := make([]events.Recording, len(drafts))
	for i, subject := range subjects {
		if known := activity.last(subject); known != 0 {
			out[i] = events.Recording{Sequence: known, Duplicate: true}
			continue
		}
		out[i] = events.Recording{Sequence: activity.put(subject, messages[i])}
	}
	return out, nil
}

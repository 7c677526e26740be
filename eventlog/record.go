package eventlog

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"

	"github.com/rosterhq/roster/eventlog/internal/wire"
	"github.com/rosterhq/roster/events"
)

const (
	// recordAtMost is how many activities one call takes.
	recordAtMost = 1000
	// recordTries bounds the rounds of looking and storing.
	recordTries = 4
)

// Record appends activities, each at most once for ever by its source and
// source id. The answer has one entry for each draft, in order; of two equal
// ones in a call the second is the duplicate. Each is stored for itself: after
// an error some may be, and recording the same again is safe.
func (l *Log) Record(ctx context.Context, drafts []events.Draft) ([]events.Recording, error) {
	if len(drafts) == 0 {
		return nil, nil
	}
	if len(drafts) > recordAtMost {
		return nil, fmt.Errorf("record %d activities: %w: at most %d", len(drafts), wire.ErrBadCommit, recordAtMost)
	}
	l.activity.enter()
	defer l.activity.leave()
	r := &recording{log: l, drafts: drafts, out: make([]events.Recording, len(drafts))}
	if err := r.run(ctx); err != nil {
		return nil, fmt.Errorf("record %d activities: %w", len(drafts), err)
	}
	return r.out, nil
}

// recording is one call of Record.
type recording struct {
	log      *Log
	drafts   []events.Draft
	out      []events.Recording
	subjects []string // of each draft
	firstOf  []int    // the draft of the same subject that comes first: itself, unless repeated
	open     []int    // drafts without an answer
	units    []*unit  // of each draft, once encoded
}

func (r *recording) run(ctx context.Context) error {
	if err := r.address(); err != nil {
		return err
	}
	// Most are new, or most are there (an import run again): looking first
	// costs 20 us each, while a refused batch costs milliseconds.
	if err := r.look(ctx, false); err != nil {
		return err
	}
	if err := r.lookRetired(ctx); err != nil {
		return err
	}
	if err := r.encode(ctx); err != nil {
		return err
	}
	for try := 0; len(r.open) > 0; try++ {
		if try == recordTries {
			return fmt.Errorf("%w: %d of unknown outcome", events.ErrUnavailable, len(r.open))
		}
		if err := r.store(ctx); err != nil {
			return err
		}
		if err := r.look(ctx, r.log.floors.needed()); err != nil {
			return err
		}
	}
	for i, first := range r.firstOf {
		if first != i {
			r.out[i] = events.Recording{Sequence: r.out[first].Sequence, Duplicate: true}
		}
	}
	return nil
}

// address names each activity's subject and finds repeats inside the call.
func (r *recording) address() error {
	n := len(r.drafts)
	r.subjects, r.firstOf = make([]string, n), make([]int, n)
	r.open, r.units = make([]int, 0, n), make([]*unit, n)
	seen := make(map[string]int, n)
	for i := range r.drafts {
		p, err := wire.ActivityOf(&r.drafts[i])
		if err != nil {
			return fmt.Errorf("activity %d: %w", i, err)
		}
		hash := wire.ActivityHash(r.log.KeyedHash, r.drafts[i].Meta.Source, p.SourceID)
		r.subjects[i] = r.log.names.activitySubject(hash)
		if first, ok := seen[r.subjects[i]]; ok {
			r.firstOf[i] = first
			continue
		}
		seen[r.subjects[i]], r.firstOf[i] = i, i
		r.open = append(r.open, i)
	}
	return nil
}

// look answers the open activities that the stream holds. Ours, stored in a
// publish whose answer was lost, is no duplicate: its event id tells.
func (r *recording) look(ctx context.Context, leader bool) error {
	if len(r.open) == 0 {
		return nil
	}
	found, err := r.lasts(ctx, leader)
	if err != nil {
		return unavailable("look for activities", err)
	}
	open := r.open[:0]
	for k, i := range r.open {
		if found[k].sequence == 0 {
			open = append(open, i)
			continue
		}
		r.out[i] = events.Recording{Sequence: found[k].sequence, Duplicate: idOf(found[k].header) != r.drafts[i].Meta.ID}
	}
	r.open = open
	return nil
}

func (r *recording) lasts(ctx context.Context, leader bool) ([]stored, error) {
	stream := r.log.names.activity
	subjects := make([]string, len(r.open))
	for k, i := range r.open {
		subjects[k] = r.subjects[i]
	}
	if !leader {
		return r.log.read.lasts(ctx, stream, subjects)
	}
	out := make([]stored, len(subjects))
	for k, subject := range subjects {
		var err error
		if out[k], err = r.log.read.leaderLast(ctx, stream, subject); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (r *recording) encode(ctx context.Context) error {
	users := make([]string, len(r.open))
	for k, i := range r.open {
		users[k] = r.drafts[i].Meta.SealedFor
	}
	if err := r.log.PrefetchKeys(ctx, users); err != nil {
		return err
	}
	keyFor := func(userID string) (*events.DataKey, error) { return r.log.DataKey(ctx, userID) }
	for _, i := range r.open {
		of := events.Aggregate{Kind: events.User, ID: r.drafts[i].Payload.(*events.ActivityRecorded).User}
		h, data, err := wire.Encode(&r.drafts[i], of, keyFor)
		if err != nil {
			return fmt.Errorf("activity %d: %w", i, err)
		}
		r.units[i] = &unit{}
		r.units[i].add(&nats.Msg{Subject: r.subjects[i], Header: nats.Header(h), Data: data}, 0)
	}
	return nil
}

// store tries to store the open activities. Those that lost a race to another
// writer, and those of unknown outcome, stay open.
func (r *recording) store(ctx context.Context) error {
	units := make([]*unit, len(r.open))
	for k, i := range r.open {
		if r.units[i].call != nil {
			r.units[i] = r.units[i].again()
		}
		units[k] = r.units[i]
	}
	if err := r.log.activity.submit(ctx, units...); err != nil {
		if errors.Is(err, errUnknown) {
			return unavailable("store", err)
		}
		return err
	}
	open := r.open[:0]
	for k, i := range r.open {
		switch err := units[k].err; {
		case err == nil:
			r.out[i] = events.Recording{Sequence: units[k].first}
		case errors.Is(err, events.ErrConflict), errors.Is(err, errUnknown):
			open = append(open, i)
		default:
			return err
		}
	}
	r.open = open
	return nil
}

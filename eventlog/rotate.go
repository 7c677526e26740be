package eventlog

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"github.com/rosterhq/roster/eventlog/internal/vault"
	"github.com/rosterhq/roster/events"
)

// Rotation says what a change of the master key did, or has done so far.
type Rotation struct {
	MasterKey string // tells the new master key from others, and nothing else about it
	Wrapped   uint64 // keys that were wrapped anew
	Destroyed uint64 // copies that they replaced, and other leftovers, whose bytes were overwritten
	// Unreadable are the names of keys that open under no master key that there is:
	// damaged ones, or wrapped by a master key that nobody gave. They stay as they are.
	Unreadable []string
}

// rewrapAtOnce and destroyAtOnce bound the requests on their way.
const (
	rewrapAtOnce  = 64
	destroyAtOnce = 8
)

// RotateMasterKey wraps every key of the installation under a master key, and then
// destroys the copies that other master keys wrapped. No event changes, and the log is
// in use all the while; processes that are to go on must have that master key before
// (Options.MoreMasterKeys). It may be interrupted anywhere and begun anew, and several
// may do it at once. progress, which may be nil, is told of each step.
//
// ErrWrongMasterKey says that the installation's secret opens under no master key that
// there is; nothing changed then.
func (l *Log) RotateMasterKey(ctx context.Context, master []byte, progress func(Rotation)) (Rotation, error) {
	to, err := l.keys.ring.Add(master)
	if err != nil {
		return Rotation{}, fmt.Errorf("rotate the master key: %w", err)
	}
	r := &rotating{log: l, to: to, progress: progress}
	if err := r.run(ctx); err != nil {
		return r.sum(nil), fmt.Errorf("rotate the master key: %w", err)
	}
	return r.sum(r.unreadable), nil
}

// rotating is one call of RotateMasterKey.
type rotating struct {
	log                *Log
	to                 *vault.Vault
	wrapped, destroyed atomic.Uint64
	unreadable         []string
	progress           func(Rotation)
}

func (r *rotating) sum(unreadable []string) Rotation {
	return Rotation{MasterKey: r.to.ID(), Wrapped: r.wrapped.Load(), Destroyed: r.destroyed.Load(), Unreadable: unreadable}
}

func (r *rotating) told() {
	if r.progress != nil {
		r.progress(r.sum(nil))
	}
}

// run begins with the secret, whose place tells all writers of keys. What they stored
// under the old master key before is there to be found; what they store after it they
// wrap anew themselves (settle).
func (r *rotating) run(ctx context.Context) error {
	l := r.log
	replaced, err := l.keys.rewrap(ctx, l.names.secret(), r.to)
	if err != nil {
		return err
	}
	if replaced > 0 {
		r.wrapped.Add(1)
	}
	secret, err := l.read.leaderLast(ctx, l.names.keys, l.names.secret())
	if err != nil {
		return unavailable("look at the installation's secret", err)
	}
	if _, err := l.keys.adopt(secret); err != nil {
		return err
	}
	if now := l.keys.wraps.Load().vault; now != r.to {
		return fmt.Errorf("%w: another process changes it to %s at the same time", events.ErrConflict, now.ID())
	}
	if err := r.rewrapAll(ctx); err != nil {
		return err
	}
	// The old copies go when the new ones are where a loss of power leaves them.
	if l.syncWithin > 0 && r.wrapped.Load() > 0 {
		if err := pause(ctx, l.syncWithin); err != nil {
			return err
		}
	}
	return r.destroySuperseded(ctx)
}

// rewrapAll goes over the keys, and then over those that came meanwhile.
func (r *rotating) rewrapAll(ctx context.Context) error {
	l := r.log
	which, from := jetstream.DeliverLastPerSubjectPolicy, uint64(0)
	for {
		head, err := l.read.head(ctx, l.names.keys)
		if err != nil {
			return unavailable("look for the end of the keys", err)
		}
		if from > head {
			return nil
		}
		before := r.wrapped.Load()
		group, groupCtx := errgroup.WithContext(ctx)
		group.SetLimit(rewrapAtOnce)
		err = l.scanKeys(groupCtx, which, from, func(subject string, m stored) error {
			if r.done(subject, m) {
				return nil
			}
			group.Go(func() error { return r.rewrap(groupCtx, subject) })
			return nil
		})
		if err := errors.Join(group.Wait(), err); err != nil {
			return err
		}
		if r.wrapped.Load() == before {
			return nil
		}
		which, from = jetstream.DeliverByStartSequencePolicy, head+1
	}
}

// done says of a message that there is nothing to wrap anew.
func (r *rotating) done(subject string, m stored) bool {
	if len(m.header[headerErased]) > 0 {
		return true
	}
	_, err := r.to.Unwrap(m.data, r.log.names.wrappedAs(subject))
	return err == nil
}

func (r *rotating) rewrap(ctx context.Context, subject string) error {
	replaced, err := r.log.keys.rewrap(ctx, subject, r.to)
	if errors.Is(err, ErrWrongMasterKey) { // one key that is lost keeps nobody from the others
		return nil
	}
	if replaced > 0 {
		r.wrapped.Add(1)
		r.told()
	}
	return err
}

// destroySuperseded overwrites all messages behind which their subject has another,
// also what an erasure or a change that was interrupted left.
func (r *rotating) destroySuperseded(ctx context.Context) error {
	l := r.log
	r.unreadable = nil
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(destroyAtOnce)
	err := l.scanKeys(groupCtx, jetstream.DeliverAllPolicy, 0, func(subject string, m stored) error {
		if r.done(subject, m) {
			return nil
		}
		last, err := l.read.leaderLast(groupCtx, l.names.keys, subject)
		if err != nil {
			return unavailable("look for what replaced a key", err)
		}
		if last.sequence > m.sequence {
			group.Go(func() error { return r.destroy(groupCtx, m.sequence) })
			return nil
		}
		_, _, err = l.keys.ring.Unwrap(m.data, l.names.wrappedAs(subject))
		if errors.Is(err, ErrWrongMasterKey) {
			r.unreadable = append(r.unreadable, l.names.wrappedKey(subject, m).Name)
		}
		return nil
	})
	return errors.Join(group.Wait(), err)
}

func (r *rotating) destroy(ctx context.Context, sequence uint64) error {
	if err := r.log.read.secureDelete(ctx, r.log.names.keys, sequence); err != nil {
		return unavailable("destroy an old copy", err)
	}
	r.destroyed.Add(1)
	r.told()
	return nil
}

// MasterKeyID tells the master key that wraps the installation's keys from others, as
// this process last saw it.
func (l *Log) MasterKeyID() string { return l.keys.wraps.Load().vault.ID() }

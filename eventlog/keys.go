package eventlog

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/nats-io/nats.go"

	"github.com/rosterhq/roster/eventlog/internal/vault"
	"github.com/rosterhq/roster/events"
)

const (
	keysCached = 16 << 10 // at about 1 KiB each
	// keysCachedFor bounds for how long a process may still use a key that
	// another one erased, when nobody tells it (KeyErased).
	keysCachedFor = 10 * time.Minute
)

// headerErased marks the message that stands in the place of an erased key.
const headerErased = "Roster-Erased"

// keyring makes, finds and caches the data keys of users.
type keyring struct {
	log   *Log
	ring  *vault.Ring
	wraps atomic.Pointer[wrapping]
	// secret is the installation's, as the log has it now.
	secret *looks
	cache  *lru.Cache[string, cachedKey]
	now    func() time.Time
	era    func() uint64

	remembering sync.Mutex
}

// cachedKey is believed in its era alone, which ends with the connection: behind
// the next one may be an older copy of the log, where the key was never made. What
// it would seal there nobody could open again.
type cachedKey struct {
	key   *events.DataKey // nil: erased
	until time.Time
	era   uint64
}

func newKeyring(l *Log, ring *vault.Ring, now func() time.Time) *keyring {
	cache, err := lru.New[string, cachedKey](keysCached)
	if err != nil {
		panic("eventlog: " + err.Error()) // only for a size below 1
	}
	era := func() uint64 { return l.nc.Stats().Reconnects }
	secret := &looks{read: func(ctx context.Context) (stored, error) {
		return l.read.leaderLast(ctx, l.names.keys, l.names.secret())
	}}
	return &keyring{log: l, ring: ring, cache: cache, now: now, era: era, secret: secret}
}

// DataKey returns the key that seals what is personal of a user, events.ErrErased
// when it was destroyed, or ErrNoKey when there never was one.
func (l *Log) DataKey(ctx context.Context, userID string) (*events.DataKey, error) {
	if key, err, ok := l.keys.cached(userID); ok {
		return key, err
	}
	subject, era := l.names.userKey(userID), l.keys.era()
	last, err := l.read.last(ctx, l.names.keys, subject)
	if err == nil && last.sequence == 0 && l.floors.needed() {
		last, err = l.read.leaderLast(ctx, l.names.keys, subject) // the server asked may lag
	}
	if err != nil {
		return nil, unavailable("data key", err)
	}
	return l.keys.open(userID, last, era)
}

// PrefetchKeys brings the keys of many users into memory in one round trip.
// Users without a key are left out.
func (l *Log) PrefetchKeys(ctx context.Context, userIDs []string) error {
	missing := make([]string, 0, len(userIDs))
	subjects := make([]string, 0, len(userIDs))
	asked := make(map[string]struct{}, len(userIDs))
	for _, id := range userIDs {
		if _, ok := asked[id]; ok {
			continue
		}
		asked[id] = struct{}{}
		if _, _, ok := l.keys.cached(id); !ok {
			missing = append(missing, id)
			subjects = append(subjects, l.names.userKey(id))
		}
	}
	if len(missing) == 0 {
		return nil
	}
	era := l.keys.era()
	lasts, err := l.read.lasts(ctx, l.names.keys, subjects)
	if err != nil {
		return unavailable("data keys", err)
	}
	for i, last := range lasts {
		if last.sequence == 0 {
			continue
		}
		if _, err := l.keys.open(missing[i], last, era); err != nil && !errors.Is(err, events.ErrErased) {
			return fmt.Errorf("data key of %s: %w", missing[i], err)
		}
	}
	return nil
}

func (k *keyring) cached(userID string) (*events.DataKey, error, bool) {
	c, ok := k.cache.Get(userID)
	if !ok || c.era != k.era() || k.now().After(c.until) {
		return nil, nil, false
	}
	if c.key == nil {
		return nil, events.ErrErased, true
	}
	return c.key, nil, true
}

// remember keeps what was read or stored in an era. A key that was read before it
// was erased does not come back by being remembered after it.
func (k *keyring) remember(userID string, key *events.DataKey, era uint64) {
	k.remembering.Lock()
	defer k.remembering.Unlock()
	if known, ok := k.cache.Peek(userID); ok && known.key == nil && known.era == era && key != nil {
		return
	}
	k.cache.Add(userID, cachedKey{key: key, until: k.now().Add(keysCachedFor), era: era})
}

// open reads the last message of a user's key, which was asked for in an era.
func (k *keyring) open(userID string, last stored, era uint64) (*events.DataKey, error) {
	if last.sequence == 0 {
		return nil, ErrNoKey
	}
	if len(last.header[headerErased]) > 0 {
		k.remember(userID, nil, era)
		return nil, events.ErrErased
	}
	raw, _, err := k.ring.Unwrap(last.data, vault.UserKeyName(userID))
	if err != nil {
		return nil, err
	}
	key, err := events.NewDataKey(raw)
	if err != nil {
		return nil, err
	}
	k.remember(userID, key, era)
	return key, nil
}

// NewUsers returns n fresh ids of users to come, at most 1,000 at once, whose
// data keys are stored when this returns: one batch for all, so that a
// registration need not wait for a sync of its own.
func (l *Log) NewUsers(ctx context.Context, n int64) ([]string, error) {
	ids := make([]string, n)
	raws := make([][]byte, n)
	u, era, under := &unit{}, l.keys.era(), l.keys.wraps.Load()
	for i := range ids {
		ids[i], raws[i] = uuid.Must(uuid.NewV7()).String(), events.NewRawKey()
		u.add(l.keys.message(ids[i], raws[i], under), 0)
	}
	l.keyMaker.enter()
	defer l.keyMaker.leave()
	err := l.keyMaker.submit(ctx, u)
	if err == nil {
		err = u.err
	}
	if err == nil {
		err = l.keys.settle(ctx, under, ids)
	}
	if err != nil { // what may be stored all the same is never used
		return nil, unavailable("make data keys", err)
	}
	for i, id := range ids {
		key, err := events.NewDataKey(raws[i])
		if err != nil {
			return nil, fmt.Errorf("make data keys: %w", err)
		}
		l.keys.remember(id, key, era)
	}
	return ids, nil
}

func (k *keyring) message(userID string, raw []byte, under *wrapping) *nats.Msg {
	return &nats.Msg{
		Subject: k.log.names.userKey(userID), Header: make(nats.Header, 4),
		Data: under.vault.Wrap(raw, vault.UserKeyName(userID)),
	}
}

// ensure returns the key of a user who may have none yet, and makes it then: it
// is stored when this returns. Keys of users who register at the same time
// travel in one batch. Of processes that make one for the same user, the first
// wins, and all use its key.
func (k *keyring) ensure(ctx context.Context, userID string) (*events.DataKey, error) {
	if key, err, ok := k.cached(userID); ok {
		return key, err
	}
	l, era := k.log, k.era()
	if k.cache.Contains(userID) { // it was there in another era, and most likely is
		if key, err := l.DataKey(ctx, userID); !errors.Is(err, ErrNoKey) {
			return key, err
		}
	}
	l.keyMaker.enter()
	defer l.keyMaker.leave()
	raw, under := events.NewRawKey(), k.wraps.Load()
	u := &unit{}
	u.add(k.message(userID, raw, under), 0)
	err := l.keyMaker.submit(ctx, u)
	if err == nil {
		err = u.err
	}
	switch {
	case err == nil:
		if err := k.settle(ctx, under, []string{userID}); err != nil {
			return nil, err
		}
		key, err := events.NewDataKey(raw)
		if err != nil {
			return nil, err
		}
		k.remember(userID, key, era)
		return key, nil
	case ctx.Err() != nil:
		return nil, unavailable("make data key", err)
	case !errors.Is(err, events.ErrConflict) && !errors.Is(err, errUnknown):
		return nil, fmt.Errorf("make data key: %w", err)
	}
	// Another one may be there, or ours after all: what is stored counts.
	last, err := l.read.leaderLast(ctx, l.names.keys, u.msgs[0].Subject)
	if err != nil {
		return nil, unavailable("make data key", err)
	}
	if last.sequence == 0 {
		return nil, fmt.Errorf("make data key: %w", events.ErrUnavailable)
	}
	return k.open(userID, last, era)
}

// KeyErased tells that the log holds the erasure of a user: whoever wrote it destroys
// the key, and this process uses it no more.
func (l *Log) KeyErased(userID string) { l.keys.remember(userID, nil, l.keys.era()) }

// EraseKey destroys a user's data key: its bytes are overwritten on disk, and a
// marker takes its place for ever. What the key sealed, here and in copies, is
// gone. It may be repeated, and finishes what a killed process began.
func (l *Log) EraseKey(ctx context.Context, userID string) error {
	subject := l.names.userKey(userID)
	if err := l.markErased(ctx, subject); err != nil {
		return fmt.Errorf("erase key of %s: %w", userID, err)
	}
	l.keys.remember(userID, nil, l.keys.era())
	if err := l.state.forget(ctx, events.Aggregate{Kind: events.User, ID: userID}); err != nil {
		return fmt.Errorf("erase key of %s: %w", userID, err)
	}
	for next := uint64(1); ; {
		m, err := l.read.leaderNext(ctx, l.names.keys, subject, next)
		if err != nil {
			return unavailable("erase key of "+userID, err)
		}
		if m.sequence == 0 {
			return nil
		}
		next = m.sequence + 1
		if len(m.header[headerErased]) > 0 {
			continue
		}
		if err := l.read.secureDelete(ctx, l.names.keys, m.sequence); err != nil {
			return unavailable("erase key of "+userID, err)
		}
	}
}

// markErased puts the marker behind the key, if it is not there. It comes
// before the delete: a process killed between leaves a key that nobody uses.
func (l *Log) markErased(ctx context.Context, subject string) error {
	for range storeTries {
		last, err := l.read.leaderLast(ctx, l.names.keys, subject)
		if err != nil {
			return unavailable("read", err)
		}
		if len(last.header[headerErased]) > 0 {
			return nil
		}
		u := &unit{}
		u.add(&nats.Msg{Subject: subject, Header: nats.Header{headerErased: {"1"}}}, last.sequence)
		err = l.keyMaker.submit(ctx, u)
		if err == nil {
			err = u.err
		}
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return unavailable("mark", err)
		case !errors.Is(err, events.ErrConflict) && !errors.Is(err, errUnknown):
			return fmt.Errorf("mark: %w", err)
		}
	}
	return fmt.Errorf("mark: %w", events.ErrUnavailable)
}

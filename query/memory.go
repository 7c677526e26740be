package query

import (
	"math"
	"strings"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"
)

const (
	defaultCacheBytes = 64 << 20
	// Of one user at most so many are kept: clients choose the names of dialects,
	// and make as many sessions as they like.
	keptCredentials = 16
	keptPreferences = 8
	// longestName is of what a client asks by; longer ones are nobody's.
	longestName = 64
)

// memory keeps what was read of users, bounded by bytes. An entry holds the
// position of its model from before it was read. It is dropped when an event of
// its user behind that position becomes known (forget), and not kept at all when
// one is known already: both happen under the lock that notes keep for the user,
// so that none slips between. An entry is therefore as new as everything that
// was noted; whether the log holds more than was noted is the tail's to say.
//
// What is found must not be changed: it is shared.
type memory struct {
	cache *otter.Cache[slot, kept]
	notes *notes
	// organizations is the position that entries must be as new as.
	organizations *atomic.Uint64
	uses          *uses
}

// slot is what an entry is found by.
type slot struct {
	kind slotKind
	id   string
}

type slotKind uint8

const (
	personSlot slotKind = iota // by user id
	keySlot                    // by a key's id: whose it is, for ever
	nameSlot                   // by a username in lower case: whose it was
)

// kept is a person, or the id of one.
type kept struct {
	person *person
	userID string
}

// person is what is kept of one user. It never changes: a change makes a new one.
type person struct {
	user        *held[User]
	preferences map[string]held[Preferences] // by dialect; Values nil where there are none
	credentials map[string]held[Credential]  // by key
}

// held is something as of a position.
type held[T any] struct {
	value T
	at    uint64
	size  int
}

// newMemory returns nil, which keeps nothing, for a negative bound.
func newMemory(bytes int64, n *notes, organizations *atomic.Uint64, u *uses) (*memory, error) {
	if bytes < 0 {
		return nil, nil //nolint:nilnil // it keeps nothing
	}
	if bytes == 0 {
		bytes = defaultCacheBytes
	}
	cache, err := otter.New(&otter.Options[slot, kept]{
		MaximumWeight: uint64(bytes),
		Weigher:       func(s slot, k kept) uint32 { return uint32(perEntry + len(s.id) + k.size()) },
		Executor:      func(f func()) { f() },
	})
	if err != nil {
		return nil, err
	}
	m := &memory{cache: cache, notes: n, organizations: organizations, uses: u}
	n.changed = m.forget
	return m, nil
}

func (m *memory) person(userID string) *person {
	k, ok := m.cache.GetIfPresent(slot{personSlot, userID})
	if !ok {
		return nil
	}
	return k.person
}

func (m *memory) user(ref UserRef) (User, bool) {
	if m == nil {
		return User{}, false
	}
	id, name := strings.ToLower(ref.ID), ""
	if id == "" {
		if ref.Username == "" || len(ref.Username) > longestName {
			return User{}, false
		}
		name = strings.ToLower(ref.Username)
		k, ok := m.cache.GetIfPresent(slot{nameSlot, name})
		if !ok {
			return User{}, false
		}
		id = k.userID
	}
	since := m.organizations.Load()
	p := m.person(id)
	if p == nil || p.user == nil || p.user.at < since {
		return User{}, false
	}
	u := p.user.value
	// Names change hands; deleted users are found by id alone.
	if name != "" && (strings.ToLower(u.Username) != name || u.Status == deletedStatus) {
		return User{}, false
	}
	return u, true
}

func (m *memory) keepUser(u User, at uint64) {
	if m == nil {
		return
	}
	m.keep(u.ID, at, false, func(p *person) {
		if p.user == nil || p.user.at <= at { // of two readers the later may be done first
			u.LastSeenAt = m.uses.seen(u.ID, u.LastSeenAt)
			p.user = &held[User]{u, at, sizeOfUser(u)}
		}
	})
	if u.Username != "" && u.Status != deletedStatus {
		m.cache.Set(slot{nameSlot, strings.ToLower(u.Username)}, kept{userID: u.ID})
	}
}

// saw moves a user's last use on. The use is noted already: who keeps the user
// under the lock before or after this sees it.
func (m *memory) saw(userID string, at time.Time) {
	if m == nil {
		return
	}
	userID = strings.ToLower(userID)
	m.notes.unlessNewer(userID, math.MaxUint64, false, func() {
		old := m.person(userID)
		if old == nil || old.user == nil || !old.user.value.LastSeenAt.Before(at) {
			return
		}
		next, user := *old, *old.user
		user.value.LastSeenAt = at
		next.user = &user
		m.cache.Set(slot{personSlot, userID}, kept{person: &next})
	})
}

// preferences says found false with ok true for those that were never written.
func (m *memory) preferences(userID, dialect string) (p Preferences, found, ok bool) {
	if m == nil {
		return Preferences{}, false, false
	}
	who := m.person(strings.ToLower(userID))
	if who == nil {
		return Preferences{}, false, false
	}
	h, ok := who.preferences[dialect]
	return h.value, h.value.Values != nil, ok
}

func (m *memory) keepPreferences(userID, dialect string, v Preferences, size int, at uint64) {
	if m == nil || len(dialect) > longestName {
		return
	}
	m.keep(strings.ToLower(userID), at, false, func(p *person) {
		p.preferences = with(p.preferences, dialect, held[Preferences]{v, at, perEntry + len(dialect) + 4*size}, keptPreferences)
	})
}

func (m *memory) credential(keyID string) (Credential, bool) {
	if m == nil {
		return Credential{}, false
	}
	k, ok := m.cache.GetIfPresent(slot{keySlot, keyID})
	if !ok {
		return Credential{}, false
	}
	since := m.organizations.Load()
	p := m.person(k.userID)
	if p == nil {
		return Credential{}, false
	}
	h, ok := p.credentials[keyID]
	return h.value, ok && h.at >= since
}

func (m *memory) keepCredential(c Credential, at uint64) {
	if m == nil || len(c.ID) > longestName {
		return
	}
	m.keep(c.UserID, at, true, func(p *person) {
		p.credentials = with(p.credentials, c.ID, held[Credential]{c, at, sizeOfCredential(c)}, keptCredentials)
	})
	m.cache.Set(slot{keySlot, c.ID}, kept{userID: c.UserID})
}

// dropKey is for a key that turned out to be gone before the tail said so: who saw
// it refused does not see it work again.
func (m *memory) dropKey(keyID string) {
	if m != nil {
		m.cache.Invalidate(slot{keySlot, keyID})
	}
}

// keep changes what is kept of a user, unless something newer is known.
func (m *memory) keep(userID string, at uint64, credentials bool, change func(*person)) {
	m.notes.unlessNewer(userID, at, credentials, func() {
		var next person
		if old := m.person(userID); old != nil {
			next = *old
		}
		change(&next)
		m.cache.Set(slot{personSlot, userID}, kept{person: &next})
	})
}

// forget drops what is older than a change of a user; its credentials only when
// the change was of them. The lock of the user's notes is held.
func (m *memory) forget(userID string, sequence uint64, credentials bool) {
	old := m.person(userID)
	if old == nil {
		return
	}
	next := person{credentials: old.credentials}
	if old.user != nil && old.user.at >= sequence {
		next.user = old.user
	}
	next.preferences = since(old.preferences, sequence)
	if credentials {
		next.credentials = since(old.credentials, sequence)
	}
	if next.user == nil && len(next.preferences) == 0 && len(next.credentials) == 0 {
		m.cache.Invalidate(slot{personSlot, userID})
		return
	}
	m.cache.Set(slot{personSlot, userID}, kept{person: &next})
}

// with returns a copy of all with one more, and not more than most. Of one thing
// the newer stays.
func with[T any](all map[string]held[T], id string, h held[T], most int) map[string]held[T] {
	if old, ok := all[id]; ok && old.at > h.at {
		return all
	}
	next := make(map[string]held[T], len(all)+1)
	for other, v := range all {
		if other != id && len(next) < most-1 {
			next[other] = v
		}
	}
	next[id] = h
	return next
}

// since returns what is not older than a position.
func since[T any](all map[string]held[T], sequence uint64) map[string]held[T] {
	var next map[string]held[T]
	for id, v := range all {
		if v.at >= sequence {
			if next == nil {
				next = make(map[string]held[T], len(all))
			}
			next[id] = v
		}
	}
	return next
}

// clear forgets everything: rows were replaced that no event tells of.
func (m *memory) clear() {
	if m != nil {
		m.cache.InvalidateAll()
	}
}

// bytes is what is kept just now.
func (m *memory) bytes() uint64 {
	if m == nil {
		return 0
	}
	return m.cache.WeightedSize()
}

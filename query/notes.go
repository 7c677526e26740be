package query

import (
	"hash/maphash"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/rosterhq/roster/events"
)

// Who is waited for, when it is no single user.
const (
	nobody        = ""  // nothing that is known
	anybody       = "*" // the newest change of any user
	anyCredential = "+" // the newest change of credentials of any user
)

const (
	noteShards   = 64
	notesInShard = 1024 // 65,536 users in all, about 100 bytes each
)

// positions has one sequence for each stream.
type positions struct{ roster, activity uint64 }

func (p *positions) at(s events.Stream) *uint64 {
	if s == events.Activity {
		return &p.activity
	}
	return &p.roster
}

// notes remembers the newest position known of each user, of a bounded number of
// users. What has to be forgotten raises the floor, for which everybody waits: a
// read may wait for too much, never for too little.
type notes struct {
	seed   maphash.Seed
	shards [noteShards]noteShard
	newest atomicPositions // of any user, and the floor
	floor  atomicPositions
	// newestCredentials is the newest change of credentials, and the floor.
	newestCredentials atomic.Uint64
	// covered says what every model has reached; notes below it are of no use.
	covered func() positions
	// changed is told of each change in ROSTER, under the user's lock; nil for nobody.
	changed func(userID string, sequence uint64, credentials bool)
}

type noteShard struct {
	mu    sync.RWMutex
	users map[string]note
	// forgotten is the newest position in ROSTER of those that were dropped.
	forgotten uint64
}

type note struct {
	positions
	credentials uint64 // in ROSTER, of the newest change of sessions, keys or account
}

type atomicPositions struct{ roster, activity atomic.Uint64 }

func (p *atomicPositions) at(s events.Stream) *atomic.Uint64 {
	if s == events.Activity {
		return &p.activity
	}
	return &p.roster
}

func newNotes(covered func() positions) *notes {
	n := &notes{seed: maphash.MakeSeed(), covered: covered}
	for i := range n.shards {
		n.shards[i].users = map[string]note{}
	}
	return n
}

// raise sets v to at least to.
func raise(v *atomic.Uint64, to uint64) {
	for old := v.Load(); old < to; old = v.Load() {
		if v.CompareAndSwap(old, to) {
			return
		}
	}
}

// raiseFloor makes every read wait for p.
func (n *notes) raiseFloor(s events.Stream, sequence uint64) {
	raise(n.newest.at(s), sequence)
	raise(n.floor.at(s), sequence)
	if s == events.Roster {
		raise(&n.newestCredentials, sequence)
	}
}

func (n *notes) shard(userID string) *noteShard {
	return &n.shards[maphash.String(n.seed, userID)%noteShards]
}

func (n *notes) add(userID string, p events.Position, credentials bool) {
	if userID == nobody || p.Sequence == 0 || p.Stream != events.Roster && p.Stream != events.Activity {
		return
	}
	raise(n.newest.at(p.Stream), p.Sequence)
	if credentials && p.Stream == events.Roster {
		raise(&n.newestCredentials, p.Sequence)
	}
	userID = strings.ToLower(userID) // an id's letters may be of either case
	s := n.shard(userID)
	s.mu.Lock()
	defer s.mu.Unlock()
	known, ok := s.users[userID]
	if !ok && len(s.users) >= notesInShard {
		n.makeRoom(s)
	}
	at := known.at(p.Stream)
	*at = max(*at, p.Sequence)
	if credentials && p.Stream == events.Roster {
		known.credentials = max(known.credentials, p.Sequence)
	}
	s.users[userID] = known
	if p.Stream == events.Roster && n.changed != nil {
		n.changed(userID, p.Sequence, credentials)
	}
}

// unlessNewer calls f, and lets no change of the user in before it is done,
// unless one behind at is known in ROSTER (of credentials, where only those
// matter), or may have been and is forgotten.
func (n *notes) unlessNewer(userID string, at uint64, credentials bool, f func()) {
	s := n.shard(userID)
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.users[userID]
	newest := known.roster
	if credentials {
		newest = known.credentials
	}
	if at >= max(newest, s.forgotten, n.floor.roster.Load()) {
		f()
	}
}

// makeRoom drops what every model has reached. If that is nothing, any entry
// goes, and everybody waits for what it asked for.
func (n *notes) makeRoom(s *noteShard) {
	covered := n.covered()
	for id, known := range s.users {
		if known.roster <= covered.roster && known.activity <= covered.activity {
			s.forget(id, known)
		}
	}
	if len(s.users) < notesInShard {
		return
	}
	for id, known := range s.users {
		n.raiseFloor(events.Roster, known.roster)
		n.raiseFloor(events.Activity, known.activity)
		s.forget(id, known)
		return
	}
}

func (s *noteShard) forget(id string, known note) {
	s.forgotten = max(s.forgotten, known.roster)
	delete(s.users, id)
}

// need returns the position to wait for before something of a user is read.
// reached is where the model is: most reads find that it is past everything noted.
func (n *notes) need(userID string, s events.Stream, reached uint64) uint64 {
	newest := n.newest.at(s).Load()
	if newest <= reached || userID == anybody {
		return newest
	}
	if userID == anyCredential {
		return n.newestCredentials.Load()
	}
	floor := n.floor.at(s).Load()
	if userID == nobody {
		return floor
	}
	userID = strings.ToLower(userID)
	shard := n.shard(userID)
	shard.mu.RLock()
	known := shard.users[userID]
	shard.mu.RUnlock()
	return max(floor, *known.at(s))
}

// credentials returns the position of a user's newest change of credentials, or up
// to where nobody knows whether there was one: what lies below the floor happened
// before this process began, say.
func (n *notes) credentials(userID string) uint64 {
	shard := n.shard(userID)
	shard.mu.RLock()
	defer shard.mu.RUnlock()
	return max(shard.users[userID].credentials, n.floor.roster.Load())
}

package commands

import (
	"strconv"
	"time"

	"github.com/rosterhq/roster/events"
)

// importUser is a checked ImportUser.
type importUser struct {
	registerUser
	given       bool // the number came along
	createdAt   time.Time
	places      [][]string // roles in each organization
	preferences []UpdatePreferences
	keys        []*events.UserKeyCreated
	readable    string
}

func (importUser) actions(facts) []Action { return []Action{ImportUsers} }

func (c importUser) claims(u User) []events.Claim {
	return append(c.registerUser.claims(u), c.ownClaims()...)
}

// ownClaims are those that come beside the names. Numbers and ids of keys that were
// made here need none: they are no two users' by the way they are made.
func (c importUser) ownClaims() []events.Claim {
	var out []events.Claim
	if c.given {
		out = append(out, numberClaim(c.number))
	}
	for _, k := range c.keys {
		out = append(out, keyClaim(k.KeyID))
	}
	if c.readable != "" {
		out = append(out, readableKeyClaim(c.readable))
	}
	return out
}

func numberClaim(n int64) events.Claim {
	return events.Claim{Kind: claimNumber, Value: strconv.FormatInt(n, 10)}
}

func keyClaim(id string) events.Claim { return events.Claim{Kind: claimKey, Value: id} }

func decideImport(u User, c importUser, f facts) (decision, *Error) {
	if u.ID != "" { // came between the look and now
		return decision{}, errDecideAgain
	}
	if err := c.taken(f); err != nil {
		return decision{}, err
	}
	owners, err := f.moveOwner(c.id, false, activeOwner(c.status, c.roles))
	if err != nil {
		return decision{}, err
	}
	registered := c.event()
	registered.CreatedAt = c.createdAt
	d := decision{events: []events.Payload{registered}, claims: owners}
	for _, p := range c.preferences {
		if changed := changedPreferences(User{}, p); changed != nil {
			d.events = append(d.events, changed)
		}
	}
	for _, k := range c.keys {
		d.events = append(d.events, k)
	}
	if c.readable != "" {
		d.events = append(d.events, &events.UserReadableKeySet{Sealed: events.Seal(events.UserReadableKeyPrivate{Key: c.readable})})
	}
	for _, claim := range append(c.names(), c.ownClaims()...) {
		d.claims = append(d.claims, f.take(claim, c.id))
	}
	return d, nil
}

// taken refuses what belongs to another user, all of it at once.
func (c importUser) taken(f facts) *Error {
	var p problems
	if names := c.registerUser.taken(f); names != nil {
		p.fields = names.Fields
	}
	if c.given && f.takenByOther(numberClaim(c.number), c.id) {
		p.add("number", "taken", "another user has this number")
	}
	for _, k := range c.keys {
		if f.takenByOther(keyClaim(k.KeyID), c.id) {
			p.add("keys", "taken", "another user has a key with the id "+k.KeyID)
		}
	}
	if c.readable != "" && f.takenByOther(readableKeyClaim(c.readable), c.id) {
		p.add("readableKey", "taken", "another user has this key")
	}
	return p.conflict()
}

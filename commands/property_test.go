package commands

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rosterhq/roster/events"
)

// world is a log without a server: histories and claims of a few users.
type world struct {
	now      time.Time
	sequence uint64
	claims   map[events.Claim]events.ClaimState
	history  map[string][]events.Recorded
	state    map[string]User
}

func newWorld() *world {
	return &world{
		now:    time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		claims: map[events.Claim]events.ClaimState{}, history: map[string][]events.Recorded{}, state: map[string]User{},
	}
}

func (w *world) facts(actor Actor, u User, c userCommand) facts {
	f := facts{now: w.now, actor: actor, claims: map[events.Claim]events.ClaimState{}}
	for _, claim := range c.claims(u) {
		f.claims[claim] = w.claims[claim]
	}
	return f
}

// do decides a command and stores what comes of it, as the log would.
func (w *world) do(t require.TestingT, actor Actor, id string, c userCommand, commandID string) *Error {
	u := w.state[id]
	before := asJSON(t, u)
	d, refused := decideUser(u, c, w.facts(actor, u, c))
	require.JSONEq(t, before, asJSON(t, u), "a decision changed its input")
	if refused != nil {
		require.Empty(t, d.events)
		return refused
	}
	if len(d.events) == 0 {
		require.Empty(t, d.claims, "claims without an event")
		return nil
	}
	for _, p := range d.events {
		w.sequence++
		e := events.Recorded{
			Meta: events.Meta{
				ID: fmt.Sprint("e", w.sequence), Type: p.EventType(), Time: w.now, CommandID: commandID,
				Aggregate: userAggregate(id),
			},
			Stream: events.Roster, Sequence: w.sequence, Payload: p,
		}
		if commandID != "" {
			e.RequestHash = "h"
		}
		w.fold(t, id, e)
	}
	for _, change := range d.claims {
		require.Equal(t, w.claims[change.Claim].Sequence, change.Expected)
		w.sequence++
		w.claims[change.Claim] = events.ClaimState{Holder: change.Holder, Sequence: w.sequence}
	}
	return nil
}

func (w *world) fold(t require.TestingT, id string, e events.Recorded) {
	old := w.state[id]
	before := asJSON(t, old)
	var copied User
	require.NoError(t, json.Unmarshal([]byte(before), &copied))
	next := evolveUser(old, e)
	require.JSONEq(t, before, asJSON(t, old), "folding an event changed the older state")
	require.Equal(t, next, evolveUser(copied, e), "a state read from a snapshot folds otherwise")
	require.Equal(t, next, evolveUser(copied, throughTheLog(t, e)), "an event from the log folds otherwise")
	w.state[id] = next
	w.history[id] = append(w.history[id], e)
}

var dataKey = func() *events.DataKey {
	key, err := events.NewDataKey(make([]byte, events.KeySize))
	if err != nil {
		panic(err)
	}
	return key
}()

// throughTheLog returns the event as it is read back.
func throughTheLog(t require.TestingT, e events.Recorded) events.Recorded {
	m := e.Meta
	var key *events.DataKey
	if events.PrivatePart(e.Payload) != nil {
		m.SealedFor, key = m.Aggregate.ID, dataKey
	}
	h, data, err := events.Encode(&m, e.Payload, key)
	require.NoError(t, err)
	out := e
	out.Meta, err = events.DecodeMeta(h)
	require.NoError(t, err)
	out.Payload, err = events.Released().Decode(&out.Meta, data, key)
	require.NoError(t, err)
	return out
}

func asJSON(t require.TestingT, v any) string {
	data, err := json.Marshal(v)
	require.NoError(t, err)
	return string(data)
}

// check is what must hold between histories, states and claims at any time.
func (w *world) check(t require.TestingT) {
	held := map[events.Claim]string{}
	var owners []string
	for id, u := range w.state {
		var replayed User
		for _, e := range w.history[id] {
			replayed = evolveUser(replayed, e)
		}
		require.Equal(t, u, replayed, "a replay differs from the running state")
		if u.exists() {
			for _, c := range heldClaims(u) {
				require.Empty(t, held[c], "two users hold %v", c)
				held[c] = id
			}
		}
		if activeOwner(u.Status, u.Roles) {
			owners = append(owners, id)
		}
		require.LessOrEqual(t, len(u.Commands), rememberedCommands)
		checkPlaces(t, u)
	}
	for c, s := range w.claims {
		if c.Kind == claimUsername || c.Kind == claimEmail || c.Kind == claimIdentity {
			require.Equal(t, held[c], s.Holder, "claim %v", c)
			delete(held, c)
		}
	}
	require.Empty(t, held, "names without a claim")
	slices.Sort(owners)
	require.Equal(t, strings.Join(owners, ","), w.claims[ownersClaim()].Holder)
	if w.claims[ownersClaim()].Sequence > 0 {
		require.NotEmpty(t, owners, "no owner is left")
	}
}

// checkPlaces: one place in each organization, and a way to sign in that fits.
func checkPlaces(t require.TestingT, u User) {
	seen := map[string]bool{}
	for _, m := range u.Memberships {
		require.False(t, seen[m.Organization], "two places in one organization")
		seen[m.Organization] = true
		require.True(t, slices.IsSorted(m.Roles))
	}
	if u.exists() && u.LoginType != events.LoginPassword {
		require.Empty(t, u.PasswordHash, "a password that nobody may sign in with")
	}
}

// erased replays histories as they read once the data keys are destroyed.
func (w *world) erased(t require.TestingT) {
	for id, history := range w.history {
		var u User
		for _, e := range history {
			m := e.Meta
			if events.PrivatePart(e.Payload) != nil {
				m.SealedFor = id
				_, data, err := events.Encode(&m, e.Payload, dataKey)
				require.NoError(t, err)
				e.Payload, err = events.Released().Decode(&m, data, nil)
				require.NoError(t, err)
			}
			u = evolveUser(u, e)
		}
		whole := w.state[id]
		require.Equal(t, whole.Status, u.Status)
		require.Equal(t, whole.Roles, u.Roles)
		require.Equal(t, whole.Memberships, u.Memberships)
		require.Len(t, u.Keys, len(whole.Keys))
		require.Empty(t, u.Username+u.Email+u.PasswordHash)
		require.Empty(t, u.Identities)
	}
}

var usualLifetimes = lifetimesOf(Config{})

var (
	someIDs   = []string{"u1", "u2", "u3"}
	someNames = []string{"ann", "Ann", "bob", "BOB", "carol"}
	someMails = []string{"", "ann@example.com", "ANN@example.com", "bob@example.com"}
	someKeys  = []string{"k1", "k2", "k3"}
	someRoles = [][]events.Role{nil, {events.RoleOwner}, {events.RoleAuditor}, {events.RoleAuditor, events.RoleOwner}}
)

func pick[T any](t *rapid.T, from []T) T { return rapid.SampledFrom(from).Draw(t, "pick") }

func pointer[T any](t *rapid.T, from []T) *T {
	if rapid.Bool().Draw(t, "given") {
		v := pick(t, from)
		return &v
	}
	return nil
}

// anyCommand draws a command that passed the checks of its form.
func anyCommand(t *rapid.T, id string, u User) userCommand {
	switch rapid.IntRange(0, 19).Draw(t, "command") {
	case 0, 1:
		return registerUser{
			id: id, username: pick(t, someNames), email: pick(t, someMails), loginType: events.LoginPassword,
			status:    pick(t, []events.Status{events.StatusActive, events.StatusDormant, events.StatusSuspended}),
			confirmed: true, roles: pick(t, someRoles), password: "hash", number: 1,
			identities: pick(t, [][]events.Identity{nil, {{Provider: "github", Subject: "1"}}}),
		}
	case 2, 3:
		return updateUser{UpdateUser: UpdateUser{
			UserID: id, Username: pointer(t, someNames), Email: pointer(t, someMails), Name: pointer(t, someNames),
			Avatar: pointer(t, []string{"", "https://example.com/a"}), Language: pointer(t, []string{"", "en"}),
		}}
	case 4:
		return updatePreferences{UpdatePreferences{
			UserID: id, Dialect: "codimir", Language: pointer(t, []string{"", "de"}),
			Changes: map[string]any{"theme": pick(t, []any{nil, "dark", "light"}), "notifications": pick(t, []any{nil, true, false})},
		}}
	case 5:
		return setPassword{
			hash: pick(t, []string{"hash", "other"}), revoke: rapid.Bool().Draw(t, "revoke"),
			old: true, compared: true, oldRight: rapid.Bool().Draw(t, "right"), verified: u.PasswordHash,
		}
	case 6:
		return assignRoles{roles: pick(t, someRoles)}
	case 7:
		return suspendUser{}
	case 8:
		return activateUser{}
	case 9:
		return deleteUser{}
	case 10:
		return openSession{
			verified: u.PasswordHash, right: rapid.Bool().Draw(t, "right"), keyID: pick(t, someKeys),
			secretHash: []byte("s"), lifetime: time.Hour, rehash: pick(t, []string{"", "again"}),
		}
	case 11:
		return closeSession{keyID: pick(t, someKeys)}
	case 12:
		return createKey{
			loginType: pick(t, []events.LoginType{events.LoginToken, events.LoginPassword}), limits: usualLifetimes,
			id: pick(t, someKeys), secretHash: []byte("s"), name: pick(t, []string{"", "ci"}),
			scopes: pick(t, [][]string{{ScopeAll}, {ScopeApplicationConnect}}), lifetime: pick(t, []time.Duration{0, 2 * time.Hour}),
			allowList: pick(t, [][]events.Resource{nil, {{Type: "user", ID: "*"}}}),
		}
	case 13:
		return pick(t, []userCommand{
			regenerateKey{limits: usualLifetimes, id: "k1", secretHash: []byte("n"), lifetime: time.Hour},
			expireKey{id: "k2"},
			deleteKey{id: "k1"},
			deleteKey{id: "k3", past: pastKey{Key: Key{ID: "k3"}, known: true}},
		})
	case 14, 15, 16:
		return anyPlace(t)
	default:
		return anyPossession(t, id, u)
	}
}

// anyPlace draws a command on places in organizations, or on dormancy.
func anyPlace(t *rapid.T) userCommand {
	team := pick(t, []string{"o1", "o2"})
	return pick(t, []userCommand{
		addMember{organization: team},
		removeMember{organization: team},
		assignOrganizationRoles{organization: team, roles: pick(t, [][]string{nil, {events.OrganizationAdmin}, {events.OrganizationAdmin, events.OrganizationAuditor}})},
		wakeUser{},
		putToSleep{lastSeen: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)},
	})
}

func TestAnyHistory(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			w.now = w.now.Add(time.Duration(rapid.IntRange(0, 90).Draw(t, "minutes")) * time.Minute)
			id := pick(t, someIDs)
			actor := Actor{UserID: pick(t, append(someIDs, SystemActor)), Roles: pick(t, someRoles), Scopes: []string{ScopeAll}}
			_ = w.do(t, actor, id, anyCommand(t, id, w.state[id]), pick(t, []string{"", "c1", "c2", "c3"}))
			w.check(t)
		}
		w.erased(t)
	})
}

func TestRepeatingACommandThatWasDecidedDoesNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
		system := Actor{UserID: SystemActor}
		require.Nil(t, w.do(t, system, "u1", registerUser{
			id: "u1", username: "ann", email: "ann@example.com", loginType: events.LoginPassword,
			status: events.StatusActive, confirmed: true, roles: []events.Role{events.RoleOwner},
		}, ""))
		require.Nil(t, w.do(t, system, "u2", registerUser{
			id: "u2", username: "bob", loginType: events.LoginPassword, status: events.StatusActive, confirmed: true,
			roles: []events.Role{events.RoleOwner},
		}, ""))
		c := anyCommand(t, "u1", w.state["u1"])
		switch c.(type) {
		case updateUser, updatePreferences, assignRoles, suspendUser, activateUser:
		default:
			t.Skip("not one that says how things are to be")
		}
		if w.do(t, system, "u1", c, "") != nil {
			t.Skip("refused")
		}
		n := len(w.history["u1"])
		require.Nil(t, w.do(t, system, "u1", c, ""))
		require.Len(t, w.history["u1"], n)
	})
}

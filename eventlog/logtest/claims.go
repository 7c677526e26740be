//nolint:thelper // these are tests, not helpers of tests
package logtest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/events"
)

var claims = map[string]func(*testing.T, Log){
	"a claim is held by whoever made it, and refused to others": heldClaim,
	"a released claim can be made again, expecting the release": releasedClaim,
	"a rename releases the old name and takes the new one":      rename,
	"claims of two kinds with one value are two claims":         kindsApart,
	"a claim is a register that passes from holder to holder":   passedOn,
}

var name = events.Claim{Kind: "username", Value: "ada"}

func claimed(t *testing.T, l Log, c events.Claim) events.ClaimState {
	t.Helper()
	state, err := l.Claim(t.Context(), c)
	require.NoError(t, err)
	return state
}

func heldClaim(t *testing.T, l Log) {
	require.Zero(t, claimed(t, l, name))
	ada, eve := newUser(), newUser()
	first, err := l.Append(t.Context(), registration(ada, "ada", "ada@example.org"))
	require.NoError(t, err)
	require.Equal(t, events.ClaimState{Holder: ada.ID, Sequence: first - 2}, claimed(t, l, name), "claims come first")
	_, err = l.Append(t.Context(), registration(eve, "ada", "eve@example.org"))
	require.ErrorIs(t, err, events.ErrConflict)
	require.Zero(t, claimed(t, l, events.Claim{Kind: "email", Value: "eve@example.org"}))
	require.Equal(t, first, head(t, l, events.Roster))
}

func releasedClaim(t *testing.T, l Log) {
	ada, eve := newUser(), newUser()
	first, err := l.Append(t.Context(), registration(ada, "ada", "ada@example.org"))
	require.NoError(t, err)
	_, err = l.Append(t.Context(), events.Commit{
		Aggregate: ada, Expected: first, Events: []events.Draft{draft(ada, &events.UserDeleted{}, false)},
		Claims: []events.ClaimChange{{Claim: name, Expected: claimed(t, l, name).Sequence}},
	})
	require.NoError(t, err)
	tombstone := claimed(t, l, name)
	require.Empty(t, tombstone.Holder)
	require.NotZero(t, tombstone.Sequence)

	again := registration(eve, "ada", "eve@example.org")
	_, err = l.Append(t.Context(), again)
	require.ErrorIs(t, err, events.ErrConflict, "the release was not expected")
	again.Claims[0].Expected = tombstone.Sequence
	_, err = l.Append(t.Context(), again)
	require.NoError(t, err)
	require.Equal(t, eve.ID, claimed(t, l, name).Holder)
}

func rename(t *testing.T, l Log) {
	ada := newUser()
	first, err := l.Append(t.Context(), registration(ada, "ada", "ada@example.org"))
	require.NoError(t, err)
	to := events.Claim{Kind: "username", Value: "countess"}
	_, err = l.Append(t.Context(), events.Commit{
		Aggregate: ada, Expected: first, Events: []events.Draft{renamed(ada, "countess")},
		Claims: []events.ClaimChange{{Claim: name, Expected: claimed(t, l, name).Sequence}, {Claim: to, Holder: ada.ID}},
	})
	require.NoError(t, err)
	require.Empty(t, claimed(t, l, name).Holder)
	require.Equal(t, ada.ID, claimed(t, l, to).Holder)
}

func kindsApart(t *testing.T, l Log) {
	ada := newUser()
	_, err := l.Append(t.Context(), registration(ada, "same", "same"))
	require.NoError(t, err)
	require.NotEqual(t, claimed(t, l, events.Claim{Kind: "username", Value: "same"}).Sequence,
		claimed(t, l, events.Claim{Kind: "email", Value: "same"}).Sequence)
}

func passedOn(t *testing.T, l Log) {
	owners := events.Claim{Kind: "owners"}
	user, at := register(t, l)
	holder := ""
	for range 5 {
		state := claimed(t, l, owners)
		require.Equal(t, holder, state.Holder)
		holder += "," + newUser().ID
		change := events.Commit{
			Aggregate: user, Expected: at, Events: []events.Draft{draft(user, &events.UserRolesAssigned{}, false)},
			Claims: []events.ClaimChange{{Claim: owners, Expected: state.Sequence, Holder: holder}},
		}
		first, err := l.Append(t.Context(), change)
		require.NoError(t, err)
		change.Expected, change.Events = first, []events.Draft{draft(user, &events.UserRolesAssigned{}, false)}
		_, err = l.Append(t.Context(), change)
		require.ErrorIs(t, err, events.ErrConflict, "the register has moved on")
		at = first
	}
}

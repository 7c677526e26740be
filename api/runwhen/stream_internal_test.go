package runwhen

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query"
)

// TestWhenARightIsLookedAtAgain: what a role gave while a stream was open goes with
// the role, since it is looked at as often as a shared workspace.
func TestWhenARightIsLookedAtAgain(t *testing.T) {
	t.Parallel()
	now := time.Now()
	ends, soon := now.Add(time.Hour), now.Add(sharedFor)
	h := &Handler{Deps: gate.Deps{Clock: func() time.Time { return now }}}
	admins := []events.Role{events.RoleUserAdmin}
	for name, test := range map[string]struct {
		caller  string
		opened  bool // as staff
		roles   []events.Role
		until   time.Time
		without bool // the roles: may they read on until then
	}{
		"themselves":      {"ada", false, nil, ends, true},
		"staff":           {"clerk", true, admins, ends, false},
		"others":          {"bob", false, nil, soon, true},
		"staff meanwhile": {"bob", false, admins, soon, true},
	} {
		c := gate.Caller{Actor: commands.Actor{UserID: test.caller, Roles: test.roles, Scopes: []string{commands.ScopeAll}}, Key: query.Key{ExpiresAt: ends}}
		watch := watcher{h: h, user: query.User{ID: "ada"}, staff: test.opened}
		require.Equal(t, test.until, watch.until(c), name)
		require.Equal(t, test.without, watch.rights(c.Actor)(nil)("ada"), name)
		require.False(t, watch.may(c.Actor)("eve"), name)
	}
}

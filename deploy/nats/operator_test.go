package roles_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/eventlog"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/internal/app"
)

// operates does what the operator's commands do, on an installation that lives.
func operates(t *testing.T, in *installation) {
	t.Helper()
	settings := in.apiSettings(t, "operator")
	user, changed, err := app.MakeOwner{User: "grace", Settings: settings, Logger: in.logger}.Run(t.Context())
	require.NoError(t, err)
	require.True(t, changed)
	require.Equal(t, "grace", user.Username)

	settings.PreviousKey, settings.MasterKey = settings.MasterKey, []byte(strings.Repeat("n", 32))
	done, err := app.RotateKeys{Settings: settings, Logger: in.logger}.Run(t.Context())
	require.NoError(t, err)
	require.NotZero(t, done)
	require.Empty(t, in.broker.violations())
}

// TestTheOperatorRestores: streams are made, replaced and filled.
func TestTheOperatorRestores(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	c := b.connect(t, "operator")
	for range 2 { // the second replaces what the first left unfinished
		seed, err := eventlog.BeginSeed(t.Context(), c.Conn, eventlog.SeedOptions{First: map[events.Stream]uint64{events.Activity: 7}})
		require.NoError(t, err)
		require.NoError(t, seed.PutKeys(t.Context(), []events.WrappedKey{{Name: "user", Box: []byte("box")}}))
		require.NoError(t, seed.Put(t.Context(), events.Activity, []events.Stored{{Sequence: 9, Subject: "activity.0.0", Headers: events.Headers{}}}))
		seed.Abandon()
	}
	seed, err := eventlog.BeginSeed(t.Context(), c.Conn, eventlog.SeedOptions{})
	require.NoError(t, err)
	require.NoError(t, seed.Finish(t.Context()))
	require.Empty(t, b.violations())
}

package signin

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/events"
)

func TestRolesOfAClaim(t *testing.T) {
	t.Parallel()
	c := RoleClaim{
		Field:    "groups",
		Mapping:  map[string][]events.Role{"staff": {"auditor", "user-admin"}, "owner": {}, "qa": {"tester"}},
		Defaults: []events.Role{"auditor"},
	}
	for said, want := range map[string][]events.Role{
		`{}`:                                     {"auditor"},
		`{"groups":null}`:                        {"auditor"},
		`{"groups":[]}`:                          {"auditor"},
		`{"groups":"template-admin"}`:            {"auditor", "template-admin"},
		`{"groups":["staff","template-admin"]}`:  {"auditor", "template-admin", "user-admin"},
		`{"groups":["owner","qa"]}`:              {"auditor", "tester"},
		`{"groups":["system","tester","Owner"]}`: {"auditor"},
		`{"groups":["member","nonsense",""]}`:    {"auditor"},
	} {
		got, err := c.of(claimsFrom(t, said))
		require.NoError(t, err, said)
		require.Equal(t, want, got, said)
	}
	for _, said := range []string{`{"groups":7}`, `{"groups":{"a":1}}`, `{"groups":["a",7]}`, `{"groups":true}`} {
		_, err := c.of(claimsFrom(t, said))
		e, ok := AsError(err)
		require.True(t, ok, said)
		require.Equal(t, BadRoles, e.Reason, said)
	}
	none, err := RoleClaim{}.of(claimsFrom(t, `{"groups":["owner"],"":["owner"]}`))
	require.NoError(t, err)
	require.Nil(t, none, "roles are none of the provider's business")
	nothing, err := RoleClaim{Field: "groups"}.of(nil)
	require.NoError(t, err)
	require.NotNil(t, nothing, "no role is the provider's word, too")
	require.Empty(t, nothing)
}

func claimsFrom(t *testing.T, said string) map[string]any {
	t.Helper()
	claims, err := mergeClaims(json.RawMessage(said))
	require.NoError(t, err)
	return claims
}

package commands

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rosterhq/roster/events"
)

var someResourceIDs = []string{
	"*", "0190c3a8-0000-7000-8000-00000000000a", "0190c3a8-0000-7000-8000-00000000000b", "0190C3A8-0000-7000-8000-00000000000A",
}

func drawList(t *rapid.T, name string) []events.Resource {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) events.Resource {
		return events.Resource{Type: rapid.SampledFrom([]string{"*", "user", "workspace", "api_key"}).Draw(t, "type"), ID: rapid.SampledFrom(someResourceIDs).Draw(t, "id")}
	}), 0, 8).Draw(t, name)
}

// reaches says what a list means: whether a key with it may reach a thing.
func reaches(list []events.Resource, kind, id string) bool {
	return len(list) == 0 || slices.ContainsFunc(list, func(e events.Resource) bool { return contains(e, events.Resource{Type: kind, ID: id}) })
}

func TestNormalAllowListsMeanTheSame(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var p problems
		in := drawList(t, "list")
		out := p.normaliseAllowList(in)
		require.Nil(t, p.err())
		require.Equal(t, out, p.normaliseAllowList(out), "it is normal already")
		require.LessOrEqual(t, len(out), len(in))
		lower := make([]events.Resource, len(in))
		for i, e := range in {
			lower[i] = e
			if id, ok := canonicalID(e.ID); ok {
				lower[i].ID = id
			}
		}
		for _, kind := range []string{"user", "workspace", "template"} {
			for _, id := range someResourceIDs[:3] {
				require.Equal(t, reaches(lower, kind, id), reaches(out, kind, id), "%s:%s in %v, normal %v", kind, id, in, out)
			}
		}
	})
}

func TestCoveredListsReachNoFurther(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var p problems
		held, wanted := p.normaliseAllowList(drawList(t, "held")), p.normaliseAllowList(drawList(t, "wanted"))
		require.True(t, coversList(held, held))
		require.True(t, coversList(nil, wanted))
		if !coversList(held, wanted) {
			return
		}
		for _, kind := range []string{"user", "workspace", "template"} {
			for _, id := range someResourceIDs[:3] {
				if reaches(wanted, kind, id) {
					require.True(t, reaches(held, kind, id))
				}
			}
		}
	})
}

// An allow list only ever takes away, and a wider one never allows less.
func TestAllowListsOnlyTakeAway(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var p problems
		me, you := someResourceIDs[1], someResourceIDs[2]
		full := Actor{UserID: me, Roles: pick(t, someRoles), Scopes: []string{ScopeAll}}
		limited, narrower := full, full
		limited.AllowList, narrower.AllowList = p.normaliseAllowList(drawList(t, "list")), p.normaliseAllowList(drawList(t, "narrower"))
		target := pick(t, []string{me, you})
		for action := range policy {
			if Allowed(limited, action, target) {
				require.True(t, Allowed(full, action, target))
			}
			if coversList(limited.AllowList, narrower.AllowList) && Allowed(narrower, action, target) {
				require.True(t, Allowed(limited, action, target), "%s with %v and %v", action, limited.AllowList, narrower.AllowList)
			}
			if AllowedIn(limited, action, target) {
				require.True(t, AllowedIn(full, action, target))
			}
		}
	})
}

func FuzzAllowList(f *testing.F) {
	f.Add("user", "*", "workspace", someResourceIDs[1])
	f.Add("*", "*", "", "")
	f.Fuzz(func(t *testing.T, type1, id1, type2, id2 string) {
		var p problems
		out := p.normaliseAllowList([]events.Resource{{Type: type1, ID: id1}, {Type: type2, ID: id2}})
		if p.err() != nil {
			require.Empty(t, out)
			return
		}
		for _, e := range out {
			require.Contains(t, append(ResourceTypes(), "*"), e.Type)
			if e.ID != "*" {
				_, ok := canonicalID(e.ID)
				require.True(t, ok)
			}
		}
	})
}

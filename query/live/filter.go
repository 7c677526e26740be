package live

import (
	"slices"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query"
)

// Filter says which activities a stream wants. Empty members want everything, but
// for Users: there nil is everybody, which the caller must be allowed to read.
type Filter struct {
	Users      []string
	Types      []events.ActivityType
	Projects   []string
	Workspaces []string
}

// wants looks at everything but the user: the index has done that.
func (f *Filter) wants(a *frame) bool {
	return oneOf(f.Types, a.kind) && oneOf(f.Projects, a.project) && oneOf(f.Workspaces, a.workspace)
}

func (f *Filter) wantsUser(user string) bool { return f.Users == nil || slices.Contains(f.Users, user) }

// allowed says whether all that the filter asks for may be read.
func (f *Filter) allowed(may func(userID string) bool) bool {
	if f.Users == nil {
		return may("")
	}
	return !slices.ContainsFunc(f.Users, func(user string) bool { return !may(user) })
}

func (f *Filter) history() query.HistoryFilter {
	return query.HistoryFilter{Users: f.Users, Types: f.Types, Projects: f.Projects, Workspaces: f.Workspaces}
}

func oneOf[T comparable](list []T, v T) bool { return len(list) == 0 || slices.Contains(list, v) }

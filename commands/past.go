package commands

import (
	"maps"
	"slices"
	"time"

	"github.com/rosterhq/roster/events"
)

// The past of an aggregate is the fold of its events, by the same functions by
// which commands decide. These are pure: no I/O, no clock.

// EvolveUser returns a user's state after one more event. The old state stays as
// it is. An event whose data key is erased leaves what was sealed empty.
func EvolveUser(u User, e events.Recorded) User { return evolveUser(u, e) }

// EvolveOrganization is EvolveUser for an organization.
func EvolveOrganization(o Organization, e events.Recorded) Organization {
	return evolveOrganization(o, e)
}

// EvolveWorkspace is EvolveUser for a workspace.
func EvolveWorkspace(w Workspace, e events.Recorded) Workspace { return evolveWorkspace(w, e) }

// UserOf folds a user's events, in their order, from the first on.
func UserOf(past []events.Recorded) User { return foldOf(past, evolveUser) }

// OrganizationOf is UserOf for an organization.
func OrganizationOf(past []events.Recorded) Organization { return foldOf(past, evolveOrganization) }

// WorkspaceOf is UserOf for a workspace.
func WorkspaceOf(past []events.Recorded) Workspace { return foldOf(past, evolveWorkspace) }

func foldOf[S any](past []events.Recorded, evolve func(S, events.Recorded) S) S {
	var state S
	for _, e := range past {
		state = evolve(state, e)
	}
	return state
}

// PreferenceDialects lists the dialects that have preferences, sorted.
func PreferenceDialects() []string { return slices.Sorted(maps.Keys(preferenceSchema)) }

// At returns the state as it is at a moment behind its last event: sessions and a
// passcode that ended until then are gone.
func (u User) At(t time.Time) User { return dropEnded(u, t) }

// Package projections lists what Roster projects from its log.
package projections

import (
	"github.com/rosterhq/roster/projections/accountfeed"
	"github.com/rosterhq/roster/projections/activity"
	"github.com/rosterhq/roster/projections/credentials"
	"github.com/rosterhq/roster/projections/history"
	"github.com/rosterhq/roster/projections/runtime"
	"github.com/rosterhq/roster/projections/skills"
	"github.com/rosterhq/roster/projections/statistics"
	"github.com/rosterhq/roster/projections/users"
	"github.com/rosterhq/roster/projections/workspaces"
)

// All returns every projection, reactions included. They record through the
// Recorder of runtime.Config.
func All() []runtime.Projection {
	return []runtime.Projection{
		users.Projection(),
		credentials.Projection(),
		skills.Projection(),
		workspaces.Projection(),
		history.Projection(),
		activity.Projection(),
		statistics.Projection(),
		accountfeed.Projection(),
	}
}

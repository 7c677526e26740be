package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	api "github.com/rosterhq/roster/api/v1/client"
)

type projectionsCommand struct {
	serverFlags
	outputFlag
}

// Help is shown by --help.
func (projectionsCommand) Help() string {
	return `Read models are built from the log by projections. For each: its version, its place in the log, how many messages it is
behind, messages a second, parked events, what it does, and the process that does it. Below come builds under way.

The token's user must be an owner.

Examples:

  roster projections
  roster projections --output json
`
}

// Run lists projections.
func (p *projectionsCommand) Run(ctx context.Context, o outputs) error {
	c, err := p.connect(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	typed, err := c.API()
	if err != nil {
		return err
	}
	found, err := typed.ListProjectionsWithResponse(ctx)
	if err != nil {
		return fmt.Errorf("list projections: %w", err)
	}
	return p.print(o, found.JSON200, projectionsTable(found.JSON200.Items))
}

func projectionsTable(all []api.Projection) table {
	t := table{head: []string{"NAME", "VERSION", "POSITION", "LAG", "RATE", "PARKED", "STATE", "HOLDER"}}
	for _, one := range all {
		state := string(one.State)
		for _, b := range one.Builds {
			if open(b.State) {
				state = fmt.Sprintf("%s (%s %d of %d, %.0f/s%s)", state, b.State, b.Events, b.Total, b.Rate, remaining(b))
			}
		}
		if one.Stopped != "" {
			state += ": " + one.Stopped
		}
		t.add(one.Name, strconv.Itoa(one.Version), one.Position, strconv.FormatInt(one.Lag, 10), strconv.FormatFloat(float64(one.Rate), 'f', 0, 32),
			strconv.FormatInt(one.Parked, 10), state, one.Holder)
	}
	return t
}

// open says that a build is under way.
func open(s api.ProjectionBuildState) bool {
	switch s {
	case "done", "cancelled", "failed":
		return false
	}
	return true
}

func remaining(b api.ProjectionBuild) string {
	if b.RemainingSeconds <= 0 {
		return ""
	}
	return ", " + (time.Duration(b.RemainingSeconds) * time.Second).String() + " left"
}

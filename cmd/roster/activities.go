package main

import (
	"context"
	"fmt"
	"strings"

	api "github.com/rosterhq/roster/api/v1/client"
)

type activitiesCommand struct {
	List  activitiesList  `cmd:"" help:"List what a user did, the newest first."`
	Count activitiesCount `cmd:"" help:"Count what a user did."`
}

// Help is shown by --help.
func (activitiesCommand) Help() string {
	return `roster tail follows activities as they happen, roster import gharchive brings some in.

Examples:

  roster activities list ada --type ticket,review
  roster activities count ada --type commit
`
}

type activitiesList struct {
	serverFlags
	outputFlag
	User  string   `arg:"" optional:"" default:"me" help:"Whose: id or username; default the token's own." placeholder:"USER"`
	Type  []string `help:"Only these types: ticket, project, comment, review, commit, account." placeholder:"TYPE"`
	Limit int      `help:"At most so many; 0 for all." default:"50" placeholder:"N"`
}

// Help is shown by --help.
func (activitiesList) Help() string {
	return `Examples:

  roster activities list
  roster activities list ada --type ticket --limit 10
  roster activities list ada --limit 0 --output json
`
}

// Run lists activities.
func (a *activitiesList) Run(ctx context.Context, o outputs) error {
	return a.call(ctx, func(typed *api.ClientWithResponses) error {
		all, more, err := pages(a.Limit, func(limit int, cursor string) ([]api.Activity, string, error) {
			params := api.ListActivitiesParams{Limit: &limit, Cursor: given(cursor), Type: given(strings.Join(a.Type, ","))}
			page, err := typed.ListActivitiesWithResponse(ctx, a.User, &params)
			if err != nil {
				return nil, "", fmt.Errorf("list activities of %s: %w", a.User, err)
			}
			return page.JSON200.Items, page.JSON200.Next, nil
		})
		if err != nil {
			return err
		}
		t := table{head: []string{"POSITION", "OCCURRED", "TYPE", "ACTION", "ENTITY", "TITLE", "PROJECT"}}
		for _, one := range all {
			t.add(one.Id, moment(one.OccurredAt), string(one.Type), one.Action, one.Entity.Id, one.Entity.Title, one.Project.Id)
		}
		return printPage(a.outputFlag, o, all, t, more)
	})
}

type activitiesCount struct {
	serverFlags
	outputFlag
	User string   `arg:"" optional:"" default:"me" help:"Whose: id or username; default the token's own." placeholder:"USER"`
	Type []string `help:"Only these types: ticket, project, comment, review, commit, account." placeholder:"TYPE"`
}

// Help is shown by --help.
func (activitiesCount) Help() string {
	return `Examples:

  roster activities count
  roster activities count ada --type commit
`
}

// Run counts activities.
func (a *activitiesCount) Run(ctx context.Context, o outputs) error {
	return a.call(ctx, func(typed *api.ClientWithResponses) error {
		found, err := typed.CountActivitiesWithResponse(ctx, a.User, &api.CountActivitiesParams{Type: given(strings.Join(a.Type, ","))})
		if err != nil {
			return fmt.Errorf("count activities of %s: %w", a.User, err)
		}
		if a.json() {
			return printJSON(o.out, found.JSON200)
		}
		_, err = fmt.Fprintln(o.out, found.JSON200.Count)
		return err
	})
}

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	api "github.com/rosterhq/roster/api/v1/client"
)

type historyCommand struct {
	serverFlags
	outputFlag
	Name  string `arg:"" optional:"" default:"me" help:"Id or name; default the token's own user." placeholder:"NAME"`
	Of    string `help:"What it is: user, organization, or workspace." enum:"user,organization,workspace" default:"user" placeholder:"KIND"`
	Order string `help:"The newest first (desc), or the oldest (asc)." enum:"asc,desc" default:"desc" placeholder:"ORDER"`
	Limit int    `help:"At most so many; 0 for all." default:"50" placeholder:"N"`
}

// Help is shown by --help.
func (historyCommand) Help() string {
	return `Each change: who made it, when, through which dialect and why, and which fields it changed, old and new. Personal values are
shown to a token with the scope events:personal; secrets to nobody.

Examples:

  roster history
  roster history ada --limit 10
  roster history acme --of organization --order asc
  roster history ada --limit 0 --output json
`
}

// Run shows a history.
func (h *historyCommand) Run(ctx context.Context, o outputs) error {
	return h.call(ctx, func(typed *api.ClientWithResponses) error {
		all, more, err := pages(h.Limit, func(limit int, cursor string) ([]api.HistoryItem, string, error) {
			page, err := h.page(ctx, typed, limit, given(cursor))
			if err != nil {
				return nil, "", fmt.Errorf("history of %s %s: %w", h.Of, h.Name, err)
			}
			return page.Items, page.Next, nil
		})
		if err != nil {
			return err
		}
		t := table{head: []string{"POSITION", "TIME", "WHO", "THROUGH", "EVENT", "CHANGES", "WHY"}}
		for _, one := range all {
			t.add(one.Position, moment(one.Time), one.Actor, one.Dialect, strings.TrimPrefix(one.Type, "roster."), changesOf(one), one.Reason)
		}
		return printPage(h.outputFlag, o, all, t, more)
	})
}

func (h *historyCommand) page(ctx context.Context, typed *api.ClientWithResponses, limit int, cursor *string) (*api.HistoryPage, error) {
	switch h.Of {
	case "organization":
		params := api.OrganizationHistoryParams{Order: given(api.OrganizationHistoryParamsOrder(h.Order)), Limit: &limit, Cursor: cursor}
		page, err := typed.OrganizationHistoryWithResponse(ctx, h.Name, &params)
		if err != nil {
			return nil, err
		}
		return page.JSON200, nil
	case "workspace":
		params := api.WorkspaceHistoryParams{Order: given(api.WorkspaceHistoryParamsOrder(h.Order)), Limit: &limit, Cursor: cursor}
		page, err := typed.WorkspaceHistoryWithResponse(ctx, h.Name, &params)
		if err != nil {
			return nil, err
		}
		return page.JSON200, nil
	default:
		params := api.UserHistoryParams{Order: given(api.UserHistoryParamsOrder(h.Order)), Limit: &limit, Cursor: cursor}
		page, err := typed.UserHistoryWithResponse(ctx, h.Name, &params)
		if err != nil {
			return nil, err
		}
		return page.JSON200, nil
	}
}

// changesOf names each field with its values, old and new.
func changesOf(item api.HistoryItem) string {
	out := make([]string, len(item.Changes))
	for i, c := range item.Changes {
		switch {
		case c.Hidden:
			out[i] = c.Field + ": (hidden)"
		case c.Old == nil:
			out[i] = c.Field + ": " + valueText(c.New)
		default:
			out[i] = c.Field + ": " + valueText(c.Old) + " -> " + valueText(c.New)
		}
	}
	return strings.Join(out, "; ")
}

func valueText(v any) string {
	if v == nil {
		return "(none)"
	}
	if text, ok := v.(string); ok {
		return text
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return "?"
	}
	return string(raw)
}

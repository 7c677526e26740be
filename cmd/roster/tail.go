package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/rosterhq/roster/cmd/roster/internal/client"
)

type tailCommand struct {
	serverFlags
	outputFlag
	User      []string `help:"Only these users: ids, usernames, or me." placeholder:"USER"`
	Type      []string `help:"Only these types: ticket, project, comment, review, commit, account." placeholder:"TYPE"`
	Project   []string `help:"Only these projects, by id." sep:"none" placeholder:"ID"`
	Workspace []string `help:"Only these workspaces." sep:"none" placeholder:"NAME"`
	Since     string   `help:"Begin behind this position, or with the earliest." placeholder:"POSITION"`
}

// Help is shown by --help.
func (tailCommand) Help() string {
	return `Without --since the newest 20 come first. With a position (the first word of a line, "id" in JSON), everything
behind it comes, once and in order; --since earliest prints everything there is.

A lost connection is made anew, and nothing is lost or printed twice. Ctrl-C ends.

Examples:

  roster tail
  roster tail --user alice --type ticket
  roster tail --user alice,bob --since a1042 --output json
`
}

// Run follows activities.
func (t *tailCommand) Run(ctx context.Context, o outputs) error {
	api, err := t.connect(ctx)
	if err != nil {
		return err
	}
	defer api.Close()
	write := printActivity
	if t.json() {
		write = printLine
	}
	err = api.Follow(ctx, client.Follow{
		Users: t.User, Types: t.Type, Projects: t.Project, Workspaces: t.Workspace, Since: t.Since,
		Line:   func(line []byte) error { return write(o, line) },
		Notice: func(text string) { _, _ = fmt.Fprintln(o.err, "roster:", text) },
	})
	if errors.Is(err, context.Canceled) {
		return errInterrupted
	}
	return err
}

func printLine(o outputs, line []byte) error {
	if _, err := fmt.Fprintf(o.out, "%s\n", line); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

func printActivity(o outputs, line []byte) error {
	var a struct {
		ID, User, Type, Action string
		Entity                 struct{ ID, Title string }
		OccurredAt             time.Time
	}
	if err := json.Unmarshal(line, &a); err != nil {
		return fmt.Errorf("read an activity: %w", err)
	}
	text := fmt.Sprintf("%s %s %s %s %s %s %s", a.ID, a.OccurredAt.UTC().Format(time.RFC3339), a.User, a.Type, a.Action, a.Entity.ID, a.Entity.Title)
	if _, err := fmt.Fprintln(o.out, plainText(text)); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

// plainText keeps what others wrote from commanding a terminal.
func plainText(s string) string {
	return strings.TrimRight(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s), " ")
}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/rosterhq/roster/cmd/roster/internal/client"
	"github.com/rosterhq/roster/events"
)

type eventsCommand struct {
	serverFlags
	outputFlag
	Stream    string   `help:"roster (facts) or activity (what users did); default both." enum:"roster,activity," default:"" placeholder:"NAME"`
	User      string   `help:"Only what is about this user: id or username, or me." placeholder:"USER"`
	Aggregate string   `help:"Only what is about this thing, as kind/id." placeholder:"KIND/ID"`
	Type      []string `help:"Only these types; * at the end of one stands for anything." placeholder:"TYPE"`
	Actor     string   `help:"Only what this user did: id or username, or me, or system." placeholder:"USER"`
	Dialect   string   `help:"Only what came through this dialect." placeholder:"NAME"`
	From      string   `help:"From this position or time on." placeholder:"WHEN"`
	To        string   `help:"Up to this position or time." placeholder:"WHEN"`
	Order     string   `help:"The oldest first (asc), or the newest (desc)." enum:"asc,desc" default:"asc" placeholder:"ORDER"`
	Limit     int      `help:"At most so many; 0 for all. Default 100, with --follow all." default:"-1" placeholder:"N"`
	Personal  bool     `help:"With personal data, as far as the token may read it."`
	Follow    bool     `help:"Stay, and go on with what happens." short:"f"`
}

// Help is shown by --help.
func (eventsCommand) Help() string {
	return `With --output json each event is one line, a CloudEvent; otherwise a line says when, what, about whom and by whom. The types are
in docs/events.md, and at /docs/events of a running server. The token's user must be an auditor or owner; a key needs
the scope events:read, and events:personal for --personal.

Examples:

  roster events --from r1042
  roster events --type 'roster.user.key-*' --user ada --output json
  roster events --order desc --limit 20
  roster events --from 2026-05-03T00:00:00Z --limit 0 --output json > events.ndjson
  roster events --follow
`
}

// Run reads events.
func (e *eventsCommand) Run(ctx context.Context, o outputs) error {
	if e.Follow && (e.To != "" || e.Order == "desc") {
		return usageError{errors.New("--follow goes on for ever, the oldest first: leave out --to and --order")}
	}
	api, err := e.connect(ctx)
	if err != nil {
		return err
	}
	defer api.Close()
	lines, err := api.Events(ctx, e.query())
	if err != nil {
		return e.ended(ctx, fmt.Errorf("read events: %w", err))
	}
	defer lines.Close()
	write := printEvent
	if e.json() {
		write = printLine
	}
	for {
		line, err := lines.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return e.ended(ctx, err)
		}
		if err := write(o, line); err != nil {
			return err
		}
	}
}

func (e *eventsCommand) ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return errInterrupted
	}
	return err
}

func (e *eventsCommand) query() client.EventsQuery {
	filters := url.Values{}
	for name, value := range map[string]string{
		"user": e.User, "aggregate": e.Aggregate, "type": strings.Join(e.Type, ","), "actor": e.Actor, "dialect": e.Dialect,
	} {
		if value != "" {
			filters.Set(name, value)
		}
	}
	if !e.Follow {
		filters.Set("order", e.Order)
	}
	limit := e.Limit
	if limit < 0 && !e.Follow {
		limit = 100
	}
	if limit > 0 {
		filters.Set("limit", strconv.Itoa(limit))
	}
	streams := map[string]events.Stream{"roster": events.Roster, "activity": events.Activity}
	return client.EventsQuery{
		Filters: filters, Stream: streams[e.Stream], From: e.From, To: e.To, Personal: e.Personal, Follow: e.Follow,
	}
}

// printEvent writes one event as people read it. Lines come as they happen, so their
// columns are not aligned.
func printEvent(o outputs, line []byte) error {
	var e struct {
		Position, Type, Subject, Actor, Dialect string
		Time                                    time.Time
		Data                                    json.RawMessage
	}
	if err := json.Unmarshal(line, &e); err != nil {
		return fmt.Errorf("read an event: %w", err)
	}
	text := fmt.Sprintf("%s %s %s %s by %s", e.Position, moment(e.Time), e.Type, e.Subject, e.Actor)
	if e.Dialect != "" {
		text += " through " + e.Dialect
	}
	if len(e.Data) > 2 { // more than {}
		text += " " + string(e.Data)
	}
	if _, err := fmt.Fprintln(o.out, plainText(text)); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

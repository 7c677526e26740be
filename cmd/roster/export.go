package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/rosterhq/roster/cmd/roster/internal/client"
	"github.com/rosterhq/roster/cmd/roster/internal/exporter"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/export"
)

type exportCommand struct {
	serverFlags
	outputFlag
	Format    string   `help:"ndjson, csv or parquet." enum:"ndjson,csv,parquet" default:"parquet" placeholder:"FORM"`
	Out       string   `help:"Directory of the export; made if need be." required:"" placeholder:"DIR"`
	Stream    string   `help:"roster (facts about users) or activity (what they did); default both." enum:"roster,activity," default:"" placeholder:"NAME"`
	User      []string `help:"Only events of these users: ids, usernames, or me." placeholder:"USER"`
	Aggregate []string `help:"Only events of these, as kind/id." placeholder:"KIND/ID"`
	Type      []string `help:"Only these types; a * stands for anything." placeholder:"TYPE"`
	Actor     []string `help:"Only what these did." placeholder:"USER"`
	Dialect   []string `help:"Only what came through these dialects." placeholder:"NAME"`
	From      string   `help:"From this position or time on." placeholder:"WHEN"`
	To        string   `help:"Up to this position or time, which is included." placeholder:"WHEN"`
	Personal  bool     `help:"With personal data, as far as the token may read it."`
	Follow    bool     `help:"Stay, and add what happens every 10 seconds."`
}

// Help is shown by --help.
func (exportCommand) Help() string {
	return `Events become files, a directory for each day in UTC: in Parquet one set for the envelope of all events and one for
each type, with typed columns; in NDJSON and CSV one set. A manifest says what is there. docs/guides/export.md shows
how the files are read.

An export that was interrupted, or is to get what is new, is run again with the same options: no event is missing and
none is there twice.

Secrets are in no export. Personal data (names, addresses, titles) is there only with --personal; the token's key then
needs the scope events:personal, otherwise events:read.

Examples:

  roster export --out events
  roster export --out tickets --format csv --type roster.activity.recorded.v1 --from 2026-05-01T00:00:00Z
  roster export --out one-user --format ndjson --user ada --personal
  roster export --out events --follow

The last line says what was done:

  exported 1204 events (r8412, a3301) in 0.8 s, 1204 in all
`
}

// followedEvery is how often an export that follows is committed.
const followedEvery = 10 * time.Second

// Run exports.
func (e *exportCommand) Run(ctx context.Context, o outputs) error {
	if e.Follow && e.To != "" {
		return usageError{errors.New("--follow never comes to the end that --to names")}
	}
	started := time.Now()
	api, err := e.connect(ctx)
	if err != nil {
		return err
	}
	defer api.Close()
	query := e.query()
	into, err := export.Open(export.Options{
		Dir: e.Out, Form: e.Format, Personal: e.Personal, Filters: e.options(query), Catalogue: events.Released(),
	})
	if err != nil {
		return err
	}
	report := &streamReport{o: o}
	err = exporter.Run(ctx, exporter.Options{
		Server: api, Into: into, Query: query, Follow: e.Follow, Every: followedEvery,
		Progress: func(s events.Stream, at, end uint64) { report.step("events of "+string(s), at, end) },
		Notice:   func(text string) { _, _ = fmt.Fprintln(o.err, "roster:", text) },
	})
	report.finish()
	err = errors.Join(err, into.Close())
	return e.conclude(ctx, o, into, err, time.Since(started))
}

func (e *exportCommand) query() client.EventsQuery {
	filters := url.Values{}
	for name, values := range map[string][]string{
		"user": e.User, "aggregate": e.Aggregate, "type": e.Type, "actor": e.Actor, "dialect": e.Dialect,
	} {
		if len(values) > 0 {
			filters[name] = values
		}
	}
	streams := map[string]events.Stream{"roster": events.Roster, "activity": events.Activity}
	return client.EventsQuery{Filters: filters, Stream: streams[e.Stream], From: e.From, To: e.To, Personal: e.Personal}
}

// options are what must be the same when an export is gone on with. A later end is
// no other export.
func (e *exportCommand) options(q client.EventsQuery) map[string][]string {
	out := map[string][]string(q.Filters)
	all := map[string][]string{}
	for name, values := range out {
		all[name] = values
	}
	for name, value := range map[string]string{"stream": e.Stream, "from": e.From} {
		if value != "" {
			all[name] = []string{value}
		}
	}
	return all
}

// conclude prints what is left to say, the result last.
func (e *exportCommand) conclude(ctx context.Context, o outputs, into *export.Exporter, err error, took time.Duration) error {
	interrupted := ctx.Err() != nil && errors.Is(err, context.Canceled)
	if err != nil && !interrupted {
		return err
	}
	m := into.Manifest()
	done := exported{
		Events: into.Added(), Reached: reachedAt(m.Reached[events.Roster], m.Reached[events.Activity]), InAll: m.Events, Seconds: seconds(took),
	}
	werr := e.say(o, done, fmt.Sprintf("exported %d events (%s) in %.1f s, %d in all", done.Events, done.Reached, done.Seconds, done.InAll))
	if interrupted {
		return errInterrupted
	}
	return werr
}

// exported is what was done, as JSON.
type exported struct {
	Events  int64   `json:"events"`
	Reached reached `json:"reached"`
	InAll   int64   `json:"inAll"`
	Seconds float64 `json:"seconds"`
}

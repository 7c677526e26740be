package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"

	api "github.com/rosterhq/roster/api/v1/client"
	"github.com/rosterhq/roster/cmd/roster/internal/client"
)

type parkedCommand struct {
	List    parkedList    `cmd:"" help:"List events that a read model could not take."`
	Show    parkedShow    `cmd:"" help:"Show a parked event with its headers."`
	Redrive parkedRedrive `cmd:"" help:"Try parked events again."`
	Drop    parkedDrop    `cmd:"" help:"Leave a parked event out of the read model."`
}

// Help is shown by --help.
func (parkedCommand) Help() string {
	return `An event that can not be projected is parked, with all that follows of its aggregate; others go on. After a release that
can take it, redrive replays what is parked, in order.

The token's user must be an owner.

Examples:

  roster parked list users
  roster parked show users r1042
  roster parked redrive users
  roster parked drop users r1042 --reason "sent by a broken importer"
`
}

type parkedList struct {
	serverFlags
	outputFlag
	Name  string `arg:"" help:"The read model." placeholder:"NAME"`
	Limit int    `help:"At most so many; 0 for all." default:"50" placeholder:"N"`
	After string `help:"Only what lies behind this position." placeholder:"POSITION"`
}

// Help is shown by --help.
func (parkedList) Help() string {
	return `In the order of the log. An event without an error waits behind an earlier one of its aggregate.

Examples:

  roster parked list users
  roster parked list users --limit 0 --output json
`
}

// Run lists parked events.
func (p *parkedList) Run(ctx context.Context, o outputs) error {
	if p.Limit < 0 {
		return usageError{errors.New("--limit must not be negative")}
	}
	return p.call(ctx, func(typed *api.ClientWithResponses) error {
		found, more, err := pages(p.Limit, func(limit int, cursor string) ([]api.ParkedEvent, string, error) {
			page, err := typed.ListParkedWithResponse(ctx, p.Name, &api.ListParkedParams{Limit: &limit, After: given(cmp.Or(cursor, p.After))})
			if err != nil {
				return nil, "", err
			}
			return page.JSON200.Items, page.JSON200.Next, nil
		})
		if err != nil {
			return fmt.Errorf("list what %s has parked: %w", p.Name, err)
		}
		t := table{head: []string{"POSITION", "TYPE", "AGGREGATE", "ATTEMPTS", "PARKED", "ERROR"}}
		for _, e := range found {
			t.add(e.Position, e.Type, e.Aggregate, strconv.Itoa(e.Attempts), moment(e.ParkedAt), whyParked(e))
		}
		return printPage(p.outputFlag, o, found, t, more)
	})
}

func whyParked(e api.ParkedEvent) string {
	return cmp.Or(e.Error, "(waits behind an earlier one)")
}

type parkedShow struct {
	serverFlags
	outputFlag
	Name     string `arg:"" help:"The read model." placeholder:"NAME"`
	Position string `arg:"" help:"Position of the event." placeholder:"POSITION"`
}

// Help is shown by --help.
func (parkedShow) Help() string {
	return `Its headers come below; what is sealed stays so.

Examples:

  roster parked show users r1042
  roster parked show users r1042 --output json
`
}

// Run shows a parked event.
func (p *parkedShow) Run(ctx context.Context, o outputs) error {
	return p.call(ctx, func(typed *api.ClientWithResponses) error {
		found, err := typed.GetParkedWithResponse(ctx, p.Name, p.Position)
		if err != nil {
			return tryList(fmt.Errorf("show %s of %s: %w", p.Position, p.Name, err), p.Name)
		}
		return p.print(o, found.JSON200, parkedFields(found.JSON200))
	})
}

// tryList adds to a refusal where the events of a read model are found.
func tryList(err error, name string) error {
	if p, ok := errors.AsType[*client.Problem](err); ok && p.Status == http.StatusNotFound && p.Reason != "projection" {
		return try(err, "roster parked list "+shellWord(name))
	}
	return err
}

func parkedFields(e *api.ParkedEvent) table {
	t := fields(
		[2]string{"Position", e.Position}, [2]string{"Id", e.Id}, [2]string{"Type", e.Type}, [2]string{"Aggregate", e.Aggregate},
		[2]string{"Error", whyParked(*e)}, [2]string{"Attempts", strconv.Itoa(e.Attempts)}, [2]string{"Release", e.Release},
		[2]string{"Parked", moment(e.ParkedAt)},
	)
	for _, name := range slices.Sorted(maps.Keys(e.Headers)) {
		t.add(name, e.Headers[name])
	}
	return t
}

type parkedRedrive struct {
	serverFlags
	Name      string `arg:"" help:"The read model." placeholder:"NAME"`
	Aggregate string `help:"Only what is parked of this aggregate, such as user/ID." placeholder:"AGGREGATE"`
}

// Help is shown by --help.
func (parkedRedrive) Help() string {
	return `What is parked is replayed in order, for each aggregate up to the first event that fails again. That one stays parked
with all behind it.

Examples:

  roster parked redrive users
  roster parked redrive users --aggregate user/0198c1f0-7a3e-7c4b-9d52-3f6a1b2c4d5e
`
}

// Run asks for a redrive.
func (p *parkedRedrive) Run(ctx context.Context, o outputs) error {
	return p.call(ctx, func(typed *api.ClientWithResponses) error {
		done, err := typed.RedriveParkedWithResponse(ctx, p.Name, api.ParkedRedrive{Aggregate: p.Aggregate})
		if err != nil {
			return fmt.Errorf("redrive %s: %w", p.Name, err)
		}
		_, err = fmt.Fprintf(o.out, "%d aggregates are tried again; roster parked list %s shows what fails\n", done.JSON202.Aggregates, plainText(p.Name))
		return err
	})
}

type parkedDrop struct {
	serverFlags
	Name     string `arg:"" help:"The read model." placeholder:"NAME"`
	Position string `arg:"" help:"Position of the event." placeholder:"POSITION"`
	Reason   string `help:"Why; it is kept with who and when." required:"" placeholder:"TEXT"`
}

// Help is shown by --help.
func (parkedDrop) Help() string {
	return `The log keeps the event, and a rebuild tries it again. What waits behind it is replayed.

Examples:

  roster parked drop users r1042 --reason "sent by a broken importer"
`
}

// Run drops a parked event.
func (p *parkedDrop) Run(ctx context.Context, o outputs) error {
	return p.call(ctx, func(typed *api.ClientWithResponses) error {
		if _, err := typed.DropParkedWithResponse(ctx, p.Name, p.Position, api.ParkedDrop{Reason: p.Reason}); err != nil {
			return tryList(fmt.Errorf("drop %s of %s: %w", p.Position, p.Name, err), p.Name)
		}
		_, err := fmt.Fprintf(o.out, "%s is left out of %s; what waits behind it is replayed\n", plainText(p.Position), plainText(p.Name))
		return err
	})
}

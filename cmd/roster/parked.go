package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	api "github.com/rosterhq/roster/api/v1/client"
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
	Limit int    `help:"At most so many, 1 to 100." default:"50" placeholder:"N"`
	After string `help:"Only what lies behind this position." placeholder:"POSITION"`
}

// Run lists parked events.
func (p *parkedList) Run(ctx context.Context, o outputs) error {
	return p.call(ctx, func(typed *api.ClientWithResponses) error {
		found, err := typed.ListParkedWithResponse(ctx, p.Name, &api.ListParkedParams{Limit: &p.Limit, After: &p.After})
		if err != nil {
			return fmt.Errorf("list what %s has parked: %w", p.Name, err)
		}
		t := table{head: []string{"POSITION", "TYPE", "AGGREGATE", "ATTEMPTS", "PARKED", "ERROR"}}
		for _, e := range found.JSON200.Items {
			why := e.Error
			if why == "" {
				why = "(waits behind an earlier one)"
			}
			t.add(e.Position, e.Type, e.Aggregate, strconv.Itoa(e.Attempts), e.ParkedAt.UTC().Format(time.RFC3339), why)
		}
		return p.print(o, found.JSON200, t)
	})
}

type parkedShow struct {
	serverFlags
	Name     string `arg:"" help:"The read model." placeholder:"NAME"`
	Position string `arg:"" help:"Position of the event." placeholder:"POSITION"`
}

// Run shows a parked event.
func (p *parkedShow) Run(ctx context.Context, o outputs) error {
	return p.call(ctx, func(typed *api.ClientWithResponses) error {
		found, err := typed.GetParkedWithResponse(ctx, p.Name, p.Position)
		if err != nil {
			return fmt.Errorf("show %s of %s: %w", p.Position, p.Name, err)
		}
		return printJSON(o.out, found.JSON200)
	})
}

type parkedRedrive struct {
	serverFlags
	Name      string `arg:"" help:"The read model." placeholder:"NAME"`
	Aggregate string `help:"Only what is parked of this aggregate, such as user/ID." placeholder:"AGGREGATE"`
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

// Run drops a parked event.
func (p *parkedDrop) Run(ctx context.Context, o outputs) error {
	return p.call(ctx, func(typed *api.ClientWithResponses) error {
		if _, err := typed.DropParkedWithResponse(ctx, p.Name, p.Position, api.ParkedDrop{Reason: p.Reason}); err != nil {
			return fmt.Errorf("drop %s of %s: %w", p.Position, p.Name, err)
		}
		_, err := fmt.Fprintf(o.out, "%s is left out of %s; what waits behind it is replayed\n", plainText(p.Position), plainText(p.Name))
		return err
	})
}

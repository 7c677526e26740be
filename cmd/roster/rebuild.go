package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	api "github.com/rosterhq/roster/api/v1/client"
	"github.com/rosterhq/roster/cmd/roster/internal/client"
	"github.com/rosterhq/roster/cmd/roster/internal/progress"
)

type rebuildCommand struct {
	serverFlags
	outputFlag
	Name    []string `arg:"" help:"Read models to build, as roster projections names them." placeholder:"NAME"`
	Again   bool     `help:"Build what serves already: a copy takes its place when it is done." xor:"what"`
	Back    bool     `help:"Let the copy that served before serve again." xor:"what"`
	Anew    bool     `help:"Forget what a cancelled build has done, instead of going on with it."`
	MaxRate *int64   `help:"Events a second at most; 0 for all that the machine can. Default: half of that." placeholder:"N"`
	Detach  bool     `help:"Do not wait for the end."`
}

// Help is shown by --help.
func (rebuildCommand) Help() string {
	return `The server builds a read model from the log, beside the one that serves. Reads go on, and never see some of both. When the
copy is at the end of the log it takes its place; what served before is kept for a while (ROSTER_KEEP_MODELS), and
--back goes back to it. Several models that are named together share the reading of the log.

Ctrl-C stops the building; what was built stays, and the same command goes on with it. A server that is killed goes on by
itself. --detach leaves at once; roster projections shows how it goes.

The token's user must be an owner.

Examples:

  roster rebuild users --again
  roster rebuild users activity statistics --again --max-rate 5000
  roster rebuild users --back
`
}

// Run asks for builds and follows them.
func (r *rebuildCommand) Run(ctx context.Context, o outputs) error {
	if err := r.check(); err != nil {
		return err
	}
	c, err := r.connect(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	typed, err := c.API()
	if err != nil {
		return err
	}
	if err := r.askAll(ctx, o, typed); err != nil {
		return err
	}
	if r.Detach {
		_, err := fmt.Fprintln(o.err, "asked for; roster projections shows how it goes")
		return err
	}
	done := make(map[string]api.ProjectionBuild, len(r.Name))
	for _, name := range r.Name {
		if done[name], err = r.follow(ctx, o, typed, name); err != nil {
			return err
		}
	}
	if r.json() {
		return printJSON(o.out, done)
	}
	return nil
}

// check refuses what can not be meant, and takes each name once.
func (r *rebuildCommand) check() error {
	switch {
	case r.MaxRate != nil && *r.MaxRate < 0:
		return usageError{errors.New("--max-rate must not be negative")}
	case r.Back && (r.MaxRate != nil || r.Anew):
		return usageError{errors.New("--back builds nothing: leave out --max-rate and --anew")}
	}
	slices.Sort(r.Name)
	r.Name = slices.Compact(r.Name)
	return nil
}

// askAll asks for all that are named, or for none where one is refused.
func (r *rebuildCommand) askAll(ctx context.Context, o outputs, typed *api.ClientWithResponses) error {
	for i, name := range r.Name {
		err := r.ask(ctx, typed, name)
		if err == nil {
			continue
		}
		if stopped := r.cancel(ctx, o, r.Name[:i]); ctx.Err() != nil {
			return stopped
		}
		return fmt.Errorf("rebuild %s: %w", name, err)
	}
	return nil
}

func (r *rebuildCommand) ask(ctx context.Context, typed *api.ClientWithResponses, name string) error {
	var err error
	if r.Back {
		_, err = typed.SwitchProjectionWithResponse(ctx, name)
	} else {
		_, err = typed.RebuildProjectionWithResponse(ctx, name, api.ProjectionRebuild{Again: r.Again, Anew: r.Anew, MaxRate: r.MaxRate})
	}
	p, refused := errors.AsType[*client.Problem](err)
	switch {
	case !refused || p.Status != http.StatusConflict:
		return err
	case p.Reason == "built":
		return try(err, "roster rebuild "+shellWord(name)+" --again")
	default:
		return try(err, "roster projections")
	}
}

// rebuildPoll is how often a build is looked at.
const rebuildPoll = 500 * time.Millisecond

// follow shows how a build goes until it is over. Who interrupts stops the build.
func (r *rebuildCommand) follow(ctx context.Context, o outputs, typed *api.ClientWithResponses, name string) (api.ProjectionBuild, error) {
	report := &buildReport{o: o, name: name}
	defer report.finish()
	for {
		b, err := r.build(ctx, typed, name)
		if ctx.Err() != nil {
			return b, r.cancel(ctx, o, r.Name)
		}
		if err != nil {
			return b, fmt.Errorf("look at the build of %s: %w", name, err)
		}
		if !open(b.State) {
			report.finish()
			return b, r.ended(o, name, b)
		}
		report.update(b)
		select {
		case <-ctx.Done():
			return b, r.cancel(ctx, o, r.Name)
		case <-time.After(rebuildPoll):
		}
	}
}

// build returns the build that was asked for.
func (r *rebuildCommand) build(ctx context.Context, typed *api.ClientWithResponses, name string) (api.ProjectionBuild, error) {
	kind := api.ProjectionBuildKind("version")
	switch {
	case r.Back:
		kind = "switch"
	case r.Again:
		kind = "again"
	}
	found, err := typed.ListProjectionsWithResponse(ctx)
	if err != nil {
		return api.ProjectionBuild{}, err
	}
	for _, p := range found.JSON200.Items {
		for _, b := range p.Builds {
			if p.Name == name && b.Kind == kind {
				return b, nil
			}
		}
	}
	return api.ProjectionBuild{}, errors.New("the server knows nothing of it")
}

// cancelLimit bounds the last calls of an interrupted command.
const cancelLimit = 10 * time.Second

// cancel stops what was asked for, and waits until it is known how each build ended.
func (r *rebuildCommand) cancel(ctx context.Context, o outputs, names []string) error {
	last, done := context.WithTimeout(context.WithoutCancel(ctx), cancelLimit)
	defer done()
	c, err := r.connect(last) // the other client ends with the interrupted context
	if err != nil {
		return err
	}
	defer c.Close()
	typed, err := c.API()
	if err != nil {
		return err
	}
	for _, name := range names {
		_, _ = fmt.Fprintf(o.err, "roster: the build of %s %s\n", name, r.cancelOne(last, typed, name))
	}
	return errInterrupted
}

// cancelOne stops a build and says what became of it.
func (r *rebuildCommand) cancelOne(ctx context.Context, typed *api.ClientWithResponses, name string) string {
	_, refused := typed.CancelRebuildWithResponse(ctx, name)
	for {
		b, err := r.build(ctx, typed, name)
		switch {
		case err != nil:
			return "may go on, roster projections shows it: " + err.Error()
		case b.State == "cancelled":
			return "is stopped; the same command goes on with it"
		case b.State == "done":
			return "was done already"
		case b.State == "failed":
			return "failed: " + plainText(b.Error)
		case refused != nil:
			return "goes on: " + refused.Error()
		}
		select {
		case <-ctx.Done():
			return "is about to stop; roster projections shows it"
		case <-time.After(rebuildPoll):
		}
	}
}

// ended tells how a build ended.
func (r *rebuildCommand) ended(o outputs, name string, b api.ProjectionBuild) error {
	switch b.State {
	case "done":
		if r.json() {
			return nil
		}
		if b.Kind == "switch" {
			_, err := fmt.Fprintf(o.out, "%s: the copy that served before serves again\n", name)
			return err
		}
		took := b.FinishedAt.Sub(b.StartedAt).Round(time.Millisecond)
		_, err := fmt.Fprintf(o.out, "%s: built from %d events in %s\n", name, b.Events, took)
		return err
	case "cancelled":
		return try(fmt.Errorf("the build of %s was cancelled", name), "roster rebuild --help")
	default:
		return try(fmt.Errorf("the build of %s failed: %s", name, plainText(b.Error)), "roster projections")
	}
}

// buildReport shows a build's events.
type buildReport struct {
	o      outputs
	name   string
	total  int64
	report progress.Reporter
}

func (r *buildReport) update(b api.ProjectionBuild) {
	if b.Total == 0 {
		return
	}
	if r.report == nil || b.Total > r.total {
		r.finish()
		cfg := progress.Config{Out: r.o.err, Total: b.Total, What: "events of " + r.name, Now: time.Now}
		r.total, r.report = b.Total, progress.NewLines(cfg)
		if r.o.bar {
			r.report = progress.NewBar(cfg)
		}
	}
	r.report.Update(progress.State{Items: int(b.Events), Offset: b.Events})
}

func (r *buildReport) finish() {
	if r.report != nil {
		r.report.Finish()
		r.report = nil
	}
}

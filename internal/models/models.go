// Package models lets operators look at read models and have them built, in any
// process that reaches PostgreSQL and the log. What it asks for is done by whoever
// runs the projectors: requests travel through PostgreSQL.
package models

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/projections/runtime"
)

// Admin implements gate.Models.
type Admin struct {
	config runtime.Config
	head   runtime.HeadFunc
	pool   *pgxpool.Pool
	rates  *rates
}

var _ gate.Models = (*Admin)(nil)

// maxConns is for a few operators at a time.
const maxConns = 2

// New makes an Admin, which connects on its first use. The config is that of the
// projectors.
func New(ctx context.Context, c runtime.Config, head runtime.HeadFunc) (*Admin, error) {
	config, err := pgxpool.ParseConfig(c.DSN)
	if err != nil {
		return nil, fmt.Errorf("read the address of PostgreSQL: %w", err)
	}
	config.MaxConns, config.MinConns = maxConns, 0
	config.ConnConfig.RuntimeParams["application_name"] = "roster-models"
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open the pool for operators: %w", err)
	}
	return &Admin{config: c, head: head, pool: pool, rates: newRates()}, nil
}

// Close ends the connections.
func (a *Admin) Close() { a.pool.Close() }

// find returns a projection by its name.
func (a *Admin) find(name string) (runtime.Projection, error) {
	for _, p := range a.config.Projections {
		if p.Name == name || p.Schema() == name {
			return p, nil
		}
	}
	var names []string
	for _, p := range a.config.Projections {
		names = append(names, p.Name)
	}
	return runtime.Projection{}, &commands.Error{
		Code: commands.NotFound, Reason: "projection", Message: "there is no such projection; there are " + strings.Join(names, ", "),
	}
}

// List implements gate.Models.
func (a *Admin) List(ctx context.Context) ([]gate.ReadModel, error) {
	overviews, err := runtime.Overviews(ctx, a.pool, a.head, a.config.Projections)
	if err != nil {
		return nil, fmt.Errorf("look at the projections: %w", err)
	}
	moved, err := a.rates.of(ctx, overviews, func(ctx context.Context) ([]runtime.Overview, error) {
		return runtime.Overviews(ctx, a.pool, a.head, a.config.Projections)
	})
	if err != nil {
		return nil, fmt.Errorf("look at the projections: %w", err)
	}
	out := make([]gate.ReadModel, len(overviews))
	for i, o := range overviews {
		out[i] = modelOf(o)
		out[i].Rate = moved[i]
	}
	return out, nil
}

// Rebuild implements gate.Models.
func (a *Admin) Rebuild(ctx context.Context, name string, r gate.ModelRebuild) error {
	p, err := a.find(name)
	if err != nil {
		return err
	}
	return refused(runtime.RequestRebuild(ctx, a.pool, p, runtime.RebuildRequest{Again: r.Again, Anew: r.Anew, MaxRate: r.MaxRate, By: r.By}))
}

// Cancel implements gate.Models.
func (a *Admin) Cancel(ctx context.Context, name string) error {
	p, err := a.find(name)
	if err != nil {
		return err
	}
	return refused(runtime.CancelRebuild(ctx, a.pool, p))
}

// Switch implements gate.Models.
func (a *Admin) Switch(ctx context.Context, name, by string) error {
	p, err := a.find(name)
	if err != nil {
		return err
	}
	return refused(runtime.RequestSwitch(ctx, a.pool, p, by))
}

// Verify implements gate.Models.
func (a *Admin) Verify(ctx context.Context, name string) (gate.ModelComparison, error) {
	p, err := a.find(name)
	if err != nil {
		return gate.ModelComparison{}, err
	}
	c, err := a.compare(ctx, p)
	if err != nil {
		return gate.ModelComparison{}, refused(err)
	}
	return comparisonOf(c), nil
}

// compare makes the comparison here where the role of this process may make tables,
// and else asks for it.
func (a *Admin) compare(ctx context.Context, p runtime.Projection) (runtime.Comparison, error) {
	may, err := runtime.MayMake(ctx, a.pool)
	if err != nil {
		return runtime.Comparison{}, err
	}
	if may {
		return runtime.Compare(ctx, a.config, p)
	}
	return runtime.AskComparison(ctx, a.pool, p, "api")
}

// Parked implements gate.Models.
func (a *Admin) Parked(ctx context.Context, name string, after uint64, limit int) ([]gate.ParkedEvent, error) {
	p, err := a.find(name)
	if err != nil {
		return nil, err
	}
	found, err := runtime.ParkedAfter(ctx, a.pool, p.Schema(), after, limit)
	if err != nil {
		return nil, fmt.Errorf("look at parked events: %w", err)
	}
	out := make([]gate.ParkedEvent, len(found))
	for i, e := range found {
		out[i] = parkedOf(e)
	}
	return out, nil
}

// ParkedEvent implements gate.Models.
func (a *Admin) ParkedEvent(ctx context.Context, name string, at events.Position) (gate.ParkedEvent, events.Headers, error) {
	p, err := a.find(name)
	if err != nil {
		return gate.ParkedEvent{}, nil, err
	}
	if at.Stream != p.Stream {
		return gate.ParkedEvent{}, nil, refused(runtime.ErrNotParked)
	}
	e, headers, err := runtime.ParkedHeaders(ctx, a.pool, p.Schema(), at.Sequence)
	if err != nil {
		return gate.ParkedEvent{}, nil, refused(err)
	}
	return parkedOf(e), headers, nil
}

// Redrive implements gate.Models.
func (a *Admin) Redrive(ctx context.Context, name, aggregate string) (int64, error) {
	p, err := a.find(name)
	if err != nil {
		return 0, err
	}
	n, err := runtime.RequestRedrive(ctx, a.pool, p.Schema(), aggregate)
	if err != nil {
		return 0, fmt.Errorf("ask for a redrive: %w", err)
	}
	return n, nil
}

// Drop implements gate.Models.
func (a *Admin) Drop(ctx context.Context, name string, at events.Position, by, reason string) error {
	p, err := a.find(name)
	if err != nil {
		return err
	}
	if at.Stream != p.Stream {
		return refused(runtime.ErrNotParked)
	}
	return refused(runtime.DropParked(ctx, a.pool, p.Schema(), at.Sequence, by, reason))
}

// refused turns what an operator can do something about into a refusal.
func refused(err error) error {
	for _, known := range []struct {
		err     error
		code    commands.Code
		reason  string
		message string
	}{
		{runtime.ErrReaction, commands.Precondition, "no-tables", "this projection has no tables: there is nothing to build"},
		{runtime.ErrBuilt, commands.Precondition, "built", "this version is built already; ask for it to be built again"},
		{runtime.ErrOpen, commands.Conflict, "building", "a build is under way; cancel it, or wait until it is done"},
		{runtime.ErrBusy, commands.Conflict, "building", "another process is at it; wait until it is done"},
		{runtime.ErrNobody, commands.Unavailable, "no-projector", "no projector takes it up; see that one runs"},
		{runtime.ErrNotRunning, commands.Precondition, "not-building", "no build is under way that could be cancelled"},
		{runtime.ErrNothingOld, commands.Precondition, "nothing-kept", "no earlier copy is kept that could be switched back to"},
		{runtime.ErrNotParked, commands.NotFound, "parked", "no such event is parked"},
		{runtime.ErrWentBack, commands.Precondition, "went-back", "the log does not hold what the projection was made from; build it again"},
	} {
		if errors.Is(err, known.err) {
			return &commands.Error{Code: known.code, Reason: known.reason, Message: known.message}
		}
	}
	return err
}

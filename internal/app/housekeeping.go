package app

import (
	"context"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rosterhq/roster/housekeeping"
)

// startHousekeeping begins what nobody asks for.
func (a *API) startHousekeeping(ctx context.Context) error {
	if err := a.startCheckpoints(ctx); err != nil {
		return err
	}
	logger := a.parts.log.Named("housekeeping")
	erasures, err := housekeeping.NewErasures(housekeeping.ErasuresConfig{Reads: a.queries, Writes: a.commands, Logger: logger})
	if err != nil {
		return fmt.Errorf("set up the sweep of erasures: %w", err)
	}
	a.keepHouse(ctx, "sweep of erasures", erasures.Run)
	if err := a.startSweepOfKeys(ctx); err != nil {
		return err
	}
	if a.config.Dormancy == 0 {
		return nil
	}
	dormancy, err := housekeeping.New(housekeeping.Config{
		Period: a.config.Dormancy, Reads: a.queries, Writes: a.commands, Lock: housekeeping.AdvisoryLock(a.dsn), Logger: logger,
	})
	if err != nil {
		return fmt.Errorf("set up the sweep of dormant accounts: %w", err)
	}
	a.keepHouse(ctx, "sweep of dormant accounts", dormancy.Run)
	return nil
}

func (a *API) startSweepOfKeys(ctx context.Context) error {
	if a.config.KeyRetention == 0 {
		return nil
	}
	swept := prometheus.NewCounter(prometheus.CounterOpts{
		Name: "roster_swept_keys_total", Help: "Sessions and keys that left the lists some time after their end.",
	})
	if err := a.registry.Register(swept); err != nil {
		return fmt.Errorf("register the metric of swept keys: %w", err)
	}
	keys, err := housekeeping.NewKeys(housekeeping.KeysConfig{
		Retention: a.config.KeyRetention, Reads: a.queries, Writes: a.commands, Lock: housekeeping.KeysLock(a.dsn),
		Logger: a.parts.log.Named("housekeeping"), Swept: func(n int) { swept.Add(float64(n)) },
	})
	if err != nil {
		return fmt.Errorf("set up the sweep of ended keys: %w", err)
	}
	a.keepHouse(ctx, "sweep of ended keys", keys.Run)
	return nil
}

// keepHouse lets something run until the process stops.
func (a *API) keepHouse(ctx context.Context, name string, run func(context.Context)) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		run(ctx)
	}()
	a.parts.add(name, func(context.Context) error {
		cancel()
		<-ended
		return nil
	})
}

package app

import (
	"context"
	"fmt"

	"github.com/rosterhq/roster/housekeeping"
)

// startHousekeeping begins what nobody asks for.
func (a *API) startHousekeeping(ctx context.Context) error {
	if a.config.Dormancy == 0 {
		return nil
	}
	dormancy, err := housekeeping.New(housekeeping.Config{
		Period: a.config.Dormancy, Reads: a.queries, Writes: a.commands, Lock: housekeeping.AdvisoryLock(a.dsn),
		Logger: a.parts.log.Named("housekeeping"),
	})
	if err != nil {
		return fmt.Errorf("set up the sweep of dormant accounts: %w", err)
	}
	run, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		dormancy.Run(run)
	}()
	a.parts.add("housekeeping", func(context.Context) error {
		cancel()
		<-ended
		return nil
	})
	return nil
}

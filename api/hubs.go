package api

import (
	"context"
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rosterhq/roster/api/runwhen"
	v1 "github.com/rosterhq/roster/api/v1"
	"github.com/rosterhq/roster/query/live"
)

// hubs are the live streams of the dialects that have some, each in its own form;
// nil without queries. One that nobody listens to does nothing.
type hubs struct{ own, runwhen *live.Hub }

func newStreams(c Config) (hubs, error) {
	if c.Queries == nil {
		return hubs{}, nil
	}
	common := c.Streams
	common.Source, common.Reads = c.Queries.Tail(), c.Queries
	common.Logger, common.Clock, common.Room = c.Logger.Named("streams"), c.Clock, live.NewRoom(c.Streams.Most)
	hub := func(dialect string, render live.Render, oneName bool) (*live.Hub, error) {
		config := common
		config.Render, config.OneName = render, oneName
		if c.Registry != nil {
			config.Registry = prometheus.WrapRegistererWith(prometheus.Labels{"dialect": dialect}, c.Registry)
		}
		made, err := live.New(config)
		if err != nil {
			return nil, fmt.Errorf("make the live streams of %s: %w", dialect, err)
		}
		return made, nil
	}
	own, err := hub(v1.Name, v1.RenderActivity, false)
	if err != nil {
		return hubs{}, err
	}
	other, err := hub(runwhenName, runwhen.Render(c.Queries), true)
	return hubs{own, other}, err
}

// close ends all streams, at the same time.
func (h hubs) close(ctx context.Context) error {
	if h.own == nil {
		return nil
	}
	other := make(chan error, 1)
	go func() { other <- h.runwhen.Close(ctx) }()
	if err := errors.Join(h.own.Close(ctx), <-other); err != nil {
		return fmt.Errorf("end the live streams: %w", err)
	}
	return nil
}

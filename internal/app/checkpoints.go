package app

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/evidence"
)

// settle is how long a position is there before it is signed: longer than a write of
// ROSTER_SYNC=interval may be lost by a power cut.
const settle = 3 * time.Second

// startCheckpoints signs the log behind all writers, if there is a key for it.
func (a *API) startCheckpoints(ctx context.Context) error {
	c := a.config.Checkpoints
	if c.Key == nil {
		return nil
	}
	told, err := checkpointMetrics(a.registry)
	if err != nil {
		return err
	}
	logger := a.parts.log.Named("checkpoints")
	follower, err := evidence.NewFollower(evidence.Config{
		Log: a.log, Store: a.log, Key: c.Key, Former: c.Former, Interval: c.Interval, Settle: settle, Logger: logger, Told: told,
	})
	if err != nil {
		return fmt.Errorf("set up checkpoints: %w", err)
	}
	logger.Info("the log is signed", zap.Duration("every", c.Interval), zap.String("public_key", c.Key.Public()))
	a.keepHouse(ctx, "checkpoints", follower.Run)
	return nil
}

// checkpointMetrics reports how far the log is signed, and whether it can not be.
func checkpointMetrics(registry prometheus.Registerer) (func(events.Stream, uint64, error), error) {
	signed := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "roster_checkpoint_sequence", Help: "Up to where the stream is signed.",
	}, []string{"stream"})
	failed := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "roster_checkpoint_failed", Help: "1 while a stream can not be signed; the log says why.",
	}, []string{"stream"})
	for _, c := range []prometheus.Collector{signed, failed} {
		if err := registry.Register(c); err != nil {
			return nil, fmt.Errorf("register metrics of checkpoints: %w", err)
		}
	}
	return func(s events.Stream, sequence uint64, err error) {
		failed.WithLabelValues(string(s)).Set(0)
		if err != nil {
			failed.WithLabelValues(string(s)).Set(1)
		}
		if sequence > 0 {
			signed.WithLabelValues(string(s)).Set(float64(sequence))
		}
	}, nil
}

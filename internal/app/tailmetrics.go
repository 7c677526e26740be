package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query"
)

// watchTail reports whether the log is followed, where the tail is, and how much
// memory the reads that it keeps current take.
func watchTail(q *query.Queries, registry prometheus.Registerer) error {
	collectors := []prometheus.Collector{prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "roster_read_cache_bytes", Help: "What is kept in memory of users, preferences and keys, roughly.",
	}, func() float64 { return float64(q.CacheBytes()) })}
	for _, s := range []events.Stream{events.Roster, events.Activity} {
		labels := prometheus.Labels{"stream": string(s)}
		collectors = append(collectors,
			prometheus.NewGaugeFunc(prometheus.GaugeOpts{
				Name: "roster_tail_current", Help: "1 while the log proves that the tail is at most a second behind.", ConstLabels: labels,
			}, func() float64 {
				if _, ok := q.Tail().Current(s); ok {
					return 1
				}
				return 0
			}),
			prometheus.NewGaugeFunc(prometheus.GaugeOpts{
				Name: "roster_tail_sequence", Help: "Up to where the tail has delivered the stream.", ConstLabels: labels,
			}, func() float64 {
				at, _ := q.Tail().Current(s)
				return float64(at)
			}))
	}
	for _, c := range collectors {
		if err := registry.Register(c); err != nil {
			return fmt.Errorf("register metrics of the tail: %w", err)
		}
	}
	return nil
}

var errReplaced = errors.New("the log is another one than at the start, an older copy perhaps: what this process knows is not of that log. Start it again when the log is the right one")

// endWithLog makes a log that was replaced the end of the process: what it knows,
// and what it has reserved for writes to come (ids, numbers, keys), is of another.
func endWithLog(ctx context.Context, p *parts, t *query.Tail, failed chan<- error) {
	watch, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		select {
		case <-t.Replaced():
			select {
			case failed <- errReplaced:
			default: // it is about to end
			}
		case <-watch.Done():
		}
	}()
	p.add("watch over the log", func(context.Context) error {
		cancel()
		<-ended
		return nil
	})
}

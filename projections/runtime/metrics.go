package runtime

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// counters are what all workers count.
type counters struct {
	events, parked *prometheus.CounterVec
	batches        *prometheus.HistogramVec
}

// metrics are one worker's.
type metrics struct {
	events, parked prometheus.Counter
	batches        prometheus.Observer
}

func newMetrics(r prometheus.Registerer) *counters {
	label := []string{"projection"}
	c := &counters{
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "roster_projection_events_total", Help: "Events that a projection handled and committed.",
		}, label),
		parked: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "roster_projection_parked_total", Help: "Events that a projection parked.",
		}, label),
		batches: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "roster_projection_batch_seconds", Help: "Duration of a batch's transaction; its count is the number of batches.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 14),
		}, label),
	}
	if r != nil {
		r.MustRegister(c.events, c.parked, c.batches)
	}
	return c
}

func (c *counters) of(projection string) *metrics {
	return &metrics{
		events:  c.events.WithLabelValues(projection),
		parked:  c.parked.WithLabelValues(projection),
		batches: c.batches.WithLabelValues(projection),
	}
}

func (m *metrics) committed(handled, parked int, took time.Duration) {
	m.events.Add(float64(handled - parked))
	m.parked.Add(float64(parked))
	m.batches.Observe(took.Seconds())
}

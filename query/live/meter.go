package live

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// meter counts streams.
type meter struct{ ends *prometheus.CounterVec }

func newMeter(r prometheus.Registerer, count func() int) (*meter, error) {
	m := &meter{ends: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "roster_streams_ended_total",
		Help: "Live streams that ended, by reason.",
	}, []string{"reason"})}
	if r == nil {
		return m, nil
	}
	open := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "roster_streams_open", Help: "Live streams that are open.",
	}, func() float64 { return float64(count()) })
	for _, c := range []prometheus.Collector{m.ends, open} {
		if err := r.Register(c); err != nil {
			return nil, fmt.Errorf("register metrics of streams: %w", err)
		}
	}
	return m, nil
}

func (m *meter) ended(e *ending) { m.ends.WithLabelValues(e.reason).Inc() }

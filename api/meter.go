package api

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// meter measures requests. Its labels come from the routes, never from what a
// client writes.
type meter struct {
	took     *prometheus.HistogramVec
	inFlight prometheus.Gauge
}

func newMeter(r prometheus.Registerer) (*meter, error) {
	m := &meter{
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "roster_http_request_duration_seconds",
			Help:    "How long requests took, by route.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10},
		}, []string{"route", "method", "status"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "roster_http_requests_in_flight",
			Help: "Requests that are being answered.",
		}),
	}
	if r == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.took, m.inFlight} {
		if err := r.Register(c); err != nil {
			return nil, fmt.Errorf("register metrics of requests: %w", err)
		}
	}
	return m, nil
}

// begin counts a request; what it returns is called at the request's end.
func (m *meter) begin() func(route, method string, status int, took time.Duration) {
	m.inFlight.Inc()
	return func(route, method string, status int, took time.Duration) {
		m.inFlight.Dec()
		m.took.WithLabelValues(route, known(method), class(status)).Observe(took.Seconds())
	}
}

var classes = [...]string{"0xx", "1xx", "2xx", "3xx", "4xx", "5xx"}

func class(status int) string { return classes[min(max(status/100, 0), len(classes)-1)] }

// known maps methods that clients make up to one word.
func known(method string) string {
	if slices.Contains(methods, method) || method == http.MethodHead || method == http.MethodOptions {
		return method
	}
	return "other"
}

func formatUint(n uint64) string { return strconv.FormatUint(n, 10) }

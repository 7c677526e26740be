package reads_test

import (
	"testing"
	"time"

	"github.com/rosterhq/roster/bench/wire"
)

const (
	lasts   = 3 * time.Second
	warmUp  = 500 * time.Millisecond
	repeats = 3
)

// BenchmarkHot reads the caller's own profile, all from memory, beside a handler
// that has the same bytes ready and no middleware.
func BenchmarkHot(b *testing.B) {
	s := startAPI(b)
	for _, route := range []string{"/v1/users/me", "/api/user/profile"} {
		b.Run(route[1:], func(b *testing.B) {
			limit := startLimit(b, s.do(b, "GET", route, ""))
			ours := wire.Request("GET", route, s.token, "")
			bare := wire.Request("GET", "/ready/me", s.token, "")
			beside(b, s, limit, func(int, int) []byte { return ours }, func(int, int) []byte { return bare })
		})
	}
}

// beside loads both in turn, several times, and reports the medians.
func beside(b *testing.B, s, limit *server, ours, bare func(int, int) []byte) {
	b.Helper()
	for range b.N {
		var own, most []outcome
		load(b, s, warmUp, ours)
		load(b, limit, warmUp, bare)
		for range repeats {
			own = append(own, load(b, s, lasts, ours))
			most = append(most, load(b, limit, lasts, bare))
		}
		o, m := median(own), median(most)
		o.report(b, "own")
		m.report(b, "limit")
		b.ReportMetric(o.perSecond/m.perSecond, "of-limit")
		b.ReportMetric(0, "ns/op")
	}
}

func median(all []outcome) outcome {
	for i := range all {
		below := 0
		for j := range all {
			if all[j].perSecond < all[i].perSecond {
				below++
			}
		}
		if below == len(all)/2 {
			return all[i]
		}
	}
	return all[0]
}

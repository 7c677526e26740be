package bench_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	rebuiltActivities = 100_000
	rebuildPatience   = 5 * time.Minute
)

// BenchmarkReadsDuringRebuild reads feeds while the feed's model is built again at the
// default rate. Its limit: the same reads when nothing else happens.
func BenchmarkReadsDuringRebuild(b *testing.B) {
	p := start(b, "ROSTER_SYNC=always")
	names := make([]string, feedReaders)
	for i := range names {
		names[i] = fmt.Sprintf("reader-%d", i)
	}
	each(len(names), 32, func(i int) { p.do(b, http.MethodPost, "/v1/users", fmt.Sprintf(`{"username":%q}`, names[i]), nil) })
	p.record(b, "before", names, rebuiltActivities)
	p.caughtUp(b, time.Minute)
	for range b.N {
		idle := p.readFeeds(b, names, func() { <-time.After(readFor) })
		var took time.Duration
		loaded := p.readFeeds(b, names, func() {
			began := time.Now()
			p.rebuild(b, "activity")
			took = time.Since(began)
		})
		b.ReportMetric(percentile(idle, 99), "ms-p99-idle")
		b.ReportMetric(percentile(loaded, 99), "ms-p99-rebuild")
		b.ReportMetric(percentile(loaded, 99)/percentile(idle, 99), "of-idle")
		b.ReportMetric(rebuiltActivities/took.Seconds(), "rebuilt/s")
	}
}

// rebuild has a read model built again, and waits until the copy serves.
func (p *process) rebuild(b *testing.B, name string) {
	b.Helper()
	status, answer, _ := p.do(b, http.MethodPost, "/v1/admin/projections/"+name+"/rebuild", `{"again":true}`, http.Header{"Content-Type": {"application/json"}})
	require.Equal(b, http.StatusAccepted, status, string(answer))
	for deadline := time.Now().Add(rebuildPatience); time.Now().Before(deadline); <-time.After(200 * time.Millisecond) {
		_, answer, _ := p.do(b, http.MethodGet, "/v1/admin/projections", "", nil)
		var list struct {
			Items []struct {
				Name   string
				Builds []struct{ Kind, State, Error string }
			}
		}
		require.NoError(b, json.Unmarshal(answer, &list))
		for _, one := range list.Items {
			for _, build := range one.Builds {
				if one.Name != name || build.Kind != "again" {
					continue
				}
				require.NotContains(b, []string{"failed", "cancelled"}, build.State, build.Error)
				if build.State == "done" {
					return
				}
			}
		}
	}
	require.Fail(b, "it was not built in time")
}

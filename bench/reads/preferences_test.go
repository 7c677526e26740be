package reads_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/bench/wire"
	"github.com/rosterhq/roster/internal/natsserver"
)

// BenchmarkPreferences changes preferences from 64 connections of 64 users, each
// on disk before its answer, beside raw publishes of such messages from as many
// writers to a stream of a server that syncs each.
func BenchmarkPreferences(b *testing.B) {
	s := startAPI(b)
	var puts [connections][2][]byte
	for i, path := range s.users(b, connections) {
		var key struct{ Token string }
		require.NoError(b, json.Unmarshal(s.do(b, http.MethodPost, path+"/keys", `{"name":"bench","scopes":["all"]}`), &key))
		for j, theme := range []string{"dark", "light"} {
			puts[i][j] = wire.Request("PUT", "/api/user/preferences", key.Token, fmt.Sprintf(`{"theme":%q}`, theme))
		}
	}
	for range b.N {
		var own []outcome
		var raw []float64
		load(b, s, warmUp, func(i, n int) []byte { return puts[i][n%2] })
		for range repeats {
			own = append(own, load(b, s, lasts, func(i, n int) []byte { return puts[i][n%2] }))
			raw = append(raw, rawPublishes(b))
		}
		o := median(own)
		slices.Sort(raw)
		o.report(b, "own")
		b.ReportMetric(raw[len(raw)/2], "raw-publishes/s")
		b.ReportMetric(o.perSecond/raw[len(raw)/2], "of-raw")
		b.ReportMetric(0, "ns/op")
	}
}

func rawPublishes(b *testing.B) float64 {
	b.Helper()
	server, err := natsserver.Start(natsserver.Options{Dir: b.TempDir(), Sync: true})
	require.NoError(b, err)
	defer server.Stop()
	nc, err := server.Connect()
	require.NoError(b, err)
	defer nc.Close()
	js, err := jetstream.New(nc)
	require.NoError(b, err)
	_, err = js.CreateStream(b.Context(), jetstream.StreamConfig{Name: "RAW", Subjects: []string{"raw.>"}})
	require.NoError(b, err)
	var all sync.WaitGroup
	var published atomic.Int64
	var done atomic.Bool
	began := time.Now()
	for i := range connections {
		all.Go(func() {
			subject, data := fmt.Sprint("raw.", i), make([]byte, 800)
			for !done.Load() {
				if _, err := js.Publish(b.Context(), subject, data); err != nil {
					b.Error(err)
					return
				}
				published.Add(1)
			}
		})
	}
	<-time.After(lasts)
	done.Store(true)
	all.Wait()
	return float64(published.Load()) / time.Since(began).Seconds()
}

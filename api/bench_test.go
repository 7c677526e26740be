package api_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gorilla/mux"
	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
)

// BenchmarkMe is GET /v1/users/me over HTTP with 32 connections, credential
// check included, beside its limit: ready bytes from memory behind the same
// router, and the same bytes behind the whole middleware.
func BenchmarkMe(b *testing.B) {
	s := apitest.New(b)
	owner := s.FirstUser()
	ready := owner.Do("GET", "/v1/users/me", nil, nil).Body
	router := mux.NewRouter()
	router.HandleFunc("/v1/users/me", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(ready)
	})
	limit := httptest.NewServer(router)
	defer limit.Close()
	for name, url := range map[string]string{
		"limit":      limit.URL + "/v1/users/me",
		"middleware": s.URL + "/healthz",
		"me":         s.URL + "/v1/users/me",
	} {
		b.Run(name, func(b *testing.B) { load(b, url, owner.Token) })
	}
}

func load(b *testing.B, url, token string) {
	b.Helper()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	defer client.CloseIdleConnections()
	b.SetParallelism(16)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, url, nil)
			require.NoError(b, err)
			r.Header.Set("Authorization", "Bearer "+token)
			res, err := client.Do(r)
			if err != nil {
				b.Error(err)
				return
			}
			_, _ = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
			if res.StatusCode != http.StatusOK {
				b.Errorf("status %d", res.StatusCode)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "req/s")
}

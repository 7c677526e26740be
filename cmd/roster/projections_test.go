package main

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
)

// projectionsAnswer is what a server says in the middle of everything: a model that
// follows, one that is built, one that stopped.
const projectionsAnswer = `{"items":[
	{"name":"activity","version":3,"stream":"ACTIVITY","position":"a7702","head":"a7702","lag":0,"rate":412.6,"parked":0,
		"state":"active","holder":"node-1, process 12","updatedAt":"2026-05-03T10:00:00Z","builds":[],"others":[]},
	{"name":"statistics","version":2,"stream":"ACTIVITY","position":"a7000","head":"a7702","lag":702,"rate":0,"parked":3,
		"state":"active","holder":"node-2, process 7","updatedAt":"2026-05-03T10:00:00Z","others":[],"builds":[
		{"kind":"again","state":"building","events":2500,"total":7702,"rate":1250.4,"remainingSeconds":5,"maxRate":0,
			"requestedBy":"ada","requestedAt":"2026-05-03T09:59:58Z","startedAt":"2026-05-03T09:59:59Z","builder":"node-2, process 7"},
		{"kind":"check","state":"done","events":7000,"total":7000,"rate":0,"maxRate":0,
			"requestedBy":"ada","requestedAt":"2026-05-03T09:00:00Z"}]},
	{"name":"users","version":2,"stream":"ROSTER","position":"r8412","head":"r8400","lag":0,"rate":0,"parked":0,
		"state":"stopped","stopped":"the log went back","updatedAt":"2026-05-03T10:00:00Z","builds":[],"others":[]}]}`

func TestProjectionsAreListed(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/admin/projections" || r.Header.Get("Authorization") != "Bearer t" {
			http.Error(w, "unexpected", http.StatusTeapot)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(projectionsAnswer))
	}))
	t.Cleanup(server.Close)
	for name, more := range map[string][]string{"projections": nil, "projections-json": {"-o", "json"}} {
		code, stdout, stderr := roster(t.Context(), append([]string{"projections", "--server", server.URL, "--token", "t"}, more...)...)
		require.Zero(t, code, stderr)
		require.Empty(t, stderr)
		matches(t, name, stdout)
	}
}

package api

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/gate"
)

func TestWhoCallsThroughProxies(t *testing.T) {
	t.Parallel()
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for name, c := range map[string]struct {
		peer          string
		for_, proto   []string
		client        string
		tls           bool
		trustsNothing bool
	}{
		"no proxy":                   {peer: "192.0.2.1:99", client: "192.0.2.1"},
		"a stranger's word":          {peer: "192.0.2.1:99", for_: []string{"203.0.113.9"}, proto: []string{"https"}, client: "192.0.2.1"},
		"a proxy's word":             {peer: "10.0.0.1:99", for_: []string{"203.0.113.9"}, proto: []string{"https"}, client: "203.0.113.9", tls: true},
		"a proxy that says nothing":  {peer: "10.0.0.1:99", client: "10.0.0.1"},
		"two proxies":                {peer: "10.0.0.1:99", for_: []string{"203.0.113.9, 10.0.0.2"}, client: "203.0.113.9"},
		"two lines":                  {peer: "10.0.0.1:99", for_: []string{"203.0.113.9", "10.0.0.2"}, client: "203.0.113.9"},
		"what a client made up":      {peer: "10.0.0.1:99", for_: []string{"198.51.100.1, 203.0.113.9"}, client: "203.0.113.9"},
		"made up inside":             {peer: "10.0.0.1:99", for_: []string{"10.9.9.9, 203.0.113.9"}, client: "203.0.113.9"},
		"nobody but proxies":         {peer: "10.0.0.1:99", for_: []string{"10.0.0.3, 10.0.0.2"}, client: "10.0.0.3"},
		"no address":                 {peer: "10.0.0.1:99", for_: []string{"203.0.113.9, unknown"}, client: "10.0.0.1"},
		"with a port":                {peer: "10.0.0.1:99", for_: []string{"203.0.113.9:55"}, client: "10.0.0.1"},
		"version 6":                  {peer: "[fd00::1]:99", for_: []string{"2001:db8::7"}, client: "2001:db8::7"},
		"version 4 as 6":             {peer: "[::ffff:10.0.0.1]:99", for_: []string{"::ffff:203.0.113.9"}, client: "203.0.113.9"},
		"the client's own proto":     {peer: "10.0.0.1:99", proto: []string{"https, http"}, client: "10.0.0.1"},
		"proto in capitals":          {peer: "10.0.0.1:99", proto: []string{"http", "HTTPS"}, client: "10.0.0.1", tls: true},
		"nobody is trusted":          {peer: "10.0.0.1:99", for_: []string{"203.0.113.9"}, proto: []string{"https"}, client: "10.0.0.1", trustsNothing: true},
		"a peer that is no address":  {peer: "@", for_: []string{"203.0.113.9"}, client: "@"},
		"a header that is only dots": {peer: "10.0.0.1:99", for_: []string{",,,"}, client: "10.0.0.1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(http.MethodGet, "/healthz", nil)
			r.RemoteAddr, r.Header = c.peer, http.Header{"X-Forwarded-For": c.for_, "X-Forwarded-Proto": c.proto}
			networks := trusted
			if c.trustsNothing {
				networks = nil
			}
			var seen *http.Request
			behindProxies(networks, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = r })).ServeHTTP(httptest.NewRecorder(), r)
			require.Equal(t, c.client, gate.ClientAddress(seen))
			require.Equal(t, c.tls, gate.OverTLS(seen))
			require.Equal(t, c.peer, r.RemoteAddr, "the request itself is not changed")
		})
	}
}

func FuzzForwardedFor(f *testing.F) {
	f.Add("203.0.113.9, 10.0.0.2")
	f.Add("::1%eth0,")
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	peer := netip.MustParseAddr("10.0.0.1")
	f.Fuzz(func(t *testing.T, line string) {
		if a := clientOf(peer, []string{line}, trusted); !a.IsValid() || a.Zone() != "" {
			t.Errorf("%q gives %v", line, a)
		}
	})
}

func TestHeadersOverTLS(t *testing.T) {
	t.Parallel()
	plain, secured := http.Header{}, http.Header{}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	secure(plain, r)
	secure(secured, gate.WithTLS(r))
	require.Empty(t, plain.Get("Strict-Transport-Security"))
	require.Equal(t, "max-age=31536000", secured.Get("Strict-Transport-Security"))
	require.Equal(t, "nosniff", secured.Get("X-Content-Type-Options"))
}

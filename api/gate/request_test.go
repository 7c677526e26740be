package gate_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
)

func TestRequest(t *testing.T) {
	t.Parallel()
	make := func(method, path, body, key string) commands.Request {
		r := httptest.NewRequest(method, path, strings.NewReader(body))
		r.Header.Set("User-Agent", "agent\x00 1\t"+strings.Repeat("é", 300))
		if key != "" {
			r.Header.Set("Idempotency-Key", key)
		}
		_, err := gate.ReadBody(httptest.NewRecorder(), r, 100)
		require.NoError(t, err)
		return gate.Request(r.WithContext(gate.WithRequestID(r.Context(), "id-1")), gate.Caller{}, "coder")
	}
	a := make("POST", "/x", "{}", "k")
	require.Equal(t, "k", a.IdempotencyKey)
	require.Equal(t, "id-1", a.CorrelationID)
	require.Equal(t, "192.0.2.1", a.IP)
	require.LessOrEqual(t, len(a.UserAgent), 255)
	require.True(t, utf8.ValidString(a.UserAgent))
	require.NotContains(t, a.UserAgent, "\x00")
	require.Len(t, a.RequestHash, 64)
	require.Equal(t, a.RequestHash, make("POST", "/x", "{}", "k").RequestHash)
	for _, other := range []commands.Request{make("PUT", "/x", "{}", "k"), make("POST", "/y", "{}", "k"), make("POST", "/x", "{ }", "k")} {
		require.NotEqual(t, a.RequestHash, other.RequestHash)
	}
	require.Empty(t, make("POST", "/x", "{}", "").RequestHash, "nothing is hashed without need")
}

func TestIdempotencyKey(t *testing.T) {
	t.Parallel()
	for value, good := range map[string]bool{
		"": false, "k": true, strings.Repeat("k", 255): true, strings.Repeat("k", 256): false, "a b~!": true, "é": false, "a\tb": false,
	} {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.Header["Idempotency-Key"] = []string{value}
		_, err := gate.IdempotencyKey(r)
		require.Equal(t, good, err == nil, "%q", value)
	}
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	r.Header["Idempotency-Key"] = []string{"a", "b"}
	_, err := gate.IdempotencyKey(r)
	require.ErrorIs(t, err, gate.ErrIdempotencyKey)
}

func TestRequestID(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	require.Len(t, gate.NewRequestID(r), 36)
	r.Header.Set("X-Request-Id", "trace-1:2.3_4")
	require.Equal(t, "trace-1:2.3_4", gate.NewRequestID(r))
	for _, bad := range []string{"a b", "<script>", strings.Repeat("x", 65), "é"} {
		r.Header.Set("X-Request-Id", bad)
		require.NotEqual(t, bad, gate.NewRequestID(r))
	}
}

func TestWrote(t *testing.T) {
	t.Parallel()
	s := newShelf()
	g := gateOf(s, false)
	p := events.Position{Stream: events.Roster, Sequence: 7}
	w := httptest.NewRecorder()
	g.Wrote(w, nil, commands.Result{User: commands.User{ID: "u"}, Position: p})
	require.Equal(t, "r7", w.Header().Get("Roster-Position"))
	require.Equal(t, map[string]events.Position{"u": p}, s.noted)
	require.Zero(t, s.keys)
	g.Wrote(w, nil, commands.Result{User: commands.User{ID: "u"}, Position: p, Key: commands.Key{ID: keyID}})
	require.Equal(t, 1, s.keys, "a key in the result concerns credentials")
	g.WroteCredentials(w, nil, commands.Result{User: commands.User{ID: "u"}, Position: p})
	require.Equal(t, 2, s.keys)
	empty := httptest.NewRecorder()
	g.Wrote(empty, nil, commands.Result{})
	require.Empty(t, empty.Header())
}

func TestMinPosition(t *testing.T) {
	t.Parallel()
	for value, good := range map[string]bool{"r1": true, "r1,a2": true, " a2 , r1 ": true, "": true, "x1": false, "r1,r2": false, "r-1": false, "r99999999999999999999999": false} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header["Roster-Min-Position"] = []string{value}
		_, err := gate.WithMinPosition(r)
		require.Equal(t, good, err == nil, "%q", value)
	}
}

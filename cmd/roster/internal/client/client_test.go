package client_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/rosterhq/roster/cmd/roster/internal/client"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) { os.Exit(code) }))
}

const token = "aaaaaaaaaa-bbbbbbbbbbbbbbbbbbbbbb"

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	for server, message := range map[string]string{
		"":                                 "no server",
		"roster.example.com":               "must be a URL that begins with http:// or https://",
		"ftp://roster.example.com":         "must be a URL that begins with http:// or https://",
		"http://":                          "names no host",
		"http://ada:hunter2@example.com":   "holds a user or password",
		"http://hunter2@example.com":       "holds a user or password",
		"http://example.com:hunter2/":      "is not a URL",
		"http://example.com/?key=hunter2":  "must end before any ? or #",
		"http://example.com/#hunter2":      "must end before any ? or #",
		"http://ada:hunter2@exa mple.com/": "is not a URL",
	} {
		_, err := client.New(client.Config{Server: server, Token: token})
		require.ErrorContains(t, err, message, server)
		require.NotContains(t, err.Error(), "hunter2")
		require.NotContains(t, err.Error(), token)
	}
	for _, bad := range []string{"", "two words", "line\nbreak", "ümlaut"} {
		_, err := client.New(client.Config{Server: "http://example.com", Token: bad})
		require.ErrorContains(t, err, "token")
		if bad != "" {
			require.NotContains(t, err.Error(), bad)
		}
	}
	c, err := client.New(client.Config{Server: "https://example.com/roster/", Token: token})
	require.NoError(t, err)
	require.Equal(t, "https://example.com/roster", c.Server())
}

// serve answers with the handlers one after the other, the last one for ever.
func serve(t *testing.T, handlers ...http.HandlerFunc) (*httptest.Server, *atomic.Int64) {
	t.Helper()
	var calls atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := int(calls.Add(1)) - 1
		handlers[min(n, len(handlers)-1)](w, r)
	}))
	t.Cleanup(server.Close)
	return server, &calls
}

func status(code int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json")
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
		_, _ = fmt.Fprint(w, body)
	}
}

type clock struct{ waited []time.Duration }

// open returns a client whose pauses are noted and pass at once.
func open(t *testing.T, server string) (*client.Client, *clock) {
	t.Helper()
	k := &clock{}
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	c, err := client.New(client.Config{
		Server: server, Token: token, UserAgent: "roster/test",
		Now: func() time.Time {
			now := start
			for _, d := range k.waited {
				now = now.Add(d)
			}
			return now
		},
		Pause: func(ctx context.Context, d time.Duration) bool {
			k.waited = append(k.waited, d)
			return ctx.Err() == nil
		},
	})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c, k
}

var ada = client.NewUser{Username: "ada", Identities: []client.Identity{{Provider: "github", Subject: "1"}}}

func TestRetriesWithTheSameRequest(t *testing.T) {
	t.Parallel()
	var seen []string
	note := func(next http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			seen = append(seen, r.Header.Get("Authorization")+" "+r.Header.Get("User-Agent"))
			next(w, r)
		}
	}
	server, _ := serve(t,
		note(status(503, `{"detail":"later"}`, "Retry-After", "7")),
		note(status(429, ``, "Retry-After", "Fri, 02 Jan 2026 03:04:22 GMT")),
		note(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }),
		note(status(502, `gateway`)),
		note(status(201, `{}`)),
	)
	c, k := open(t, server.URL)
	require.NoError(t, c.CreateUser(t.Context(), ada))
	require.Len(t, seen, 5)
	for _, s := range seen {
		require.Equal(t, "Bearer "+token+" roster/test", s)
	}
	require.Len(t, k.waited, 4)
	require.Equal(t, 7*time.Second, k.waited[0])
	require.Equal(t, 10*time.Second, k.waited[1], "a date: 17 s after the start, of which 7 are over")
	require.InDelta(t, 300*time.Millisecond, k.waited[2], float64(100*time.Millisecond))
	require.InDelta(t, 600*time.Millisecond, k.waited[3], float64(200*time.Millisecond))
}

func TestPatienceEnds(t *testing.T) {
	t.Parallel()
	server, calls := serve(t, status(503, `{"detail":"the log can not be written right now"}`))
	c, k := open(t, server.URL)
	err := c.CreateUser(t.Context(), ada)
	require.EqualError(t, err, "the server answered 503: the log can not be written right now")
	require.Greater(t, calls.Load(), int64(10))
	var sum time.Duration
	for _, d := range k.waited {
		require.LessOrEqual(t, d, 10*time.Second)
		sum += d
	}
	require.Greater(t, sum, 100*time.Second)

	server, calls = serve(t, status(429, ``, "Retry-After", "3600"))
	c, _ = open(t, server.URL)
	require.ErrorContains(t, c.CreateUser(t.Context(), ada), "429")
	require.Equal(t, int64(1), calls.Load(), "an hour is too long to wait")
}

func TestStopEndsWaiting(t *testing.T) {
	t.Parallel()
	server, calls := serve(t, status(503, ``, "Retry-After", "60"))
	stop := make(chan struct{})
	close(stop)
	c, err := client.New(client.Config{Server: server.URL, Token: token, Stop: stop})
	require.NoError(t, err)
	defer c.Close()
	require.ErrorContains(t, c.CreateUser(t.Context(), ada), "503")
	require.Equal(t, int64(1), calls.Load())
}

// Something that is no HTTP server at all: it hangs up.
func TestNobodyAnswers(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_ = conn.Close()
		}
	}()
	c, k := open(t, "http://"+l.Addr().String())
	err = c.Check(t.Context())
	require.ErrorContains(t, err, "no answer from http://"+l.Addr().String()+": ")
	require.Len(t, k.waited, 3, "a wrong address is found soon")
	require.NoError(t, l.Close())
	<-ended
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for code, message := range map[int]string{
		200: "",
		403: "",
		401: "the server does not accept the token",
		404: "is it a Roster server?",
		405: "is it a Roster server?",
		302: "the server answered 302",
		500: "the server answered 500",
	} {
		server, _ := serve(t, status(code, `{}`, "Location", "http://127.0.0.1:1/elsewhere"))
		c, _ := open(t, server.URL)
		err := c.Check(t.Context())
		if message == "" {
			require.NoError(t, err, code)
			continue
		}
		require.ErrorContains(t, err, message, code)
	}
}

func TestConflicts(t *testing.T) {
	t.Parallel()
	problem := func(fields ...string) string {
		body := `{"code":"conflict","detail":"a user with these names exists","errors":[`
		for i, f := range fields {
			if i > 0 {
				body += ","
			}
			body += fmt.Sprintf(`{"field":%q,"rule":"taken","detail":"is taken"}`, f)
		}
		return body + `]}`
	}
	for body, want := range map[string]error{
		problem("username"):               client.ErrUsernameTaken,
		problem("identities"):             client.ErrUserExists,
		problem("identities[0]"):          client.ErrUserExists,
		problem("username", "identities"): client.ErrUserExists,
	} {
		server, _ := serve(t, status(409, body))
		c, _ := open(t, server.URL)
		require.ErrorIs(t, c.CreateUser(t.Context(), ada), want, body)
	}
	server, _ := serve(t, status(409, `{"detail":"too many writers"}`))
	c, _ := open(t, server.URL)
	require.EqualError(t, c.CreateUser(t.Context(), ada), "the server answered 409: too many writers")
}

func TestCreationWithLostAnswer(t *testing.T) {
	t.Parallel()
	lost := func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	both := status(409, `{"errors":[{"field":"username","rule":"taken"},{"field":"identities","rule":"taken"}]}`)
	server, calls := serve(t, lost, both)
	c, _ := open(t, server.URL)
	require.NoError(t, c.CreateUser(t.Context(), ada), "the first try made it")
	require.Equal(t, int64(2), calls.Load())

	server, _ = serve(t, status(503, ``), both)
	c, _ = open(t, server.URL)
	require.ErrorIs(t, c.CreateUser(t.Context(), ada), client.ErrUserExists, "the first try did nothing")

	server, _ = serve(t, lost, status(409, `{"errors":[{"field":"identities","rule":"taken"}]}`))
	c, _ = open(t, server.URL)
	require.ErrorIs(t, c.CreateUser(t.Context(), ada), client.ErrUserExists, "somebody else made it, under another name")
}

func TestForbidden(t *testing.T) {
	t.Parallel()
	server, _ := serve(t, status(403, `{"detail":"you are not allowed to do this"}`))
	c, _ := open(t, server.URL)
	require.ErrorContains(t, c.CreateUser(t.Context(), ada), "needs the scope users:write")
	_, err := c.Record(t.Context(), make([][]byte, 1))
	require.ErrorContains(t, err, "needs the scope activities:record")
}

func TestTokenStaysOutOfErrors(t *testing.T) {
	t.Parallel()
	server, _ := serve(t, status(400, `{"detail":"bad \u001b[31m`+token+`","errors":[{"field":"x","detail":"`+token+`"}]}`))
	c, _ := open(t, server.URL)
	err := c.CreateUser(t.Context(), ada)
	require.EqualError(t, err, "the server answered 400: bad  [31m[token]; x: [token]")
}

func TestRecordCountsWhatWasKeptBefore(t *testing.T) {
	t.Parallel()
	server, _ := serve(t,
		status(503, `{"accepted":2,"duplicates":0}`),
		status(200, `{"accepted":1,"duplicates":3,"rejected":[{"index":4,"code":"invalid","message":"`+token+`"}],"rejectedTotal":1}`),
	)
	c, _ := open(t, server.URL)
	got, err := c.Record(t.Context(), make([][]byte, 5))
	require.NoError(t, err)
	require.Equal(t, client.Recorded{Accepted: 3, Duplicates: 1, Rejected: []client.Rejected{{Index: 4, Code: "invalid", Message: "[token]"}}}, got)
}

func TestStrangeAnswers(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`<html>`, `{"accepted":9}`, `{"accepted":1,"rejected":[{"index":7}]}`, `{"accepted":2,"rejected":[{"index":0}]}`, `{"rejected":[{"index":-1}]}`,
	} {
		server, _ := serve(t, status(200, body))
		c, _ := open(t, server.URL)
		_, err := c.Record(t.Context(), make([][]byte, 2))
		require.ErrorContains(t, err, "is it a Roster server?", body)
		_ = err
	}
}

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
)

// page takes what a command prints while it runs.
type page struct {
	mu    sync.Mutex
	text  bytes.Buffer
	lines chan string
}

func newPage() *page { return &page{lines: make(chan string, 1000)} }

func (p *page) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.text.Write(b)
	for {
		line, err := p.text.ReadString('\n')
		if err != nil {
			p.text.WriteString(line)
			return len(b), nil
		}
		p.lines <- strings.TrimSuffix(line, "\n")
	}
}

func (p *page) next(t *testing.T) string {
	t.Helper()
	select {
	case line := <-p.lines:
		return line
	case <-time.After(20 * time.Second):
		require.Fail(t, "nothing was printed")
		return ""
	}
}

// startTail runs roster tail until stop, which returns the exit code.
func startTail(t *testing.T, args ...string) (out, err *page, stop func() int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out, err = newPage(), newPage()
	code := make(chan int, 1)
	go func() { code <- run(ctx, append([]string{"tail"}, args...), outputs{out: out, err: err}) }()
	t.Cleanup(cancel)
	return out, err, func() int {
		cancel()
		return <-code
	}
}

func ticket(c *apitest.Session, t *testing.T, id string) {
	t.Helper()
	a := c.Do("POST", "/v1/activities", nil, map[string]any{
		"source": "tracker", "id": id, "user": map[string]any{"id": c.ID}, "type": "ticket", "action": "created",
		"entity": map[string]any{"id": "T-" + id, "title": "Fix\x1b[2J it"}, "occurredAt": "2026-05-03T10:00:00Z",
	})
	require.Equal(t, http.StatusOK, a.Status, "%s", a.Body)
}

func TestTail(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	ticket(owner, t, "1")
	args := []string{"--server", s.URL, "--token", owner.Token, "--user", "owner", "--type", "ticket,review"}
	out, _, stop := startTail(t, args...)
	first := out.next(t)
	require.Regexp(t, `^a\d+ 2026-05-03T10:00:00Z `+owner.ID+` ticket created T-1 Fix \[2J it$`, first)
	ticket(owner, t, "2")
	require.Contains(t, out.next(t), " T-2 ")
	require.Equal(t, exitInterrupted, stop())

	position, _, _ := strings.Cut(first, " ")
	out, _, stop = startTail(t, append(args, "--since", position, "--output", "json")...)
	var line map[string]any
	require.NoError(t, json.Unmarshal([]byte(out.next(t)), &line))
	require.Equal(t, "2", line["sourceId"])
	require.Equal(t, exitInterrupted, stop())

	out, errs, stop := startTail(t, append(args, "--since", "a999999")...)
	require.Contains(t, errs.next(t), "can not go on from a999999")
	require.Contains(t, out.next(t), " T-1 ")
	require.Equal(t, exitInterrupted, stop())
}

// TestTailComesBack breaks the connection; what happens meanwhile is printed once.
func TestTailComesBack(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	ticket(owner, t, "1")
	proxy := newProxy(t, s.URL)
	out, errs, stop := startTail(t, "--server", proxy.url, "--token", owner.Token, "--type", "ticket", "--output", "json")
	require.Contains(t, out.next(t), `"T-1"`)
	proxy.cut()
	ticket(owner, t, "2")
	require.Contains(t, out.next(t), `"T-2"`)
	require.Contains(t, errs.next(t), "coming back")
	ticket(owner, t, "3")
	require.Contains(t, out.next(t), `"T-3"`)
	require.Equal(t, exitInterrupted, stop())
}

func TestTailRefused(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	const wrong = "cccccccccc-dddddddddddddddddddddd"
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"--token", wrong}, exitFailed, "the server does not accept the token"},
		{[]string{"--token", owner.Token, "--user", "nobody"}, exitFailed, "the server answered 404"},
		{[]string{"--token", owner.Token, "--type", "klingon"}, exitFailed, "the server answered 400"},
		{[]string{"--token", owner.Token, "--output", "xml"}, exitUsage, "--output must be one of"},
		{[]string{}, exitUsage, "no token"},
	} {
		code, stdout, stderr := roster(t.Context(), append([]string{"tail", "--server", s.URL}, c.args...)...)
		require.Equal(t, c.code, code, "%v: %s", c.args, stderr)
		require.Empty(t, stdout)
		require.Contains(t, stderr, c.says)
		require.NotContains(t, stdout+stderr, owner.Token)
	}
}

// lineProxy is a connection to a server that can be cut.
type lineProxy struct {
	url string
	mu  sync.Mutex
	all []net.Conn
}

func newProxy(t *testing.T, target string) *lineProxy {
	t.Helper()
	u, err := url.Parse(target)
	require.NoError(t, err)
	p := &lineProxy{}
	proxy := httputil.NewSingleHostReverseProxy(u)
	proxy.FlushInterval = -1
	proxy.ErrorHandler = func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) }
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := &http.Server{Handler: proxy, ConnState: func(c net.Conn, state http.ConnState) {
		if state == http.StateNew {
			p.mu.Lock()
			p.all = append(p.all, c)
			p.mu.Unlock()
		}
	}}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	p.url = "http://" + l.Addr().String()
	return p
}

func (p *lineProxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.all {
		_ = c.Close()
	}
	p.all = nil
}

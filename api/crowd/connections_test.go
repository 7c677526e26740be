package crowd_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/crowd"
)

// door is a server whose handler works until it is told to end, on /work, streams on
// /stream, takes the connection on /take, and else answers at once.
type door struct {
	*crowd.Crowd
	*httptest.Server
	begun, end chan struct{}
}

func newDoor(t *testing.T, connections int, secured bool) *door {
	t.Helper()
	d := &door{Crowd: crowd.New(crowd.Limits{Connections: connections}, nil), begun: make(chan struct{}, 8), end: make(chan struct{})}
	d.Server = httptest.NewUnstartedServer(http.HandlerFunc(d.serve))
	d.Server.Listener = d.Crowd.Listener(d.Server.Listener)
	d.Config.ConnContext = d.Context
	if secured {
		d.StartTLS()
	} else {
		d.Start()
	}
	t.Cleanup(func() {
		select {
		case <-d.end:
		default:
			close(d.end)
		}
		d.CloseClientConnections()
		d.Close()
	})
	return d
}

func (d *door) serve(w http.ResponseWriter, r *http.Request) {
	in, place, err := d.Enter(r)
	if err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	defer place.Leave()
	switch r.URL.Path {
	case "/work":
		d.begun <- struct{}{}
		<-d.end
	case "/stream":
		crowd.StepAside(in.Context())
		d.begun <- struct{}{}
		<-d.end
	case "/take":
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			place.Hijacked()
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			go func() {
				defer func() { _ = conn.Close() }()
				<-d.end
			}()
		}
	case "/body":
		d.begun <- struct{}{}
		_, _ = io.Copy(io.Discard, in.Body)
	}
}

// visitor is a client's connection.
type visitor struct {
	net.Conn
	t *testing.T
}

func (d *door) visit(t *testing.T) *visitor {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", d.Server.Listener.Addr().String())
	require.NoError(t, err)
	if d.TLS != nil {
		conn = tls.Client(conn, &tls.Config{InsecureSkipVerify: true})
	}
	t.Cleanup(func() { _ = conn.Close() })
	require.NoError(t, conn.SetDeadline(time.Now().Add(patience)))
	return &visitor{conn, t}
}

func (v *visitor) send(text string) { v.t.Helper(); v.try(text, true) }

func (v *visitor) try(text string, must bool) {
	v.t.Helper()
	if _, err := io.WriteString(v.Conn, text); must {
		require.NoError(v.t, err)
	}
}

func (v *visitor) ask(path string) {
	v.t.Helper()
	v.send("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n")
}

func (v *visitor) answered() {
	v.t.Helper()
	res, err := http.ReadResponse(bufio.NewReader(v.Conn), nil)
	require.NoError(v.t, err)
	require.Equal(v.t, http.StatusOK, res.StatusCode)
	_, err = io.Copy(io.Discard, res.Body)
	require.NoError(v.t, err)
	require.NoError(v.t, res.Body.Close())
}

// cut waits until the server has closed the connection.
func (v *visitor) cut() {
	v.t.Helper()
	_, err := io.Copy(io.Discard, v.Conn)
	require.NotErrorIs(v.t, err, os.ErrDeadlineExceeded, "the connection is still open")
}

func TestWhoKeptItWaitingLongestMakesRoom(t *testing.T) {
	t.Parallel()
	for _, secured := range []bool{false, true} {
		d := newDoor(t, 4, secured)
		work, idle := d.visit(t), d.visit(t)
		work.ask("/work")
		<-d.begun
		slow, sending := d.visit(t), d.visit(t)
		slow.send("GET / HTTP/1.1\r\nHo") // headers that do not end
		sending.send("POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nx")
		<-d.begun
		await(t, d.Crowd, "roster_http_requests_at_work", 1) // the body is waited for
		idle.ask("/")
		idle.answered() // it did something since
		for range 2 {
			one := d.visit(t)
			one.ask("/")
			one.answered()
			await(t, d.Crowd, "roster_http_connections", 4)
		}
		slow.cut()
		sending.cut()
		idle.ask("/")
		idle.answered()
		d.end <- struct{}{}
		work.answered()
		work.ask("/")
		work.answered()
		await(t, d.Crowd, "roster_http_connections_cut_total", 2)
	}
}

func TestStreamsAndWorkMakeNoRoom(t *testing.T) {
	t.Parallel()
	d := newDoor(t, 3, false)
	work, stream, taken := d.visit(t), d.visit(t), d.visit(t)
	work.ask("/work")
	<-d.begun
	stream.ask("/stream")
	<-d.begun
	taken.ask("/take")
	taken.answered()
	one := d.visit(t)
	one.try("GET / HTTP/1.1\r\nHost: x\r\n\r\n", false)
	one.cut()
	close(d.end)
	work.answered()
	stream.answered()
	taken.cut()
	await(t, d.Crowd, "roster_http_connections", 2)
	one = d.visit(t)
	one.ask("/")
	one.answered()
}

// TestWhoReadsSlowlyMakesRoom is about answers that nobody takes.
func TestWhoReadsSlowlyMakesRoom(t *testing.T) {
	t.Parallel()
	c := crowd.New(crowd.Limits{Requests: 1, Connections: 1}, nil)
	wrote := make(chan error, 1)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, place, err := c.Enter(r)
		if err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		defer place.Leave()
		if r.URL.Path != "/long" {
			return
		}
		for part := strings.Repeat("x", 64<<10); err == nil; {
			place.Writing(64 << 10)
			_, err = io.WriteString(w, part)
		}
		wrote <- err
	}))
	server.Listener = c.Listener(server.Listener)
	server.Config.ConnContext = func(ctx context.Context, conn net.Conn) context.Context { return c.Context(ctx, conn) }
	server.Start()
	defer server.Close()
	d := &door{Crowd: c, Server: server}
	slow := d.visit(t)
	slow.ask("/long")
	_, err := io.ReadFull(slow, make([]byte, 10))
	require.NoError(t, err)
	other := d.visit(t)
	other.ask("/")
	other.answered()
	require.Error(t, <-wrote)
}

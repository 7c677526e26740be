// Package sse writes live streams to HTTP clients, as server-sent events or lines.
package sse

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/rosterhq/roster/query/live"
)

// Media types of streams.
const (
	EventStream = "text/event-stream"
	NDJSON      = "application/x-ndjson"
)

// Headers sets what goes before a stream.
func Headers(header http.Header, lines bool) {
	header.Set("Content-Type", EventStream)
	if lines {
		header.Set("Content-Type", NDJSON)
	}
	header.Set("Cache-Control", "no-store, no-transform")
	header.Set("X-Accel-Buffering", "no") // or nginx keeps events for itself
}

// Serve answers with a stream. Plain HTTP/1.1 connections are taken from
// the server: an idle client then costs a sixth of what the server would hold for
// it. TLS and HTTP/2 stay with the server.
func Serve(w http.ResponseWriter, r *http.Request, s *live.Stream) {
	if r.TLS == nil && r.ProtoMajor == 1 && r.ProtoMinor == 1 {
		if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
			takeOver(conn, w.Header(), s)
			return
		}
	}
	serveInPlace(w, r, s)
}

// serveInPlace lets the request's goroutine write.
func serveInPlace(w http.ResponseWriter, r *http.Request, s *live.Stream) {
	out := &response{w: w, control: http.NewResponseController(w)}
	_ = out.control.SetReadDeadline(time.Time{}) // a stream has no end; without support there is no deadline either
	stop := context.AfterFunc(r.Context(), s.Leave)
	defer stop()
	w.WriteHeader(http.StatusOK)
	_ = out.control.Flush()
	woken := make(chan struct{}, 1) // room for the one wake that there can be
	ended := s.Run(r.Context(), out, func() { woken <- struct{}{} })
	for !ended {
		<-woken // the end wakes too
		ended = s.Flush()
	}
}

// response writes through the server.
type response struct {
	w       http.ResponseWriter
	control *http.ResponseController
	aborted atomic.Bool
}

// Write implements live.Sink. HTTP/2 resets a stream whose deadline passes even
// while nothing is written, so there is none between writes.
func (o *response) Write(p []byte) error {
	_ = o.control.SetWriteDeadline(time.Now().Add(live.WriteLimit))
	if o.aborted.Load() {
		return http.ErrHandlerTimeout
	}
	if _, err := o.w.Write(p); err != nil {
		return err //nolint:wrapcheck // this is a writer
	}
	if err := o.control.Flush(); err != nil {
		return err //nolint:wrapcheck // as above
	}
	_ = o.control.SetWriteDeadline(time.Time{})
	return nil
}

// Abort implements live.Sink.
func (o *response) Abort() {
	o.aborted.Store(true)
	_ = o.control.SetWriteDeadline(time.Now())
}

// Close implements live.Sink: the handler's return closes.
func (o *response) Close() {
	_ = o.control.SetWriteDeadline(time.Now().Add(closePatience))
}

// closePatience is how long the last bytes of a stream may take.
const closePatience = time.Second

// sendBuffer bounds what the system holds for a slow client.
const sendBuffer = 128 << 10

// takeOver serves a connection that is the server's no more. One goroutine waits
// for the client to leave; whoever has something to say writes.
func takeOver(conn net.Conn, header http.Header, s *live.Stream) {
	if buffered, ok := conn.(interface{ SetWriteBuffer(bytes int) error }); ok {
		_ = buffered.SetWriteBuffer(sendBuffer)
	}
	_ = conn.SetDeadline(time.Time{})
	out := &chunks{conn: conn}
	go func() {
		if out.head(header) != nil {
			s.Leave()
		}
		s.Run(context.Background(), out, func() { go s.Flush() })
	}()
	go watch(conn, s)
}

// watch waits until the client leaves. What it sends is of no interest.
func watch(conn net.Conn, s *live.Stream) {
	var nothing [16]byte
	for {
		if _, err := conn.Read(nothing[:]); err != nil {
			s.Leave()
			return
		}
	}
}

// chunks writes to a bare connection in HTTP/1.1's chunked coding.
type chunks struct {
	conn    net.Conn
	broken  bool // of the writer alone
	aborted atomic.Bool
}

// head writes what comes before the body.
func (c *chunks) head(header http.Header) error {
	header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	header.Set("Transfer-Encoding", "chunked")
	header.Set("Connection", "close")
	var b bytes.Buffer
	b.WriteString("HTTP/1.1 200 OK\r\n")
	if err := header.Write(&b); err != nil {
		return err //nolint:wrapcheck // a buffer does not fail
	}
	b.WriteString("\r\n")
	return c.send(net.Buffers{b.Bytes()}, live.WriteLimit)
}

var lineEnd = []byte("\r\n") //nolint:gochecknoglobals // a constant but for its form

// Write implements live.Sink.
func (c *chunks) Write(p []byte) error {
	if len(p) == 0 { // an empty chunk is the end
		return nil
	}
	size := append(strconv.AppendInt(make([]byte, 0, 16), int64(len(p)), 16), lineEnd...)
	return c.send(net.Buffers{size, p, lineEnd}, live.WriteLimit)
}

func (c *chunks) send(parts net.Buffers, within time.Duration) error {
	if err := c.conn.SetWriteDeadline(time.Now().Add(within)); err != nil {
		c.broken = true
		return err //nolint:wrapcheck // this is a writer
	}
	if c.aborted.Load() { // looked at behind the deadline: Abort's own may have come before it
		_ = c.conn.SetWriteDeadline(time.Now())
	}
	if _, err := parts.WriteTo(c.conn); err != nil {
		c.broken = true
		return err //nolint:wrapcheck // as above
	}
	return nil
}

// Abort implements live.Sink.
func (c *chunks) Abort() {
	c.aborted.Store(true)
	_ = c.conn.SetWriteDeadline(time.Now())
}

// Close implements live.Sink.
func (c *chunks) Close() {
	if !c.broken {
		_ = c.send(net.Buffers{[]byte("0\r\n\r\n")}, closePatience)
	}
	_ = c.conn.Close()
}

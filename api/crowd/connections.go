package crowd

import (
	"container/list"
	"context"
	"net"
	"sync"
	"sync/atomic"
)

// connections bounds how many are open. Where all are taken, a new one takes the
// place of the one that has kept the server waiting for the longest: for headers, for
// a body, for the next request, or until an answer was taken. So clients that are
// slow on purpose close each other's connections, and who comes with a request
// is heard. Connections whose requests are worked at are never closed for this, nor
// live streams; where there are no others, the new one is closed.
type connections struct {
	limit int
	cut   atomic.Uint64

	mu      sync.Mutex
	open    int
	waiting list.List // of *connection, the longest first
}

// connection is one client's.
type connection struct {
	*net.TCPConn
	all *connections

	// Guarded by all.mu.
	requests int           // worked at
	waitsAt  *list.Element // nil while there is work, and once it is closed
	closed   bool
}

// Listener counts the connections that it accepts.
func (c *Crowd) Listener(l net.Listener) net.Listener { return &listener{l, &c.connections} }

type listener struct {
	net.Listener
	all *connections
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	for {
		raw, err := l.Listener.Accept()
		if err != nil {
			return nil, err //nolint:wrapcheck // the server looks at its type
		}
		tcp, ok := raw.(*net.TCPConn)
		if !ok {
			return raw, nil
		}
		if c := l.all.admit(tcp); c != nil {
			return c, nil
		}
		_ = tcp.Close()
	}
}

// admit returns nil where there is no room.
func (a *connections) admit(tcp *net.TCPConn) *connection {
	c := &connection{TCPConn: tcp, all: a}
	a.mu.Lock()
	var slowest *connection
	if a.open >= a.limit {
		a.cut.Add(1)
		first := a.waiting.Front()
		if first == nil {
			a.mu.Unlock()
			return nil
		}
		slowest = first.Value.(*connection)
		slowest.forget()
	}
	a.open++
	c.waitsAt = a.waiting.PushBack(c)
	a.mu.Unlock()
	if slowest != nil {
		_ = slowest.TCPConn.Close()
	}
	return c
}

func (a *connections) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.open
}

// forget takes a connection out of the counts. It is called with the lock held.
func (c *connection) forget() {
	if c.closed {
		return
	}
	c.closed = true
	c.all.open--
	c.leaveLine()
}

func (c *connection) leaveLine() {
	if c.waitsAt != nil {
		c.all.waiting.Remove(c.waitsAt)
		c.waitsAt = nil
	}
}

// Close implements net.Conn.
func (c *connection) Close() error {
	c.all.mu.Lock()
	c.forget()
	c.all.mu.Unlock()
	return c.TCPConn.Close() //nolint:wrapcheck // this is a connection
}

// busy says that a request is worked at.
func (c *connection) busy() {
	if c == nil {
		return
	}
	c.all.mu.Lock()
	defer c.all.mu.Unlock()
	c.requests++
	c.leaveLine()
}

// waits says that a request no longer is.
func (c *connection) waits() {
	if c == nil {
		return
	}
	c.all.mu.Lock()
	defer c.all.mu.Unlock()
	c.requests--
	c.stand()
}

// advanced says that the client did something.
func (c *connection) advanced() {
	if c == nil {
		return
	}
	c.all.mu.Lock()
	defer c.all.mu.Unlock()
	c.stand()
}

// stand moves a connection without work to the end of the line.
func (c *connection) stand() {
	if c.requests > 0 || c.closed {
		return
	}
	c.leaveLine()
	c.waitsAt = c.all.waiting.PushBack(c)
}

type connectionKey struct{}

// Context is for http.Server's ConnContext: it tells requests their connection.
func (c *Crowd) Context(ctx context.Context, conn net.Conn) context.Context {
	if secured, ok := conn.(interface{ NetConn() net.Conn }); ok {
		conn = secured.NetConn()
	}
	if counted, ok := conn.(*connection); ok {
		return context.WithValue(ctx, connectionKey{}, counted)
	}
	return ctx
}

func connectionOf(ctx context.Context) *connection {
	c, _ := ctx.Value(connectionKey{}).(*connection)
	return c
}

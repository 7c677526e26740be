package faults_test

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// proxy stands between two parts and is the network's bad days.
type proxy struct {
	name     string
	listener net.Listener
	weather  atomic.Pointer[weather]
	running  sync.WaitGroup

	mu      sync.Mutex
	network string // of the target
	address string
	links   map[*link]struct{}
	closed  bool
}

// weather is how bytes travel.
type weather struct {
	delay time.Duration // of what is sent, each way
	mute  bool          // what the target says is lost; what it is told is not
	held  chan struct{} // nothing travels until it is closed; nil: it does
}

// link is one connection through a proxy.
type link struct {
	client, target net.Conn
	done           chan struct{}
	once           sync.Once
}

// parcel is what was read at once, and when it arrives.
type parcel struct {
	bytes []byte
	due   time.Time
}

// parcels bound what is under way in one direction.
const parcels = 256

func newProxy(t *testing.T, name string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &proxy{name: name, listener: l, links: map[*link]struct{}{}}
	p.weather.Store(&weather{})
	p.running.Go(p.accept)
	t.Cleanup(p.close)
	return p
}

func (p *proxy) host() string { return p.listener.Addr().String() }

// lead sends new connections to a target.
func (p *proxy) lead(network, address string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.network, p.address = network, address
}

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.running.Go(func() { p.serve(client) })
	}
}

func (p *proxy) serve(client net.Conn) {
	p.mu.Lock()
	network, address := p.network, p.address
	p.mu.Unlock()
	target, err := net.Dial(network, address)
	if err != nil {
		reset(client)
		return
	}
	l := &link{client: client, target: target, done: make(chan struct{})}
	if !p.keep(l) {
		l.close()
		return
	}
	var both sync.WaitGroup
	both.Go(func() { p.pump(l, target, client, false) })
	both.Go(func() { p.pump(l, client, target, true) })
	both.Wait()
	p.mu.Lock()
	delete(p.links, l)
	p.mu.Unlock()
}

func (p *proxy) keep(l *link) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.links[l] = struct{}{}
	return !p.closed
}

// pump reads from one side; what it read is written to the other when it is due.
func (p *proxy) pump(l *link, to, from net.Conn, answers bool) {
	way := make(chan parcel, parcels)
	var writer sync.WaitGroup
	writer.Go(func() { l.deliver(to, way) })
	defer writer.Wait()
	defer close(way)
	for {
		bytes := make([]byte, 32<<10)
		n, err := from.Read(bytes)
		if err != nil {
			return
		}
		w := p.weather.Load()
		if w.held != nil {
			select {
			case <-w.held:
			case <-l.done:
				return
			}
		}
		if w.mute && answers {
			continue
		}
		select {
		case way <- parcel{bytes[:n], time.Now().Add(w.delay)}:
		case <-l.done:
			return
		}
	}
}

// deliver writes what arrives. The end of one direction is the end of the link,
// after what was read before it.
func (l *link) deliver(to net.Conn, way <-chan parcel) {
	defer l.close()
	for p := range way {
		if wait := time.Until(p.due); wait > 0 {
			select {
			case <-time.After(wait):
			case <-l.done:
				return
			}
		}
		if _, err := to.Write(p.bytes); err != nil {
			return
		}
	}
}

func (l *link) close() {
	l.once.Do(func() {
		close(l.done)
		_ = l.client.Close()
		_ = l.target.Close()
	})
}

// reset ends a connection as a crashed machine does.
func reset(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
}

// cut resets all connections on both sides.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		for _, c := range []net.Conn{l.client, l.target} {
			if tcp, ok := c.(*net.TCPConn); ok {
				_ = tcp.SetLinger(0)
			}
		}
		l.close()
	}
}

// calm ends all bad weather. Bytes that were lost leave broken conversations
// behind, so those are cut.
func (p *proxy) calm() {
	old := p.weather.Swap(&weather{})
	if old.held != nil {
		close(old.held)
	}
	if old.mute {
		p.cut()
	}
}

func (p *proxy) close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	_ = p.listener.Close()
	p.calm()
	p.cut()
	p.running.Wait()
}

package crowd

import (
	"context"
	"net/http"
	"sync"
)

// writesAhead is how much of an answer the server keeps until the handler has
// returned. What is longer goes to the client meanwhile, at the client's pace.
const writesAhead = 2 << 10

// Place is a request's place among those that are worked at. A nil *Place bounds
// nothing.
type Place struct {
	crowd *Crowd
	conn  *connection // nil where connections are not counted

	mu     sync.Mutex
	atWork bool
	gone   bool // it is not taken again
	aside  bool // the handler goes on, bounded otherwise
	taken  bool // the connection is the handler's, for good
	counts bool // as one of the requests that its connection is busy with
	held   int64
}

type placeKey struct{}

func placeOf(ctx context.Context) *Place {
	p, _ := ctx.Value(placeKey{}).(*Place)
	return p
}

// Enter takes a place for a request, when its body is there or is a large one. It
// returns the request with which to go on; Leave must be called. Its error is ErrFull.
func (c *Crowd) Enter(r *http.Request) (*http.Request, *Place, error) {
	p := &Place{crowd: c, conn: connectionOf(r.Context())}
	in := r.WithContext(context.WithValue(r.Context(), placeKey{}, p))
	p.receive(in)
	if err := c.wait(in.Context()); err != nil {
		return r, nil, err
	}
	p.begin()
	return in, p, nil
}

func (p *Place) begin() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.work()
}

// work is called with a place that was acquired.
func (p *Place) work() {
	p.atWork = true
	p.crowd.atWork.Add(1)
	p.engage()
}

// engage says that the connection is busy with this request.
func (p *Place) engage() {
	if !p.counts {
		p.counts = true
		p.conn.busy()
	}
}

// disengage says that the client is waited for, or that it did something meanwhile.
func (p *Place) disengage() {
	if p.counts {
		p.counts = false
		p.conn.waits()
		return
	}
	p.conn.advanced()
}

// rest gives the place back.
func (p *Place) rest() {
	if p.atWork {
		p.atWork = false
		p.crowd.atWork.Add(-1)
		p.crowd.places.Release(1)
	}
}

// pause gives the place back while the client is waited for.
func (p *Place) pause() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.atWork {
		p.disengage()
		p.rest()
	}
}

// resume takes a place again. What was begun is ended: it waits for as long as its
// client does.
func (p *Place) resume(ctx context.Context) {
	p.mu.Lock()
	back := p.gone || p.atWork
	p.mu.Unlock()
	if back || p.crowd.places.Acquire(ctx, 1) != nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gone || p.atWork { // meanwhile
		p.crowd.places.Release(1)
		return
	}
	p.work()
}

// Writing is called before an answer of so many bytes, so far, is written: a long
// one goes at the pace of its client, and needs no place.
func (p *Place) Writing(bytes int64) {
	if p == nil || bytes <= writesAhead {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gone = true
	p.rest()
	if !p.aside {
		p.disengage() // anew with each part that went
	}
}

// Hijacked says that the handler took the connection for good.
func (p *Place) Hijacked() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken = true
}

// StepAside gives the request's place back for good: for handlers that go on for as
// long as their clients like, and are bounded otherwise. Such a connection is not
// closed to make room.
func StepAside(ctx context.Context) {
	p := placeOf(ctx)
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gone, p.aside = true, true
	p.rest()
	p.engage()
}

// Leave ends the request.
func (p *Place) Leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gone = true
	p.rest()
	p.crowd.held.Add(-p.held)
	p.held = 0
	if !p.taken {
		p.disengage()
	}
}

// hold counts bytes of a body that stay in memory until the request ends.
func (p *Place) hold(n int64) error {
	if p.crowd.held.Add(n) > p.crowd.limits.Bodies {
		p.crowd.held.Add(-n)
		return p.crowd.refuse()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held += n
	return nil
}

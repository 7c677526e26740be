package faults_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"
)

// worker is a client that does one thing after another to users of its own.
type worker struct {
	name    string
	random  *rand.Rand
	nodes   []*client // the first is its own
	owner   string    // a token
	history *history
	people  []*person
	serial  int
	revoked []revokedKey
}

func newWorker(name string, seed, n uint64, nodes []*node, owner string, h *history) *worker {
	w := &worker{name: name, random: rand.New(rand.NewPCG(seed, n)), owner: owner, history: h}
	for i := range nodes {
		w.nodes = append(w.nodes, newClient(nodes[(int(n)+i)%len(nodes)]))
	}
	return w
}

func (w *worker) close() {
	for _, c := range w.nodes {
		c.http.CloseIdleConnections()
	}
}

// person is a user as the worker knows it.
type person struct {
	id, email string
	last      string          // position of the last answered write
	name      string          // as of the last answered change
	maybe     map[string]bool // names of changes that were given up: they may come to be at any time
	password  bool
	keys      []key
}

type key struct{ id, token string }

// revokedKey was answered to be gone.
type revokedKey struct {
	token string
	at    time.Time
}

const password = "correct horse battery staple 42"

// maxPeople bounds the users of a worker, so that things happen to each.
const maxPeople = 25

// run works until the context ends.
func (w *worker) run(ctx context.Context) {
	for ctx.Err() == nil {
		if len(w.people) == 0 {
			w.register(ctx)
			continue
		}
		w.step(ctx)
	}
}

func (w *worker) step(ctx context.Context) {
	p := w.people[w.random.IntN(len(w.people))]
	switch n := w.random.IntN(100); {
	case n < 8 && len(w.people) < maxPeople:
		w.register(ctx)
	case n < 10:
		w.contend(ctx)
	case n < 25:
		w.profile(ctx, p)
	case n < 29:
		w.rename(ctx, p)
	case n < 45:
		w.createKey(ctx, p)
	case n < 59:
		w.revokeKey(ctx, p)
	case n < 62:
		w.tryRevoked(ctx)
	case n < 75:
		w.activity(ctx, p)
	case n < 77:
		w.login(ctx, p)
	case n < 79:
		w.remove(ctx, p)
	case n < 85:
		w.useKey(ctx, p)
	case n < 92:
		w.look(ctx, w.nodes[0], p)
	default:
		w.look(ctx, w.nodes[w.random.IntN(len(w.nodes))], p)
	}
}

func (w *worker) next() string {
	w.serial++
	return fmt.Sprintf("%s-%d", w.name, w.serial)
}

// repeatPause is between tries of a write that was not answered.
const repeatPause = 100 * time.Millisecond

// do makes a write that may be repeated without harm. One in four that is not
// answered is given up; the others are asked for again, in the same words, until
// there is an answer or the run ends.
func (w *worker) do(ctx context.Context, wr write, k call) (write, answer) {
	k.key = "key-" + wr.id
	return w.ask(ctx, wr, k, w.random.IntN(4) != 0)
}

func (w *worker) ask(ctx context.Context, wr write, k call, repeat bool) (write, answer) {
	k.id, k.token = wr.id, w.owner
	var a answer
	for {
		// The end of the load cuts no request off: its answer is waited for.
		var err error
		a, err = w.nodes[0].do(context.WithoutCancel(ctx), k)
		wr.tries, wr.answered = wr.tries+1, time.Now()
		wr.outcome, wr.status, wr.position = outcomeOf(a.status, err), a.status, a.position
		if wr.outcome != unknown || !repeat || ctx.Err() != nil {
			break
		}
		select {
		case <-time.After(repeatPause):
		case <-ctx.Done():
		}
	}
	w.history.add(wr)
	return wr, a
}

// wrote notes what an answered write promises to readers.
func (p *person) wrote(wr write) {
	if wr.position != "" {
		p.last = wr.position
	}
}

// look reads a user and compares with what is known.
func (w *worker) look(ctx context.Context, c *client, p *person) {
	a, err := c.do(ctx, call{method: http.MethodGet, path: "/v1/users/" + p.id, token: w.owner, since: p.last})
	if err != nil || a.status >= http.StatusInternalServerError {
		return
	}
	w.history.read(a.stale)
	switch {
	case a.stale:
	case a.status != http.StatusOK:
		w.history.violated("%s: user %s, written at %s, is answered with %d by %s", w.name, p.id, p.last, a.status, c.base)
	case a.text("name") != p.name && !p.maybe[a.text("name")]:
		w.history.violated("%s: user %s is called %q by %s, but was called %q at %s", w.name, p.id, a.text("name"), c.base, p.name, p.last)
	}
}

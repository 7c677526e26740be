package live

// ring holds what a client has still to be sent. It takes no memory until it is
// needed: most clients are idle most of the time.
type ring struct {
	items []*frame
	head  int // index of the oldest
	n     int
}

const firstRing = 4

// push adds an item; false says that limit items are in it already.
func (r *ring) push(f *frame, limit int) bool {
	if r.n >= limit {
		return false
	}
	if r.n == len(r.items) {
		r.grow(min(max(firstRing, 2*len(r.items)), limit))
	}
	r.items[(r.head+r.n)%len(r.items)] = f
	r.n++
	return true
}

func (r *ring) grow(size int) {
	items := make([]*frame, size)
	for i := range r.n {
		items[i] = r.items[(r.head+i)%len(r.items)]
	}
	r.items, r.head = items, 0
}

// take moves the oldest items into a slice and returns the part filled. An empty
// ring gives its memory back.
func (r *ring) take(into []*frame) []*frame {
	n := min(r.n, len(into))
	for i := range n {
		at := (r.head + i) % len(r.items)
		into[i], r.items[at] = r.items[at], nil
	}
	r.head, r.n = (r.head+n)%max(len(r.items), 1), r.n-n
	if r.n == 0 {
		r.clear()
	}
	return into[:n]
}

func (r *ring) clear() { *r = ring{} }

package app

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// How far the heap grows before garbage is collected: to three times what lives in
// it, but by no more than mostGarbage. A registration makes 120 KB of garbage; at
// Go's own 100 percent the collector took a sixth of the process's time, at 200 half
// of that. What lives grows with the number of users (the embedded server's index),
// and with it three times that: 100,000 users moving in took 2.4 GiB without the
// bound. With 768 MiB they take 1.4 GiB, with 384 they take 1.1 and a tenth more time. Below
// leastPercent the collector would do little else.
const (
	collectAt    = 200
	leastPercent = 50
	mostGarbage  = 768 << 20
)

// tuneMemory sets what Go's environment does not. It is for a program's main.
func tuneMemory() {
	if _, set := os.LookupEnv("GOGC"); set {
		return
	}
	debug.SetGCPercent(collectAt)
	tuneAtEachCollection(&tuner{percent: collectAt, live: []metrics.Sample{{Name: "/gc/heap/live:bytes"}}})
}

// tuner keeps the collector's percentage in line with what lives in the heap.
type tuner struct {
	percent int
	live    []metrics.Sample
}

// tuneAtEachCollection hangs the tuner on an object that dies with each collection.
func tuneAtEachCollection(t *tuner) {
	type sentinel struct{ _ *byte } // a pointer, so that it shares no block with others
	runtime.SetFinalizer(&sentinel{}, func(*sentinel) {
		t.tune()
		tuneAtEachCollection(t)
	})
}

func (t *tuner) tune() {
	metrics.Read(t.live)
	if t.live[0].Value.Kind() != metrics.KindUint64 {
		return
	}
	want := percentFor(t.live[0].Value.Uint64())
	if d := want - t.percent; -5 < d && d < 5 { // setting it stops the world for a moment
		return
	}
	t.percent = want
	debug.SetGCPercent(want)
}

// percentFor is by how much the heap may grow over what lives in it.
func percentFor(live uint64) int {
	if live == 0 {
		return collectAt
	}
	return min(collectAt, max(leastPercent, int(mostGarbage*100/live)))
}

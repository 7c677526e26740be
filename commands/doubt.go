package commands

import "sync/atomic"

// doubtful is for how many registrations names are looked up first, after one
// of them was taken.
const doubtful = 64

// doubt decides whether a registration takes its names for free without looking.
// A look waits for the batch that the log is writing, so that two looks cost
// more than the append itself; a name that turns out to be taken costs a refused
// batch, which others share. Whoever registers many taken names is therefore
// made to look first.
type doubt struct{ left atomic.Int32 }

func (d *doubt) raise() { d.left.Store(doubtful) }

func (d *doubt) some() bool {
	if d.left.Load() <= 0 {
		return false
	}
	d.left.Add(-1)
	return true
}

package eventlog

import "time"

// longestWait bounds how long a batch waits for company.
const longestWait = 12 * time.Millisecond

// perMessage is what one more message in a batch costs, roughly and everywhere.
const perMessage = 12 * time.Microsecond

// pace knows what publishing costs on this server, from what it cost so far,
// and says when a group of single messages is cheaper as plain publishes.
//
// With a sync at each publish a batch (about 2 ms) costs as much as ten of them;
// without, as much as a hundred and more; on a cluster, as a dozen.
type pace struct {
	each  time.Duration // of a plain publish in a group
	batch time.Duration // of a batch, its messages apart
}

// newPace starts with the figures of sync always: the border is at 9 messages.
func newPace() pace { return pace{each: 250 * time.Microsecond, batch: 2200 * time.Microsecond} }

func (p *pace) plain(n int) bool {
	return n == 1 || time.Duration(n)*p.each <= p.batch+time.Duration(n)*perMessage
}

// worthWaiting returns for how long a group of n may wait for company: a part of
// what it costs, which all who come meanwhile share.
func (p *pace) worthWaiting(n int, batched bool) time.Duration {
	cost := p.batch
	if !batched {
		cost = min(cost, time.Duration(n)*p.each)
	}
	return min(cost/2, longestWait)
}

func (p *pace) tookPlain(n int, d time.Duration) {
	p.each = average(p.each, max(d/time.Duration(n), time.Microsecond))
}

func (p *pace) tookBatch(n int, d time.Duration) {
	p.batch = average(p.batch, max(d-time.Duration(n)*perMessage, perMessage))
	// A figure that is never measured again would stay wrong for ever after
	// one hiccup of the disk: it falls until plain publishes get their try.
	p.each = max(p.each-p.each/128, time.Microsecond)
}

// average moves an eighth of the way, and not further for an outlier.
func average(old, sample time.Duration) time.Duration {
	return old + (min(sample, 4*old)-old)/8
}

package eventlog

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/events"
)

// proofs counts what a follower is told.
type proofs struct{ caught []uint64 }

func (*proofs) Event(events.Stored)     {}
func (*proofs) Lost(error)              {}
func (p *proofs) Caught(upTo uint64)    { p.caught = append(p.caught, upTo) }
func longAgo(d time.Duration) time.Time { return time.Now().Add(-d - backAfter) }

// A server that was paused answers what it was asked before with what came since:
// the messages are there first, and the answer says less than what was read by then.
func TestAnAnswerThatMessagesOvertookIsNoLogThatWentBack(t *testing.T) {
	t.Parallel()
	told := &proofs{}
	w := &following{to: told, name: "ROSTER", last: 10, expect: 2, patience: backAfter}
	asked := w.ask()
	w.last, asked.head = 12, 11
	w.back = longAgo(time.Minute) // the same happened before the pause
	require.NoError(t, w.judge(asked))
	require.True(t, w.back.IsZero())
	require.Equal(t, []uint64{12}, told.caught, "all that was there when it was asked is read")
}

func TestALogWentBackWhenEveryAnswerSaysSoForAWhile(t *testing.T) {
	t.Parallel()
	w := &following{to: &proofs{}, name: "ROSTER", last: 10, expect: 2, patience: backAfter}
	behind := func() probe {
		p := w.ask()
		p.head = 9
		return p
	}
	require.NoError(t, w.judge(behind()), "a leader elected just now may be behind")
	w.back = longAgo(0)
	w.unanswered()
	require.NoError(t, w.judge(behind()), "of the time before a silence nothing counts")
	w.back = longAgo(0)
	require.ErrorIs(t, w.judge(behind()), events.ErrWentBack)
}

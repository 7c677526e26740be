package runtime

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/events"
)

// told is a live reader that is told by a test what to deliver.
type told struct {
	f        func(events.Stored)
	sequence uint64
	silent   bool
}

func (l *told) SubscribeWhole(_ events.Stream, f func(events.Stored)) func() {
	l.f = f
	return func() { l.f = nil }
}

func (l *told) Current(events.Stream) (uint64, bool) { return l.sequence, !l.silent }

func (l *told) deliver(sequence uint64, size int) {
	l.sequence = sequence
	l.f(events.Stored{Subject: "activity.0.x", Sequence: sequence, Data: make([]byte, size)})
}

func startedFeed(at uint64) (*feed, *told) {
	l := &told{sequence: at}
	f := newFeed(l, events.Activity, events.Released())
	f.start()
	return f, l
}

func taken(t *testing.T, s *seat) (out []uint64) {
	t.Helper()
	for {
		m, err := s.take(context.Background(), 0)
		if err != nil {
			require.ErrorIs(t, err, nats.ErrTimeout)
			return out
		}
		out = append(out, m.sequence)
	}
}

func TestSeatGoesOnFromWhereItsReaderIs(t *testing.T) {
	t.Parallel()
	f, l := startedFeed(10)
	require.Nil(t, f.join(9), "the tenth is not held")
	early := f.join(10)
	l.deliver(11, 1)
	l.deliver(14, 1) // others are of no concern to the stream's readers
	l.deliver(15, 1)
	require.Equal(t, []uint64{11, 14, 15}, taken(t, early))
	require.Equal(t, []uint64{14, 15}, taken(t, f.join(11)))
	require.Equal(t, []uint64{14, 15}, taken(t, f.join(13)))
	ahead := f.join(16) // it read for itself what the feed gets only now
	require.Empty(t, taken(t, ahead))
	l.deliver(16, 1)
	l.deliver(17, 1)
	require.Equal(t, []uint64{17}, taken(t, ahead))
	require.Equal(t, []uint64{16, 17}, taken(t, early))
}

func TestNobodyJoinsAFeedThatMayMissSomething(t *testing.T) {
	t.Parallel()
	f, l := startedFeed(10)
	l.silent = true
	require.Nil(t, f.join(10))
	l.silent = false
	require.NotNil(t, f.join(10))
}

func TestFeedKeepsALittleForThoseWhoJoin(t *testing.T) {
	t.Parallel()
	f, l := startedFeed(0)
	for i := range uint64(10 * feedLate) {
		l.deliver(i+1, 1)
	}
	require.Less(t, len(f.held), 2*feedLate)
	require.Nil(t, f.join(0))
	require.Len(t, taken(t, f.join(9*feedLate)), feedLate)
}

func TestFeedKeepsWhatItsSlowestReaderNeeds(t *testing.T) {
	t.Parallel()
	f, l := startedFeed(0)
	slow, gone := f.join(0), f.join(0)
	for i := range uint64(feedMessages) {
		l.deliver(i+1, 1)
	}
	gone.leave()
	require.Len(t, taken(t, slow), feedMessages)
	for i := range uint64(feedMessages) + 1 {
		l.deliver(feedMessages+i+1, 1)
	}
	_, err := slow.take(context.Background(), time.Second)
	require.ErrorIs(t, err, errOverrun)
}

func TestFeedIsBoundedByBytes(t *testing.T) {
	t.Parallel()
	f, l := startedFeed(0)
	slow := f.join(0)
	for i := range uint64(20) {
		l.deliver(i+1, 1<<20)
	}
	require.LessOrEqual(t, f.bytes, feedBytes)
	require.Equal(t, uint64(20-len(f.held)), f.behind)
	_, err := slow.take(context.Background(), time.Second)
	require.ErrorIs(t, err, errOverrun)
}

func TestSeatWaits(t *testing.T) {
	t.Parallel()
	f, l := startedFeed(0)
	s := f.join(0)
	got := make(chan uint64)
	go func() {
		m, err := s.take(context.Background(), time.Minute)
		if err == nil {
			got <- m.sequence
		}
		close(got)
	}()
	l.deliver(1, 1)
	require.EqualValues(t, 1, <-got)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := s.take(ctx, time.Minute)
	require.ErrorIs(t, err, context.Canceled)
}

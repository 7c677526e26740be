package runtime_test

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/projections/activity"
	"github.com/rosterhq/roster/projections/internal/projtest"
	"github.com/rosterhq/roster/projections/runtime"
	"github.com/rosterhq/roster/projections/statistics"
)

// tap is a live reader of ACTIVITY that reads on when a test says so.
type tap struct {
	env *projtest.Env

	mu   sync.Mutex
	f    func(events.Stored)
	at   uint64
	lost bool
}

func (l *tap) SubscribeWhole(s events.Stream, f func(events.Stored)) func() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s == events.Activity {
		l.f = f
	}
	return func() {}
}

func (l *tap) Current(events.Stream) (uint64, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.at, !l.lost
}

// read delivers what the stream holds up to a sequence.
func (l *tap) read(to uint64) {
	l.env.TB.Helper()
	stream, err := l.env.JS.Stream(context.Background(), string(events.Activity))
	require.NoError(l.env.TB, err)
	for sequence := l.at + 1; sequence <= to; sequence++ {
		m, err := stream.GetMsg(context.Background(), sequence)
		require.NoError(l.env.TB, err)
		meta, err := events.DecodeMeta(events.Headers(m.Header))
		require.NoError(l.env.TB, err)
		l.mu.Lock()
		l.at = sequence
		l.f(events.Stored{
			Meta: meta, Stream: events.Activity, Sequence: sequence, Subject: m.Subject, Headers: events.Headers(m.Header), Data: m.Data,
		})
		l.mu.Unlock()
	}
}

// joined waits until no worker reads for itself any more.
func (l *tap) joined() {
	l.env.TB.Helper()
	l.env.Eventually("all read what the tap delivers", func() bool {
		stream, err := l.env.JS.Stream(context.Background(), string(events.Activity))
		return err == nil && stream.CachedInfo().State.Consumers == 0
	})
}

func tapped(t *testing.T) (*projtest.Env, *tap, *projtest.Running, []runtime.Projection) {
	t.Helper()
	e := projtest.New(t)
	l := &tap{env: e}
	e.Live = l
	models := []runtime.Projection{activity.Projection(), statistics.Projection()}
	r := e.Run(models...)
	last := e.AppendAll(projtest.NewHistory(1).Activities(5, 20))
	l.read(last)
	for _, p := range models {
		e.Await(p, last)
	}
	l.joined()
	return e, l, r, models
}

func TestWorkersAtTheEndShareOneReader(t *testing.T) {
	t.Parallel()
	e, l, r, models := tapped(t)
	h := projtest.NewHistory(2)
	var last uint64
	for range 5 {
		last = e.AppendAll(h.Activities(5, 30))
		l.read(last)
	}
	for _, p := range models {
		e.Await(p, last)
	}
	l.joined()
	shared := []string{e.Dump(models[0]), e.Dump(models[1])}
	r.Stop()

	alone := e.Connect() // once more from the start, each for itself
	for _, p := range models {
		_, err := alone.Exec(context.Background(), "drop schema "+p.Schema()+" cascade")
		require.NoError(t, err)
	}
	_, err := alone.Exec(context.Background(), "drop schema roster cascade")
	require.NoError(t, err)
	e.Live = nil
	e.Run(models...)
	for i, p := range models {
		e.Await(p, last)
		require.Equal(t, e.Dump(p), shared[i])
	}
}

// TestWorkersLeaveALiveReaderThatFellSilent lets the shared reader lose its
// connection, while the workers' own is well.
func TestWorkersLeaveALiveReaderThatFellSilent(t *testing.T) {
	t.Parallel()
	e, l, _, models := tapped(t)
	l.mu.Lock()
	l.lost = true
	l.mu.Unlock()
	last := e.AppendAll(projtest.NewHistory(2).Activities(5, 30))
	for _, p := range models {
		e.Await(p, last)
	}
	l.mu.Lock()
	l.lost = false
	l.mu.Unlock()
	l.read(last) // it delivers what the workers have already
	l.joined()
	last = e.AppendAll(projtest.NewHistory(3).Activities(5, 30))
	l.read(last)
	for _, p := range models {
		e.Await(p, last)
	}
	requireNothingParked(t, e.Connect())
}

func TestLogThatGoesBackStopsWorkersThatShareAReader(t *testing.T) {
	t.Parallel()
	e, _, r, models := tapped(t)
	require.NoError(t, e.JS.DeleteStream(context.Background(), string(events.Activity)))
	e.MakeStream(events.Activity)
	e.AppendAll(projtest.NewHistory(9).Activities(5, 40))
	e.Eventually("the projections are stopped", func() bool {
		states := r.States()
		return states[0].State == runtime.Stopped && states[1].State == runtime.Stopped
	})
	requireStopped(t, e, r, models[0])
}

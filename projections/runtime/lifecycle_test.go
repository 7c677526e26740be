package runtime_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/projections/activity"
	"github.com/rosterhq/roster/projections/internal/projtest"
	"github.com/rosterhq/roster/projections/runtime"
)

func TestStandbyTakesOver(t *testing.T) {
	t.Parallel()
	e := projtest.New(t)
	p, h := activity.Projection(), projtest.NewHistory(1)
	first := e.Run(p)
	e.Await(p, e.AppendAll(h.Activities(5, 20)))
	second := e.Start(p)
	<-second.Ready()
	require.Equal(t, runtime.Standby, second.States()[0].State)

	began := time.Now()
	first.Stop()
	e.Await(p, e.AppendAll(h.Activities(5, 20)))
	require.Equal(t, runtime.Active, second.States()[0].State)
	require.Less(t, time.Since(began), 5*time.Second)
}

func TestLogThatWentBackStopsTheProjection(t *testing.T) {
	t.Parallel()
	newLog := func(e *projtest.Env, n int) {
		require.NoError(e.TB, e.JS.DeleteStream(context.Background(), string(events.Activity)))
		e.MakeStream(events.Activity)
		if n > 0 {
			e.AppendAll(projtest.NewHistory(9).Activities(5, n))
		}
	}
	for name, breakLog := range map[string]func(*projtest.Env){
		"stream ends before the checkpoint": func(e *projtest.Env) { newLog(e, 5) },
		"another message is there":          func(e *projtest.Env) { newLog(e, 15) },
		"the stream is gone": func(e *projtest.Env) {
			require.NoError(e.TB, e.JS.DeleteStream(context.Background(), string(events.Activity)))
		},
		"the message is gone": func(e *projtest.Env) {
			stream, err := e.JS.Stream(context.Background(), string(events.Activity))
			require.NoError(e.TB, err)
			e.AppendAll(projtest.NewHistory(9).Activities(5, 1))
			require.NoError(e.TB, stream.DeleteMsg(context.Background(), 10))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := projtest.New(t)
			p := activity.Projection()
			running := e.Run(p)
			e.Await(p, e.AppendAll(projtest.NewHistory(1).Activities(5, 10)))
			running.Stop()
			before := e.Dump(p)
			breakLog(e)

			again := e.Start(p)
			<-again.Ready()
			requireStopped(t, e, again, p)
			require.Equal(t, before, e.Dump(p), "nothing was projected")
		})
	}
}

// TestLogThatGoesBackUnderARunningProjection replaces the log while a worker waits
// for its next message.
func TestLogThatGoesBackUnderARunningProjection(t *testing.T) {
	t.Parallel()
	e := projtest.New(t)
	p := activity.Projection()
	running := e.Run(p)
	e.Await(p, e.AppendAll(projtest.NewHistory(1).Activities(5, 10)))
	require.NoError(t, e.JS.DeleteStream(context.Background(), string(events.Activity)))
	e.MakeStream(events.Activity)
	e.AppendAll(projtest.NewHistory(2).Activities(5, 30))
	e.Eventually("the projection is stopped", func() bool { return running.States()[0].State == runtime.Stopped })
	requireStopped(t, e, running, p)
}

func requireStopped(t *testing.T, e *projtest.Env, r *projtest.Running, p runtime.Projection) {
	t.Helper()
	state := r.States()[0]
	require.Equal(t, runtime.Stopped, state.State)
	require.ErrorIs(t, state.Err, runtime.ErrWentBack)
	require.NotEmpty(t, e.Logs.FilterMessageSnippet("the log went back").All())
	e.Eventually("every process knows", func() bool {
		status, err := runtime.Status(context.Background(), e.Connect(), func(context.Context, events.Stream) (uint64, error) { return 0, nil },
			[]runtime.Projection{p})
		return err == nil && status[0].Stopped != ""
	})
}

// TestShutdownParksNothing stops in the middle of handlers that refuse everything
// once their context ended.
func TestShutdownParksNothing(t *testing.T) {
	t.Parallel()
	e := projtest.New(t)
	p := runtime.Projection{
		Name: "blocked", Version: 1, Stream: events.Activity,
		Handlers: []runtime.Handler{runtime.On(func(ctx context.Context, _ runtime.Queue, _ runtime.Event, _ *events.ActivityRecorded) error {
			<-ctx.Done()
			return errors.New("interrupted")
		})},
	}
	e.AppendAll(projtest.NewHistory(1).Activities(5, 10))
	running := e.Run(p)
	<-running.Ready()
	began := time.Now()
	running.Stop()
	require.Less(t, time.Since(began), 4*time.Second)
	requireNothingParked(t, e.Connect())
}

// TestOutageOfTheLogParksNothing lets the keyring fail for a while, as it does
// when the log can not be reached.
func TestOutageOfTheLogParksNothing(t *testing.T) {
	t.Parallel()
	e := projtest.New(t)
	p := activity.Projection()
	last := e.AppendAll(projtest.NewHistory(1).Activities(5, 10))
	e.Keys.Fail(events.ErrUnavailable)
	e.Run(p)
	e.Eventually("it was tried", func() bool { return e.Keys.Failures() > 2 })
	e.Keys.Fail(nil)
	e.Await(p, last)
	requireNothingParked(t, e.Connect())
}

func TestStatusFromOutside(t *testing.T) {
	t.Parallel()
	e := projtest.New(t)
	p := activity.Projection()
	m, err := runtime.NewMonitor(context.Background(), e.DSN, e.HeadFunc, []runtime.Projection{p})
	require.NoError(t, err)
	defer m.Close()
	running := e.Run(p)
	last := e.AppendAll(projtest.NewHistory(1).Activities(5, 10))
	e.Await(p, last)
	status, err := m.Status(context.Background())
	require.NoError(t, err)
	require.Len(t, status, 1)
	require.Equal(t, last, status[0].Checkpoint)
	require.Zero(t, status[0].Lag)
	require.True(t, status[0].Held)

	running.Stop()
	e.AppendAll(projtest.NewHistory(2).Activities(5, 7))
	e.Eventually("the lock is free", func() bool {
		status, err = m.Status(context.Background())
		return err == nil && !status[0].Held
	})
	require.EqualValues(t, 7, status[0].Lag)
}

func TestPrefixOfStreams(t *testing.T) {
	t.Parallel()
	e := projtest.New(t)
	_, err := e.JS.CreateStream(context.Background(), jetstream.StreamConfig{Name: "ACME_ACTIVITY", Subjects: []string{"acme.activity.>"}})
	require.NoError(t, err)
	rt, err := runtime.New(runtime.Config{
		NATS: e.NC, DSN: e.DSN, Keys: e.Keys, Projections: []runtime.Projection{activity.Projection()},
		StreamName: func(s events.Stream) string { return "ACME_" + string(s) },
	})
	require.NoError(t, err)
	e.Migrate(activity.Projection())
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- rt.Run(ctx) }()
	msg := e.Encode(projtest.NewHistory(1).Activity(projtest.UUID(1, 1)))
	msg.Subject = "acme." + msg.Subject
	_, err = e.JS.PublishMsg(ctx, msg)
	require.NoError(t, err)
	e.Await(activity.Projection(), 1)
	cancel()
	require.NoError(t, <-done)
}

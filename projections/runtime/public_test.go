package runtime_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/projections/internal/projtest"
	"github.com/rosterhq/roster/projections/runtime"
)

// TestAHandlerOfThePublicPartNeedsNoKey projects while no key can be had.
func TestAHandlerOfThePublicPartNeedsNoKey(t *testing.T) {
	t.Parallel()
	e := projtest.New(t)
	last := e.AppendAll(projtest.NewHistory(1).Activities(5, 20))
	e.Keys.Fail(events.ErrUnavailable)
	var private atomic.Int64
	p := runtime.Projection{
		Name: "public", Version: 1, Stream: events.Activity,
		Handlers: []runtime.Handler{runtime.OnPublic(func(_ context.Context, _ runtime.Queue, _ runtime.Event, a *events.ActivityRecorded) error {
			if a.Private.EntityTitle != "" {
				private.Add(1)
			}
			return nil
		})},
	}
	e.Run(p)
	e.Await(p, last)
	require.Zero(t, private.Load())
}

// TestAPatientProjectionGathers appends one event after the other, each well
// within the patience of the one before: they share a transaction.
func TestAPatientProjectionGathers(t *testing.T) {
	t.Parallel()
	e := projtest.New(t)
	p := runtime.Projection{
		Name: "patient", Version: 1, Stream: events.Activity, Patience: 2 * time.Second,
		Handlers: []runtime.Handler{runtime.OnPublic(func(context.Context, runtime.Queue, runtime.Event, *events.ActivityRecorded) error { return nil })},
	}
	<-e.Run(p).Ready()
	conn := e.Connect()
	_, err := conn.Exec(context.Background(), "listen roster_checkpoint")
	require.NoError(t, err)
	for _, d := range projtest.NewHistory(1).Activities(5, 20) {
		e.Append(d)
	}
	n, err := conn.WaitForNotification(context.Background())
	require.NoError(t, err)
	require.Equal(t, "patient_v1 20", n.Payload, "the first commit has them all")
}

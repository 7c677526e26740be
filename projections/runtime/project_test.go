package runtime_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/projections/activity"
	"github.com/rosterhq/roster/projections/internal/projtest"
	"github.com/rosterhq/roster/projections/runtime"
	"github.com/rosterhq/roster/projections/users"
)

func TestEventsBecomeRows(t *testing.T) {
	t.Parallel()
	e := projtest.New(t)
	h := projtest.NewHistory(1)
	last := e.AppendAll(h.Activities(10, 1500))
	p := activity.Projection()
	r := e.Run(p)
	<-r.Ready()
	e.Await(p, last)

	var rows, total int64
	err := e.Connect().QueryRow(context.Background(),
		`select (select count(*) from activity_v1.activities), (select sum(total) from activity_v1.activity_totals)`).Scan(&rows, &total)
	require.NoError(t, err)
	require.EqualValues(t, 1500, rows)
	require.EqualValues(t, 1500, total)
	require.Equal(t, runtime.Active, r.States()[0].State)
}

func TestUnconcernedMessagesMoveTheCheckpoint(t *testing.T) {
	t.Parallel()
	e := projtest.New(t)
	p := users.Projection()
	e.Run(p)
	for range 3 {
		_, err := e.JS.Publish(context.Background(), "roster.claim.email.abc", []byte("holder"))
		require.NoError(t, err)
	}
	e.Await(p, 3)
}

func TestMigrateTwiceAndTogether(t *testing.T) {
	t.Parallel()
	e := projtest.New(t)
	all := []runtime.Projection{users.Projection(), activity.Projection()}
	errs := make(chan error)
	for range 4 {
		go func() { errs <- runtime.Migrate(context.Background(), e.DSN, all) }()
	}
	for range 4 {
		require.NoError(t, <-errs)
	}
	began := time.Now()
	e.Migrate(all...)
	t.Logf("nothing to do: %v", time.Since(began))
}

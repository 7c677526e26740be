package app

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/eventlog"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/internal/testenv"
	"github.com/rosterhq/roster/query"
)

// TestAnErasureIsHeardOfByEveryProcess: two logs stand for two processes.
func TestAnErasureIsHeardOfByEveryProcess(t *testing.T) {
	t.Parallel()
	nc := testenv.NATS(t)
	var logs [2]*eventlog.Log
	for i := range logs {
		log, err := eventlog.Open(t.Context(), nc, eventlog.Options{MasterKey: testenv.MasterKey()})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, log.Close(context.Background())) })
		logs[i] = log
	}
	one, other := logs[0], logs[1]
	service, err := commands.NewService(t.Context(), commands.Config{Log: one, Clock: time.Now})
	require.NoError(t, err)
	tail, err := query.OpenTail(t.Context(), other, zap.NewNop())
	require.NoError(t, err)
	t.Cleanup(tail.Close)
	forgetErased(tail, other)

	system := commands.Request{Actor: commands.Actor{UserID: commands.SystemActor}}
	grace, err := service.Register(t.Context(), system, commands.Register{Username: "grace"})
	require.NoError(t, err)
	alan, err := service.Register(t.Context(), system, commands.Register{Username: "alan"})
	require.NoError(t, err)
	for _, id := range []string{grace.User.ID, alan.User.ID} {
		_, err = other.DataKey(t.Context(), id)
		require.NoError(t, err)
	}
	_, err = service.Erase(t.Context(), system, grace.User.ID)
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		_, err := other.DataKey(t.Context(), grace.User.ID)
		return err != nil
	}, 20*time.Second, time.Millisecond)
	_, err = other.DataKey(t.Context(), grace.User.ID)
	require.ErrorIs(t, err, events.ErrErased)
	_, err = other.DataKey(t.Context(), alan.User.ID)
	require.NoError(t, err)
}

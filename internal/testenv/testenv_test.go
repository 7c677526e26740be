package testenv_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

func TestEachTestGetsItsOwnDatabase(t *testing.T) {
	t.Parallel()
	for range 2 {
		conn, err := pgx.Connect(t.Context(), testenv.Postgres(t))
		require.NoError(t, err)
		_, err = conn.Exec(t.Context(), "create table once (id int)")
		require.NoError(t, err)
		require.NoError(t, conn.Close(t.Context()))
	}
}

func TestEachTestGetsItsOwnNATS(t *testing.T) {
	t.Parallel()
	for range 2 {
		storeOne(t, testenv.NATS(t), 1)
	}
}

func TestClusterKeepsThreeReplicas(t *testing.T) {
	t.Parallel()
	storeOne(t, testenv.NATSCluster(t)[0], 3)
}

// storeOne fails unless the server was empty.
func storeOne(t *testing.T, nc *nats.Conn, replicas int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	_, err = js.CreateStream(ctx, jetstream.StreamConfig{
		Name: "S", Subjects: []string{"s.>"}, Replicas: replicas, AllowAtomicPublish: true,
	})
	require.NoError(t, err)
	ack, err := js.Publish(ctx, "s.1", []byte("one"))
	require.NoError(t, err)
	require.Equal(t, uint64(1), ack.Sequence)
}

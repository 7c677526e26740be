package natsserver_test

import (
	"net"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/rosterhq/roster/internal/natsserver"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func start(t *testing.T, o natsserver.Options) (*natsserver.Server, *nats.Conn) {
	t.Helper()
	s, err := natsserver.Start(o)
	require.NoError(t, err)
	t.Cleanup(s.Stop)
	nc, err := s.Connect()
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	return s, nc
}

func TestStreamsSurviveARestart(t *testing.T) {
	t.Parallel()
	for _, sync := range []bool{true, false} {
		dir := t.TempDir()
		s, nc := start(t, natsserver.Options{Dir: dir, Sync: sync})
		require.Empty(t, s.URL())
		js, err := jetstream.New(nc)
		require.NoError(t, err)
		_, err = js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}})
		require.NoError(t, err)
		_, err = js.Publish(t.Context(), "s", []byte("kept"))
		require.NoError(t, err)
		nc.Close()
		s.Stop()

		_, nc = start(t, natsserver.Options{Dir: dir, Sync: sync})
		js, err = jetstream.New(nc)
		require.NoError(t, err)
		stream, err := js.Stream(t.Context(), "S")
		require.NoError(t, err)
		msg, err := stream.GetMsg(t.Context(), 1)
		require.NoError(t, err)
		require.Equal(t, "kept", string(msg.Data))
	}
}

func TestListenerWantsItsCredentials(t *testing.T) {
	t.Parallel()
	s, nc := start(t, natsserver.Options{Dir: t.TempDir(), Listen: "127.0.0.1:0"})
	require.NoError(t, nc.Flush())
	in, err := nats.Connect(s.URL())
	require.NoError(t, err)
	in.Close()
	u, err := url.Parse(s.URL())
	require.NoError(t, err)
	_, err = nats.Connect("nats://" + u.Host)
	require.ErrorIs(t, err, nats.ErrAuthorization)
}

func TestListenAddressesThatAreRefused(t *testing.T) {
	t.Parallel()
	for _, addr := range []string{"0.0.0.0:4222", "example.com:4222", "127.0.0.1", "127.0.0.1:x", ":4222", "127.0.0.1:99999"} {
		_, err := natsserver.Start(natsserver.Options{Dir: t.TempDir(), Listen: addr})
		require.Error(t, err, addr)
	}
}

func TestBusyPortIsReportedNotFatal(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	_, err = natsserver.Start(natsserver.Options{Dir: t.TempDir(), Listen: l.Addr().String()})
	require.ErrorContains(t, err, "address already in use")
}

// The configuration for production is read by the server's own parser.
func TestDeployedConfigurationIsRight(t *testing.T) {
	for _, user := range []string{"API", "PROJECTOR", "READER", "OPERATOR", "SYSTEM"} {
		t.Setenv("NATS_"+user+"_PASSWORD", `"12e4"`)
	}
	path := filepath.Join("..", "..", "deploy", "nats", "nats.conf")
	_, err := os.Stat(path)
	require.NoError(t, err)
	o, err := server.ProcessConfigFile(path)
	require.NoError(t, err)
	require.True(t, o.JetStream && o.SyncAlways)
	require.Equal(t, 200, o.JetStreamLimits.MaxBatchInflightPerStream)
	require.Len(t, o.Users, 5)
	for _, u := range o.Users {
		require.Equal(t, "12e4", u.Password)
	}
}

package natsserver

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
	"github.com/synadia-io/orbit.go/jetstreamext"
	"golang.org/x/sys/unix"
)

// TestBatchesAreSpread: where the file system has no journal the folder of the batches
// is marked and stays so; elsewhere nothing is touched; batches work in both cases.
func TestBatchesAreSpread(t *testing.T) {
	t.Parallel()
	s, err := Start(Options{Dir: t.TempDir(), Sync: true})
	require.NoError(t, err)
	t.Cleanup(s.Stop)
	nc, err := s.Connect()
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	_, err = js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s.>"}, AllowAtomicPublish: true})
	require.NoError(t, err)
	require.NoError(t, s.SpreadBatches())
	require.NoError(t, s.SpreadBatches(), "again")
	dir := filepath.Join(s.ns.JetStreamConfig().StoreDir, "$G", "streams", "S")
	if !lacksJournal(dir) {
		require.NoDirExists(t, filepath.Join(dir, "batches"))
	}

	for round := range 3 {
		var batch []*nats.Msg
		for i := range 10 {
			batch = append(batch, &nats.Msg{Subject: "s." + strconv.Itoa(i), Data: []byte("x"), Header: nats.Header{}})
		}
		done, err := jetstreamext.PublishMsgBatch(t.Context(), js, batch)
		require.NoError(t, err)
		require.EqualValues(t, 10*(round+1), done.Sequence)
	}
	if !lacksJournal(dir) {
		return
	}
	folder, err := os.Open(filepath.Join(dir, "batches"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = folder.Close() })
	flags, err := unix.IoctlGetInt(int(folder.Fd()), unix.FS_IOC_GETFLAGS)
	require.NoError(t, err)
	require.NotZero(t, flags&topOfHierarchy)
}

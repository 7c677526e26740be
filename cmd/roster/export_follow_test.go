package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
	"github.com/rosterhq/roster/cmd/roster/internal/client"
	"github.com/rosterhq/roster/cmd/roster/internal/exporter"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/export"
)

// wire is a connection between a client and a server that can be cut.
type wire struct {
	listener net.Listener
	to       string
	limit    atomic.Int64 // how many bytes of answers may pass; then it is cut
	away     atomic.Bool  // what comes is turned away
	refused  atomic.Int64
	cuts     atomic.Int64
	open     sync.WaitGroup
}

func newWire(t *testing.T, server string) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	w := &wire{listener: l, to: strings.TrimPrefix(server, "http://")}
	w.limit.Store(1 << 40)
	w.open.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			w.open.Go(func() { w.serve(c) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		w.open.Wait()
	})
	return w
}

func (w *wire) serve(c net.Conn) {
	defer func() { _ = c.Close() }()
	if w.away.Load() {
		w.refused.Add(1)
		return
	}
	server, err := net.Dial("tcp", w.to)
	if err != nil {
		return
	}
	var up sync.WaitGroup
	up.Go(func() {
		_, _ = io.Copy(server, c)
		_ = server.Close()
	})
	defer up.Wait()
	defer func() { _ = c.Close() }()
	defer func() { _ = server.Close() }()
	w.down(c, server)
}

// down hands on answers in small pieces, as far as they may pass.
func (w *wire) down(c io.Writer, server io.Reader) {
	piece := make([]byte, 97)
	for {
		n, err := server.Read(piece)
		if n > 0 {
			if w.limit.Add(-int64(n)) < 0 {
				w.cuts.Add(1)
				return
			}
			if _, err := c.Write(piece[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// allOnce fails unless an NDJSON export is whole: each event of the log once, in the
// file of its day, and files, counts and hashes as the manifest says.
func allOnce(t *testing.T, s *apitest.System, dir string) {
	t.Helper()
	m := exportManifest(t, dir)
	byType, all := logged(t, s)
	require.Equal(t, all, m.Events)
	require.Equal(t, byType, m.Types)
	asTheManifestSays(t, dir, m)
}

// asTheManifestSays fails unless the files of an NDJSON export are what its manifest says.
func asTheManifestSays(t *testing.T, dir string, m *export.Manifest) {
	t.Helper()
	eachOnce(t, dir, m)
	var sum int64
	for _, f := range m.Files {
		text, err := os.ReadFile(filepath.Join(dir, f.Path))
		require.NoError(t, err)
		hash := sha256.Sum256(text)
		require.Equal(t, hex.EncodeToString(hash[:]), f.SHA256, f.Path)
		require.EqualValues(t, len(text), f.Bytes, f.Path)
		require.EqualValues(t, strings.Count(string(text), "\n"), f.Events, f.Path)
		sum += f.Events
	}
	require.Equal(t, m.Events, sum)
}

// A process that follows is killed again and again, at whatever it is.
func TestAnExportThatFollowsIsKilled(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	dir := filepath.Join(t.TempDir(), "export")
	reached := func() int64 {
		if _, err := os.Stat(filepath.Join(dir, "manifest.json")); err != nil {
			return 0
		}
		return exportManifest(t, dir).Events
	}
	for round := range 3 {
		before := reached()
		p := newProgram(t, []string{"ROSTER_SERVER=" + s.URL, "ROSTER_TOKEN=" + owner.Token}, "export", "--out", dir, "--format", "ndjson", "--follow")
		owner.NewUser(fmt.Sprint("user-", round))
		require.NoError(t, p.Start())
		if round != 1 { // once it is killed wherever it is
			require.Eventually(t, func() bool { return reached() > before }, 20*time.Second, 5*time.Millisecond)
		}
		owner.NewUser(fmt.Sprint("more-", round))
		require.NoError(t, p.Process.Kill())
		p.code(t)
		if reached() > 0 {
			asTheManifestSays(t, dir, exportManifest(t, dir))
		}
	}
	settled(t, owner)
	exportedAll(t, s, owner.Token, dir, "--format", "ndjson")
	allOnce(t, s, dir)
}

// An export that follows outlives its connection, and a server that is away for longer
// than any request is tried.
func TestAnExportThatFollowsComesBack(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	w := newWire(t, s.URL)
	api, err := client.New(client.Config{
		Server: "http://" + w.listener.Addr().String(), Token: owner.Token,
		Pause: func(ctx context.Context, _ time.Duration) bool { return ctx.Err() == nil },
	})
	require.NoError(t, err)
	t.Cleanup(api.Close)
	dir := filepath.Join(t.TempDir(), "export")
	into, err := export.Open(export.Options{Dir: dir, Form: export.NDJSON, Catalogue: events.Released()})
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan error, 1)
	go func() {
		ended <- exporter.Run(ctx, exporter.Options{
			Server: api, Into: into, Follow: true, Every: 10 * time.Millisecond,
			Progress: func(events.Stream, uint64, uint64) {}, Notice: func(string) {},
		})
	}()
	caughtUp := func() {
		t.Helper()
		settled(t, owner)
		require.Eventually(t, func() bool {
			_, all := logged(t, s)
			_, err := os.Stat(filepath.Join(dir, "manifest.json"))
			return err == nil && exportManifest(t, dir).Events == all
		}, 20*time.Second, 10*time.Millisecond)
		require.Empty(t, ended, "it goes on")
	}
	caughtUp()
	for round, pass := range []int64{50, 777, 1500} { // within a head, within lines
		cuts := w.cuts.Load()
		w.limit.Store(pass)
		owner.NewUser(fmt.Sprint("cut-", round))
		require.Eventually(t, func() bool { return w.cuts.Load() > cuts }, 20*time.Second, time.Millisecond)
		w.limit.Store(1 << 40)
		caughtUp()
	}
	w.away.Store(true)
	w.limit.Store(0)
	owner.NewUser("unseen")
	require.Eventually(t, func() bool { return w.refused.Load() > 20 }, 20*time.Second, time.Millisecond)
	w.limit.Store(1 << 40)
	w.away.Store(false)
	owner.NewUser("seen")
	caughtUp()
	stop()
	require.ErrorIs(t, <-ended, context.Canceled)
	require.NoError(t, into.Close())
	allOnce(t, s, dir)
}

package main

import (
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/internal/app"
	"github.com/rosterhq/roster/internal/config"
	"github.com/rosterhq/roster/internal/natsserver"
)

// outside is what an installation with a NATS server elsewhere is set to.
func outside(t *testing.T, nats, master, dir string) config.API {
	t.Helper()
	settings := map[string]string{
		"ROSTER_HTTP_ADDR": "127.0.0.1:0", "ROSTER_DATA_DIR": dir, "ROSTER_RATE_LIMITS": "off",
		"ROSTER_NATS_URL": nats, "ROSTER_MASTER_KEY": master,
	}
	c, err := config.ReadAPI(config.Input{
		Lookup: func(name string) (string, bool) { v, ok := settings[name]; return v, ok }, Out: io.Discard, Name: "api",
	})
	require.NoError(t, err)
	return c
}

// TestARestoreThatIsKilledIsBegunAnew restores into a NATS server elsewhere, and is
// killed at one moment after the other until nothing is left to do.
func TestARestoreThatIsKilledIsBegunAnew(t *testing.T) {
	t.Parallel()
	old := startIn(t, newDir(t))
	token := old.enter(t)
	kept := filepath.Join(t.TempDir(), "archive")
	keep := func() {
		code, _, complained := old.roster(t, token, "archive", "--out", kept)
		require.Zero(t, code, complained)
	}
	old.register(t, token, "grace")
	old.record(t, token, "T-1", "A first ticket")
	old.register(t, token, "linus")
	linus := old.call(t, http.StatusOK, http.MethodGet, "/v1/users/linus", token, "")["id"].(string)
	keep()
	code, _, complained := old.roster(t, token, "erase", "linus", "--yes")
	require.Zero(t, code, complained)
	old.record(t, token, "T-2", "A second ticket")
	require.Eventually(t, func() bool { return len(old.feed(t, token, "grace")) == 3 }, 20*time.Second, 20*time.Millisecond)
	keep()
	feed, head := old.feed(t, token, "grace"), old.head(t, token, events.Activity).String()
	var tailed []string
	require.Eventually(t, func() bool { // the feed learns of an erasure by a reaction
		tailed = old.tail(t, token, "earliest", head)
		return !strings.Contains(strings.Join(tailed, "\n"), "linus")
	}, 20*time.Second, 50*time.Millisecond)
	old.stop(t)

	master, err := os.ReadFile(filepath.Join(old.dir, "master.key"))
	require.NoError(t, err)
	server, err := natsserver.Start(natsserver.Options{Dir: t.TempDir(), Listen: "127.0.0.1:0"})
	require.NoError(t, err)
	t.Cleanup(server.Stop)
	nats, dir := server.URL(), newDir(t)
	through, err := url.Parse(nats)
	require.NoError(t, err)
	w := newWire(t, "http://"+through.Host)
	through.Host = w.listener.Addr().String()
	settings := []string{
		"ROSTER_NATS_URL=" + through.String(), "ROSTER_DATA_DIR=" + dir,
		"ROSTER_MASTER_KEY=" + strings.TrimSpace(string(master)),
	}
	killed := 0
	for pass := int64(2500); ; pass *= 2 {
		cuts := w.cuts.Load()
		w.limit.Store(pass)
		p := newProgram(t, settings, "restore", "--archive", kept)
		require.NoError(t, p.Start())
		ended := make(chan int, 1)
		go func() { ended <- p.code(t) }()
		require.Eventually(t, func() bool { return len(ended) > 0 || w.cuts.Load() > cuts }, 20*time.Second, time.Millisecond)
		if w.cuts.Load() == cuts {
			require.Zero(t, <-ended, p.err.String())
			require.Contains(t, p.out.String(), "restored ")
			break
		}
		_ = p.Process.Kill() // it may have ended by itself
		<-ended
		killed++
		if killed == 2 {
			_, err := app.StartAPI(t.Context(), outside(t, nats, strings.TrimSpace(string(master)), dir), zap.NewNop())
			require.ErrorContains(t, err, "restore", "no server starts on the half of a log")
		}
	}
	require.GreaterOrEqual(t, killed, 3)

	api, err := app.StartAPI(t.Context(), outside(t, nats, strings.TrimSpace(string(master)), dir), zap.NewNop())
	require.NoError(t, err)
	again := &installation{dir: dir, api: api, http: &http.Client{Transport: &http.Transport{}}}
	t.Cleanup(func() { again.stop(t) })
	require.Eventually(t, func() bool { return strings.Join(again.feed(t, token, "grace"), "\n") == strings.Join(feed, "\n") },
		20*time.Second, 50*time.Millisecond, "a session goes on, at the same positions")
	last, _, _ := strings.Cut(tailed[len(tailed)-2], " ")
	require.Equal(t, tailed[len(tailed)-1:], again.tail(t, token, last, head), "a client comes back behind the last that it has")
	require.Equal(t, tailed, again.tail(t, token, "a0", head), "titles can be read")
	left := again.call(t, http.StatusOK, http.MethodGet, "/v1/users/"+linus, token, "")
	require.Equal(t, "deleted", left["status"])
	require.Empty(t, left["username"])
	again.login(t, "grace")
	code, said, complained := again.roster(t, token, "verify", "--archive", kept)
	require.Zero(t, code, complained)
	require.Contains(t, said, "log: ROSTER is as archived")
	require.NotContains(t, said, "DIFFERS")
}

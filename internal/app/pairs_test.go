package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/internal/natsserver"
	"github.com/rosterhq/roster/internal/testenv"
)

// Pairs of a write and a read that are made in all, by so many clients.
// ROSTER_TEST_PAIRS asks for more of them, from 32 clients.
const (
	fewPairs, fewClients = 400, 8
	manyClients          = 32
)

func pairsAndClients(t *testing.T) (pairs, clients int) {
	t.Helper()
	text := os.Getenv("ROSTER_TEST_PAIRS")
	if text == "" {
		return fewPairs, fewClients
	}
	pairs, err := strconv.Atoi(text)
	require.NoError(t, err)
	return pairs, manyClients
}

// installation is two api processes and a projector on servers of the operator's.
type installation struct {
	one, other, projector *running
	broker                *natsserver.Server
	dsn, token            string
}

func install(t *testing.T) *installation {
	t.Helper()
	broker, err := natsserver.Start(natsserver.Options{Dir: t.TempDir(), Listen: "127.0.0.1:0", Sync: true})
	require.NoError(t, err)
	t.Cleanup(broker.Stop)
	in := &installation{broker: broker, dsn: testenv.Postgres(t)}
	shared := environment(
		"ROSTER_NATS_URL="+broker.URL(), "DATABASE_URL="+in.dsn,
		fmt.Sprintf("ROSTER_MASTER_KEY=%x", testenv.MasterKey()), "ROSTER_PROJECTORS=off",
	)
	for _, p := range []struct {
		into **running
		name string
	}{{&in.one, "api"}, {&in.other, "api"}, {&in.projector, "projector"}} {
		cmd := exec.Command(program(p.name))
		cmd.Env = shared
		*p.into = launch(t, cmd)
	}
	for _, r := range []*running{in.one, in.other, in.projector} {
		r.awaitReady(t)
	}
	in.token = in.one.enter(t)
	return in
}

// exchange makes a request with a minimum position and returns the answer's headers too.
func (r *running) exchange(c *http.Client, method, path, token, body, least string) (int, []byte, http.Header, error) {
	req, err := http.NewRequest(method, r.url+path, strings.NewReader(body))
	if err != nil {
		return 0, nil, nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+token)
	if least != "" {
		req.Header.Set("Roster-Min-Position", least)
	}
	res, err := c.Do(req)
	if err != nil {
		return 0, nil, nil, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	return res.StatusCode, answer, res.Header, err
}

// user makes a user and returns its path.
func (in *installation) user(t *testing.T, name string) string {
	t.Helper()
	answer := in.one.must(t, http.StatusCreated, http.MethodPost, "/v1/users", in.token, fmt.Sprintf(`{"username":%q}`, name))
	var u struct{ ID string }
	require.NoError(t, json.Unmarshal([]byte(answer), &u))
	return "/v1/users/" + u.ID
}

// pair is one change and the read after it. It returns what was wrong.
func (in *installation) pair(c *http.Client, write, read *running, path, name string, least bool) error {
	status, answer, header, err := write.exchange(c, http.MethodPatch, path, in.token, fmt.Sprintf(`{"name":%q}`, name), "")
	if err != nil || status != http.StatusOK {
		return fmt.Errorf("write: %d %s %w", status, answer, err)
	}
	position := header.Get("Roster-Position")
	if !least {
		position = ""
	}
	status, answer, header, err = read.exchange(c, http.MethodGet, path, in.token, "", position)
	if err != nil || status != http.StatusOK {
		return fmt.Errorf("read: %d %s %w", status, answer, err)
	}
	var u struct{ Name string }
	if err := json.Unmarshal(answer, &u); err != nil {
		return err
	}
	if stale := header.Get("Roster-Stale"); u.Name != name || stale != "" {
		return fmt.Errorf("wrote %q, read %q, Roster-Stale %q", name, u.Name, stale)
	}
	return nil
}

// pairs makes them all and returns how many were stale.
func (in *installation) pairs(t *testing.T, write, read *running, least bool) (stale int64) {
	t.Helper()
	pairs, clients := pairsAndClients(t)
	paths := make([]string, clients)
	for i := range paths {
		paths[i] = in.user(t, fmt.Sprintf("user-%d-%t", i, least))
	}
	c := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: clients}}
	defer c.CloseIdleConnections()
	var next, wrong atomic.Int64
	var all sync.WaitGroup
	began := time.Now()
	for i := range clients {
		all.Go(func() {
			for n := next.Add(1); n <= int64(pairs); n = next.Add(1) {
				if err := in.pair(c, write, read, paths[i], fmt.Sprint("name ", n), least); err != nil {
					wrong.Add(1)
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	t.Logf("%d pairs from %d clients in %s, %d stale", pairs, clients, time.Since(began).Round(time.Millisecond), wrong.Load())
	return wrong.Load()
}

func TestWhatWasWrittenIsReadElsewhere(t *testing.T) {
	t.Parallel()
	in := install(t)
	require.Zero(t, in.pairs(t, in.one, in.other, true), "on the other process, with Roster-Min-Position")
	require.Zero(t, in.pairs(t, in.one, in.one, false), "on the same process, without")
	metrics := in.one.must(t, http.StatusOK, http.MethodGet, "/metrics", "", "")
	require.Contains(t, metrics, `roster_tail_current{stream="ACTIVITY"} `)
	require.NotContains(t, metrics, "roster_read_cache_bytes 0\n")
	in.revocation(t)
	in.withoutBroker(t)
}

// revocation: refused at once where it was made, elsewhere once it is delivered.
func (in *installation) revocation(t *testing.T) {
	t.Helper()
	path := in.user(t, "revoked")
	answer := in.one.must(t, http.StatusCreated, http.MethodPost, path+"/keys", in.token, `{"name":"ci","scopes":["all"]}`)
	var key struct{ ID, Token string }
	require.NoError(t, json.Unmarshal([]byte(answer), &key))
	require.NotEmpty(t, key.Token, answer)
	for range 3 {
		in.one.must(t, http.StatusOK, http.MethodGet, path, key.Token, "")
	}
	sees(t, in.other, "revoked", key.Token, "the key works elsewhere too")
	status, _, header, err := in.one.exchange(http.DefaultClient, http.MethodDelete, path+"/keys/"+key.ID, in.token, "", "")
	require.NoError(t, err)
	require.Less(t, status, 300)
	in.one.must(t, http.StatusUnauthorized, http.MethodGet, path, key.Token, "")
	status, _, _, err = in.other.exchange(http.DefaultClient, http.MethodGet, path, key.Token, "", header.Get("Roster-Position"))
	require.NoError(t, err)
	require.Equal(t, http.StatusUnauthorized, status)
	in.other.must(t, http.StatusUnauthorized, http.MethodGet, path, key.Token, "")
}

// withoutBroker: nothing proves that memory is current, so PostgreSQL is asked.
func (in *installation) withoutBroker(t *testing.T) {
	t.Helper()
	path := in.user(t, "quiet")
	sees(t, in.other, "quiet", in.token, "before the broker goes")
	for range 3 {
		in.other.must(t, http.StatusOK, http.MethodGet, path, in.token, "")
	}
	in.broker.Stop()
	conn, err := pgx.Connect(context.Background(), in.dsn)
	require.NoError(t, err)
	defer conn.Close(context.Background())
	_, err = conn.Exec(context.Background(), "update users_v2.users set name = 'from PostgreSQL' where username = 'quiet'")
	require.NoError(t, err)
	for _, r := range []*running{in.one, in.other} {
		require.Eventually(t, func() bool {
			return strings.Contains(r.must(t, http.StatusOK, http.MethodGet, path, in.token, ""), "from PostgreSQL")
		}, 10*time.Second, 10*time.Millisecond, "memory is not trusted for ever")
	}
}

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

// killable is the server as a process of its own, on a data directory that outlives
// it, behind an address that stays the same.
type killable struct {
	t       *testing.T
	program string
	dir     string
	cmd     *exec.Cmd
	target  atomic.Pointer[url.URL]
	front   *httptest.Server
	http    *http.Client
}

func newKillable(t *testing.T) *killable {
	t.Helper()
	k := &killable{t: t, program: filepath.Join(t.TempDir(), "api"), dir: newDir(t), http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}}}
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", k.program, "../api").CombinedOutput()
	require.NoError(t, err, "%s", out)
	k.front = httptest.NewServer(&httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(k.target.Load()) },
		Transport: k.http.Transport,
		// A connection to a dead process breaks, and says nothing.
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	})
	t.Cleanup(k.http.CloseIdleConnections)
	t.Cleanup(k.front.Close)
	t.Cleanup(func() { k.end(syscall.SIGTERM) })
	k.start()
	return k
}

var readyLine = regexp.MustCompile(`(?:ready after .*|"health":")(http://127\.0\.0\.1:\d+)`)

// start starts the process and waits until it serves.
func (k *killable) start() {
	k.t.Helper()
	cmd := exec.Command(k.program)
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "ROSTER_") && !strings.HasPrefix(kv, "DATABASE_URL=") {
			cmd.Env = append(cmd.Env, kv)
		}
	}
	cmd.Env = append(cmd.Env, "ROSTER_HTTP_ADDR=127.0.0.1:0", "ROSTER_RATE_LIMITS=off", "ROSTER_DATA_DIR="+k.dir)
	reader, writer, err := os.Pipe()
	require.NoError(k.t, err)
	cmd.Stdout, cmd.Stderr = writer, writer
	require.NoError(k.t, cmd.Start())
	require.NoError(k.t, writer.Close())
	k.cmd = cmd
	ready := make(chan string, 1)
	go func() {
		defer func() { _ = reader.Close() }()
		lines := bufio.NewScanner(reader)
		for lines.Scan() {
			if m := readyLine.FindStringSubmatch(lines.Text()); m != nil && cap(ready) > len(ready) {
				ready <- m[1]
			}
		}
		close(ready)
	}()
	address, ok := <-ready
	require.True(k.t, ok, "it ended before it was ready")
	target, err := url.Parse(address)
	require.NoError(k.t, err)
	k.target.Store(target)
}

// end ends the process by a signal and waits until it is gone.
func (k *killable) end(signal syscall.Signal) {
	if k.cmd == nil {
		return
	}
	_ = k.cmd.Process.Signal(signal)
	_ = k.cmd.Wait()
	k.cmd = nil
}

// ask makes a request through the front.
func (k *killable) ask(method, path, token, body string) (status int, answer []byte, err error) {
	req, err := http.NewRequestWithContext(k.t.Context(), method, k.front.URL+path, strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := k.http.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = res.Body.Close() }()
	answer, err = io.ReadAll(res.Body)
	return res.StatusCode, answer, err
}

// get reads an object that must be there.
func (k *killable) get(path, token string, v any) error {
	status, answer, err := k.ask(http.MethodGet, path, token, "")
	if err != nil {
		return err
	}
	if status != http.StatusOK {
		return fmt.Errorf("%s: %d %s", path, status, answer)
	}
	return json.Unmarshal(answer, v)
}

// mover is one of those who move in.
type mover struct {
	ID          string    `json:"id"`
	Number      int64     `json:"number,omitempty"` // 0: the next own one
	Username    string    `json:"username"`
	Email       string    `json:"email"`
	Keys        []moveKey `json:"keys"`
	ReadableKey string    `json:"readableKey"`
}

type moveKey struct {
	Token string `json:"token"`
}

// moverNumber makes the i-th of those who move in; each other one has a number of
// before.
func moverNumber(i int) mover {
	m := mover{
		ID: uuid.NewSHA1(uuid.NameSpaceOID, fmt.Append(nil, i)).String(), Username: fmt.Sprint("u", i), Email: fmt.Sprintf("u%d@example.com", i),
		Keys: []moveKey{{Token: fmt.Sprintf("a-key-of-another-system-%d", i)}}, ReadableKey: fmt.Sprintf("%064x", i+1),
	}
	if i%2 == 0 {
		m.Number = int64(1_000_000 - i)
	}
	return m
}

// stranger would take one thing of the i-th: a name, an address, a number, a key.
func stranger(i int) mover {
	of := moverNumber(i)
	s := mover{ID: uuid.NewSHA1(uuid.NameSpaceURL, fmt.Append(nil, i)).String(), Username: fmt.Sprint("stranger", i)}
	switch {
	case i%5 == 0:
		s.Username = of.Username
	case i%5 == 1:
		s.Email = strings.ToUpper(of.Email)
	case i%5 == 2 && of.Number > 0:
		s.Number = of.Number
	case i%5 == 3:
		s.Keys = of.Keys
	default:
		s.ReadableKey = of.ReadableKey
	}
	return s
}

func moverLines(t *testing.T, n int, one func(int) mover) []string {
	t.Helper()
	lines := make([]string, n)
	for i := range lines {
		raw, err := json.Marshal(one(i))
		require.NoError(t, err)
		lines[i] = string(raw)
	}
	return lines
}

// moving is an import that is under way.
type moving struct {
	interrupt context.CancelFunc
	ended     chan struct{}
	code      int
	out, err  string
}

func (k *killable) move(token, file string) *moving {
	ctx, interrupt := context.WithCancel(k.t.Context())
	m := &moving{interrupt: interrupt, ended: make(chan struct{})}
	go func() {
		defer close(m.ended)
		m.code, m.out, m.err = roster(ctx, "import", "users", "--server", k.front.URL, "--token", token, file)
	}()
	k.t.Cleanup(func() { interrupt(); <-m.ended })
	return m
}

// killAt kills the process once a user is there, while others are on their way.
func (k *killable) killAt(m *moving, token, username string) {
	k.t.Helper()
	require.Eventually(k.t, func() bool {
		status, _, err := k.ask(http.MethodGet, "/v1/users/"+username, token, "")
		return err == nil && status == http.StatusOK
	}, time.Minute, time.Millisecond)
	k.end(syscall.SIGKILL)
	select {
	case <-m.ended:
		require.Fail(k.t, "the import was over before the process died", m.out)
	default:
	}
}

// TestMovingInWhileTheServerIsKilled kills the server amid an import by kill -9, twice:
// once the command is run again, once the same run goes on. In the end everybody is
// there, once, with all that is theirs.
func TestMovingInWhileTheServerIsKilled(t *testing.T) {
	t.Parallel()
	const people = 4000
	k := newKillable(t)
	token := k.firstUser()
	file := writeUsers(t, moverLines(t, people, moverNumber)...)

	m := k.move(token, file)
	k.killAt(m, token, "u1200")
	m.interrupt()
	<-m.ended
	require.Equal(t, exitInterrupted, m.code, m.err)
	k.start()

	m = k.move(token, file)
	k.killAt(m, token, "u3300")
	k.start()
	<-m.ended
	require.Zero(t, m.code, m.err)
	var created, unchanged int
	_, err := fmt.Sscanf(m.out, "imported %d new, %d unchanged, 0 refused", &created, &unchanged)
	require.NoError(t, err, m.out)
	require.Equal(t, people, created+unchanged)
	require.Positive(t, unchanged, "who came before the first kill is there")
	require.Positive(t, created, "the first kill was amid the import")

	before := k.registrations(token)
	m = k.move(token, file)
	<-m.ended
	require.Contains(t, m.out, fmt.Sprintf("imported 0 new, %d unchanged, 0 refused in ", people))
	require.Equal(t, before, k.registrations(token), "the last run wrote nothing")
	require.Len(t, before, people+1)
	for subject, n := range before {
		require.Equal(t, 1, n, "%s was registered again", subject)
	}
	k.everybodyIsThereOnce(token, people)
	k.keysAreGood(people)
	strangers := k.move(token, writeUsers(t, moverLines(t, people, stranger)...))
	<-strangers.ended
	require.Contains(t, strangers.out, fmt.Sprintf("imported 0 new, 0 unchanged, %d refused in ", people), "nothing of anybody's is free")
}

func (k *killable) firstUser() (token string) {
	k.t.Helper()
	user := `{"email":"ada@example.com","username":"ada","password":"` + somePassword + `"}`
	status, answer, err := k.ask(http.MethodPost, "/api/v2/users/first", "", user)
	require.NoError(k.t, err)
	require.Equal(k.t, http.StatusCreated, status, "%s", answer)
	_, answer, err = k.ask(http.MethodPost, "/api/v2/users/login", "", user)
	require.NoError(k.t, err)
	var login struct {
		Token string `json:"session_token"`
	}
	require.NoError(k.t, json.Unmarshal(answer, &login), "%s", answer)
	return login.Token
}

// registrations counts in the log how often each user was registered.
func (k *killable) registrations(token string) map[string]int {
	k.t.Helper()
	status, answer, err := k.ask(http.MethodGet, "/v1/events?format=ndjson&type=roster.user.registered.*", token, "")
	require.NoError(k.t, err)
	require.Equal(k.t, http.StatusOK, status, "%s", answer)
	counts := map[string]int{}
	for line := range bytes.Lines(answer) {
		var e struct{ Subject string }
		require.NoError(k.t, json.Unmarshal(line, &e), "%s", line)
		counts[e.Subject]++
	}
	return counts
}

// everybodyIsThereOnce walks the list of users.
func (k *killable) everybodyIsThereOnce(token string, people int) {
	k.t.Helper()
	seen, numbers := map[string]mover{}, map[int64]bool{}
	for path := "/v1/users?limit=100"; path != ""; {
		var page struct {
			Items []mover
			Next  string
		}
		require.NoError(k.t, k.get(path, token, &page))
		for _, u := range page.Items {
			require.NotContains(k.t, seen, u.Username)
			require.False(k.t, numbers[u.Number], "number %d is somebody else's", u.Number)
			seen[u.Username], numbers[u.Number] = u, true
		}
		path = ""
		if page.Next != "" {
			path = "/v1/users?limit=100&cursor=" + url.QueryEscape(page.Next)
		}
	}
	require.Len(k.t, seen, people+1)
	for i := range people {
		want, got := moverNumber(i), seen[fmt.Sprint("u", i)]
		require.Equal(k.t, []string{want.ID, want.Email}, []string{got.ID, got.Email})
		if want.Number != 0 {
			require.Equal(k.t, want.Number, got.Number)
		}
	}
}

// keysAreGood signs in with everybody's keys of before.
func (k *killable) keysAreGood(people int) {
	k.t.Helper()
	var group errgroup.Group
	group.SetLimit(8)
	for i := range people {
		group.Go(func() error {
			want := moverNumber(i)
			for _, key := range []string{want.Keys[0].Token, want.ReadableKey} {
				var me mover
				if err := k.get("/v1/users/me", key, &me); err != nil {
					return err
				}
				if me.ID != want.ID {
					return fmt.Errorf("the key of %s is %s's", want.Username, me.Username)
				}
			}
			return nil
		})
	}
	require.NoError(k.t, group.Wait())
}

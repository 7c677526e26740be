package overload_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// patience bounds what must happen, however slow the machine is.
const patience = time.Minute

const password = "correct horse battery staple 42"

// server is a running program with its private PostgreSQL and NATS.
type server struct {
	t      *testing.T
	cmd    *exec.Cmd
	log    string
	url    string
	token  string
	client *http.Client
}

func start(t *testing.T, p plan) *server {
	t.Helper()
	dir, err := os.MkdirTemp("", "roster-overload-")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o755)) // PostgreSQL's user must get there
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	s := &server{t: t, log: filepath.Join(dir, "log"), client: newClient(t, p.connections*2/3)}
	log, err := os.Create(s.log)
	require.NoError(t, err)
	defer log.Close()
	out, in, err := os.Pipe()
	require.NoError(t, err)
	s.cmd = exec.Command(program("api"))
	s.cmd.Env = append(withoutSettings(),
		"ROSTER_HTTP_ADDR=127.0.0.1:0", "ROSTER_DATA_DIR="+filepath.Join(dir, "data"), "ROSTER_RATE_LIMITS=off", "ROSTER_LOG_LEVEL=warn",
		fmt.Sprintf("ROSTER_MAX_REQUESTS=%d", p.requests), fmt.Sprintf("ROSTER_MAX_CONNECTIONS=%d", p.connections),
	)
	s.cmd.Stdout, s.cmd.Stderr = in, log
	require.NoError(t, s.cmd.Start())
	require.NoError(t, in.Close())
	t.Cleanup(s.stop)
	s.url = awaitURL(t, out)
	s.enter()
	return s
}

func withoutSettings() []string {
	var env []string
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "ROSTER_") && !strings.HasPrefix(kv, "DATABASE_URL=") {
			env = append(env, kv)
		}
	}
	return env
}

var ready = regexp.MustCompile(`ready after .*(http://127\.0\.0\.1:\d+)`)

func awaitURL(t *testing.T, out *os.File) string {
	t.Helper()
	found := make(chan string, 1)
	go func() {
		defer out.Close()
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if m := ready.FindStringSubmatch(lines.Text()); m != nil {
				select {
				case found <- m[1]:
				default: // it was said before
				}
			}
		}
		close(found)
	}()
	select {
	case url := <-found:
		require.NotEmpty(t, url, "it ended before it was ready")
		return url
	case <-time.After(patience):
		require.Fail(t, "it did not get ready")
		return ""
	}
}

// stop ends the program, which must have lived until then and ended in peace.
func (s *server) stop() {
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	hurry := time.AfterFunc(patience, func() { _ = s.cmd.Process.Kill() })
	defer hurry.Stop()
	err := s.cmd.Wait()
	text, readErr := os.ReadFile(s.log)
	require.NoError(s.t, readErr)
	require.NoError(s.t, err, "%s", text[max(0, len(text)-4000):])
	require.NotContains(s.t, string(text), "panic")
	require.NotContains(s.t, string(text), "DATA RACE")
}

// newClient leaves connections to others: this is about requests, and an idle
// connection that the server takes for another client fails the next request on it.
func newClient(t *testing.T, connections int) *http.Client {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: connections, MaxConnsPerHost: connections}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: patience}
}

func (s *server) enter() {
	s.t.Helper()
	s.must(http.StatusCreated, http.MethodPost, "/api/v2/users/first", `{"email":"ada@example.com","username":"ada","password":"`+password+`"}`)
	var login struct {
		Token string `json:"session_token"`
	}
	answer := s.must(http.StatusCreated, http.MethodPost, "/api/v2/users/login", `{"email":"ada@example.com","password":"`+password+`"}`)
	require.NoError(s.t, json.Unmarshal(answer, &login))
	s.token = login.Token
}

func (s *server) must(want int, method, path, body string) []byte {
	s.t.Helper()
	status, answer, err := s.call(s.client, method, path, body)
	require.NoError(s.t, err)
	require.Equal(s.t, want, status, "%s", answer)
	return answer
}

// call returns an error where there was no answer, or one without what goes with it.
func (s *server) call(c *http.Client, method, path, body string) (int, []byte, error) {
	r, err := http.NewRequest(method, s.url+path, strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	if s.token != "" {
		r.Header.Set("Authorization", "Bearer "+s.token)
	}
	res, err := c.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err == nil && refusal(res.StatusCode) && path != "/readyz" && res.Header.Get("Retry-After") == "" {
		err = fmt.Errorf("%s %s: %d without Retry-After: %s", method, path, res.StatusCode, answer)
	}
	return res.StatusCode, answer, err
}

func refusal(status int) bool {
	return status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests
}

// metrics reads all that is measured.
func (s *server) metrics() (map[string]float64, error) {
	status, text, err := s.call(s.client, http.MethodGet, "/metrics", "")
	if err != nil || status != http.StatusOK {
		return nil, fmt.Errorf("read the metrics: %d %w", status, err)
	}
	found := map[string]float64{}
	for line := range bytes.Lines(text) {
		name, value, ok := strings.Cut(strings.TrimSpace(string(line)), " ")
		if n, err := strconv.ParseFloat(value, 64); ok && err == nil {
			found[name] = n
		}
	}
	return found, nil
}

// resident is the most memory that the program had, in MiB.
func (s *server) resident() int64 {
	s.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	require.NoError(s.t, err)
	m := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(text)
	require.NotNil(s.t, m)
	kib, err := strconv.ParseInt(string(m[1]), 10, 64)
	require.NoError(s.t, err)
	return kib >> 10
}

// health asks both pages, which must answer whatever happens, and say why where the
// answer is no.
func (s *server) health(c *http.Client) error {
	status, text, err := s.call(c, http.MethodGet, "/healthz", "")
	if err != nil || status != http.StatusOK {
		return fmt.Errorf("/healthz: %d %s %w", status, text, err)
	}
	status, text, err = s.call(c, http.MethodGet, "/readyz", "")
	if err != nil {
		return fmt.Errorf("/readyz: %w", err)
	}
	var said struct{ Status, Reason, Busy string }
	if err := json.Unmarshal(text, &said); err != nil {
		return fmt.Errorf("/readyz: %s: %w", text, err)
	}
	if (status == http.StatusOK) != (said.Status == "ready") || status != http.StatusOK && said.Reason == "" {
		return errors.New("/readyz says " + string(text))
	}
	return nil
}

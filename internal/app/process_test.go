package app_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// running is a process of the built binary, as its user meets it.
type running struct {
	cmd    *exec.Cmd
	output *transcript
	ready  chan string // delivers the address; closed when the output ends
	ended  chan struct{}
	url    string
}

// transcript collects what a process writes.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (t *transcript) add(line string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text.WriteString(line + "\n")
}

func (t *transcript) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}

// dataDir is a directory for data that every user can reach.
func dataDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "roster-app-")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o755))
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	return filepath.Join(dir, "data")
}

// environment is ours without settings, and with a free port.
func environment(settings ...string) []string {
	var env []string
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "ROSTER_") && !strings.HasPrefix(kv, "DATABASE_URL=") {
			env = append(env, kv)
		}
	}
	return append(append(env, "ROSTER_HTTP_ADDR=127.0.0.1:0", "ROSTER_RATE_LIMITS=off"), settings...)
}

var readyLine = regexp.MustCompile(`(?:ready after .*|"health":")(http://127\.0\.0\.1:\d+)`)

// launch runs a command without waiting for anything.
func launch(t *testing.T, cmd *exec.Cmd) *running {
	t.Helper()
	reader, writer, err := os.Pipe()
	require.NoError(t, err)
	cmd.Stdout, cmd.Stderr = writer, writer
	require.NoError(t, cmd.Start())
	require.NoError(t, writer.Close())
	r := &running{cmd: cmd, output: &transcript{}, ready: make(chan string, 1), ended: make(chan struct{})}
	read := make(chan struct{})
	go func() {
		defer close(read)
		defer close(r.ready)
		defer reader.Close()
		lines := bufio.NewScanner(reader)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			r.output.add(lines.Text())
			if m := readyLine.FindStringSubmatch(lines.Text()); m != nil {
				select {
				case r.ready <- m[1]:
				default: // it was said before
				}
			}
		}
	}()
	go func() {
		_ = cmd.Wait()
		<-read
		close(r.ended)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-r.ended
		http.DefaultClient.CloseIdleConnections()
	})
	return r
}

// start runs cmd/api until it is ready.
func start(t *testing.T, settings ...string) *running {
	t.Helper()
	cmd := exec.Command(program("api"))
	cmd.Env = environment(settings...)
	return launch(t, cmd).awaitReady(t)
}

func (r *running) awaitReady(t *testing.T) *running {
	t.Helper()
	select {
	case url, ok := <-r.ready:
		require.True(t, ok, "it ended before it was ready:\n%s", r.output)
		r.url = url
	case <-time.After(time.Minute):
		require.Fail(t, "not ready", r.output.String())
	}
	return r
}

// fails waits for the end and returns the exit code with what was said.
func (r *running) fails(t *testing.T) (code int, said string) {
	t.Helper()
	select {
	case <-r.ended:
	case <-time.After(time.Minute):
		require.Fail(t, "it did not end", r.output.String())
	}
	return r.cmd.ProcessState.ExitCode(), r.output.String()
}

// terminate asks politely and returns how long it took.
func (r *running) terminate(t *testing.T) time.Duration {
	t.Helper()
	began := time.Now()
	require.NoError(t, r.cmd.Process.Signal(syscall.SIGTERM))
	code, said := r.fails(t)
	require.Zero(t, code, said)
	return time.Since(began)
}

func (r *running) kill(t *testing.T) {
	t.Helper()
	require.NoError(t, r.cmd.Process.Kill())
	<-r.ended
}

// call makes a request; an error means that it was not answered.
func (r *running) call(method, path, token, body string) (status int, answer string, err error) {
	req, err := http.NewRequest(method, r.url+path, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return res.StatusCode, string(text), err
}

func (r *running) must(t *testing.T, want int, method, path, token, body string) string {
	t.Helper()
	status, answer, err := r.call(method, path, token, body)
	require.NoError(t, err)
	require.Equal(t, want, status, answer)
	return answer
}

// enter makes the first user and returns a session's token.
func (r *running) enter(t *testing.T) string {
	t.Helper()
	r.must(t, http.StatusCreated, http.MethodPost, "/api/v2/users/first", "",
		`{"email":"ada@example.com","username":"ada","password":"SomeSecurePassword!"}`)
	var login struct {
		Token string `json:"session_token"`
	}
	answer := r.must(t, http.StatusCreated, http.MethodPost, "/api/v2/users/login", "",
		`{"email":"ada@example.com","password":"SomeSecurePassword!"}`)
	require.NoError(t, json.Unmarshal([]byte(answer), &login))
	return login.Token
}

// postmaster returns the pid of the private PostgreSQL of a data directory, 0
// when none runs.
func postmaster(dir string) int {
	text, err := os.ReadFile(filepath.Join(dir, "postgresql", "data", "postmaster.pid"))
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(first)
	if err != nil {
		return 0
	}
	stat, err := os.ReadFile("/proc/" + first + "/stat")
	if err != nil || strings.Contains(string(stat), ") Z ") {
		return 0
	}
	return pid
}

// asNobody makes a command run as an ordinary user, and gives it a directory.
func asNobody(t *testing.T, cmd *exec.Cmd, dir string) {
	t.Helper()
	if os.Geteuid() != 0 {
		return // it does already
	}
	u, err := user.Lookup("nobody")
	require.NoError(t, err)
	uid, err := strconv.Atoi(u.Uid)
	require.NoError(t, err)
	gid, err := strconv.Atoi(u.Gid)
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(dir, 0o755))
	require.NoError(t, os.Chown(dir, uid, gid))
	cmd.Dir = dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
}

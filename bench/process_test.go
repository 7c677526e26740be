// Package bench_test measures the whole process from outside, as its clients
// meet it: the built binary, real requests over loopback, the load from this
// process. `make bench` prints these beside the figures of the parts.
package bench_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
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

// process is a running cmd/api with a data directory of its own.
type process struct {
	url    string
	token  string
	pid    int
	client *http.Client
}

var addressLine = regexp.MustCompile(`http://127\.0\.0\.1:\d+`)

// programs is where the binaries are built.
var programs string

// binary builds Roster's commands once for all benchmarks, when the first asks.
var binary = sync.OnceValues(func() (string, error) {
	out, err := exec.Command("go", "build", "-o", programs, "../cmd/api", "../cmd/roster").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build: %w: %s", err, out)
	}
	return programs, nil
})

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "roster-bench")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	programs = dir
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// start runs cmd/api on a free port, makes the first user and signs in.
func start(b *testing.B, env ...string) *process {
	b.Helper()
	bin, err := binary()
	require.NoError(b, err)
	dir, err := os.MkdirTemp("/tmp", "roster-bench-data")
	require.NoError(b, err)
	require.NoError(b, os.Chmod(dir, 0o755))
	b.Cleanup(func() { _ = os.RemoveAll(dir) })

	cmd := exec.Command(filepath.Join(bin, "api"))
	cmd.Env = append(os.Environ(), "ROSTER_HTTP_ADDR=127.0.0.1:0", "ROSTER_DATA_DIR="+filepath.Join(dir, "data"), "ROSTER_RATE_LIMITS=off")
	cmd.Env = append(cmd.Env, env...)
	reader, writer, err := os.Pipe()
	require.NoError(b, err)
	cmd.Stdout, cmd.Stderr = writer, writer
	require.NoError(b, cmd.Start())
	_ = writer.Close()
	b.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})
	p := &process{pid: cmd.Process.Pid, url: waitForAddress(b, reader)}
	p.client = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConns: 512, MaxIdleConnsPerHost: 512}}
	b.Cleanup(p.client.CloseIdleConnections)
	p.enter(b)
	return p
}

// waitForAddress reads the process's output until it says where it listens, and
// goes on draining it.
func waitForAddress(b *testing.B, output io.Reader) string {
	b.Helper()
	found := make(chan string, 1)
	var seen bytes.Buffer
	go func() {
		lines := bufio.NewScanner(output)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			if url := addressLine.FindString(lines.Text()); url != "" {
				select {
				case found <- url:
				default:
				}
			}
		}
		close(found)
	}()
	select {
	case url, ok := <-found:
		require.True(b, ok, "the process ended before it listened: %s", seen.String())
		return url
	case <-time.After(30 * time.Second):
		b.Fatal("the process did not listen in 30 s")
		return ""
	}
}

func (p *process) enter(b *testing.B) {
	b.Helper()
	p.post(b, "/api/v2/users/first", `{"email":"ada@example.com","username":"ada","password":"SomeSecurePassword!"}`, http.StatusCreated)
	body := p.post(b, "/api/v2/users/login", `{"email":"ada@example.com","password":"SomeSecurePassword!"}`, http.StatusCreated)
	var login struct {
		Token string `json:"session_token"`
	}
	require.NoError(b, json.Unmarshal(body, &login))
	p.token = login.Token
}

func (p *process) post(b *testing.B, path, body string, want int) []byte {
	b.Helper()
	status, answer, _ := p.do(b, http.MethodPost, path, body, nil)
	require.Equal(b, want, status, "%s: %s", path, answer)
	return answer
}

// do sends one request; it is safe for concurrent use.
func (p *process) do(b *testing.B, method, path, body string, header http.Header) (int, []byte, http.Header) {
	b.Helper()
	req, err := http.NewRequestWithContext(b.Context(), method, p.url+path, strings.NewReader(body))
	if err != nil {
		b.Error(err)
		return 0, nil, nil
	}
	req.Header.Set("Content-Type", "application/json")
	if p.token != "" {
		req.Header.Set("Authorization", "Bearer "+p.token)
	}
	for name, values := range header {
		req.Header[name] = values
	}
	res, err := p.client.Do(req)
	if err != nil {
		b.Error(err)
		return 0, nil, nil
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		b.Error(err)
	}
	return res.StatusCode, answer, res.Header
}

// caughtUp waits until /readyz reports no model behind, and returns when.
func (p *process) caughtUp(b *testing.B, within time.Duration) time.Time {
	b.Helper()
	return p.modelCaughtUp(b, "", within)
}

// modelCaughtUp is caughtUp of one read model, or with "" of all.
func (p *process) modelCaughtUp(b *testing.B, model string, within time.Duration) time.Time {
	b.Helper()
	for deadline := time.Now().Add(within); time.Now().Before(deadline); {
		if p.lag(b, model) == 0 {
			return time.Now()
		}
	}
	b.Fatalf("read models are still behind after %s", within)
	return time.Time{}
}

// lag is the sum of the lags of all read models, or of one, from /metrics.
func (p *process) lag(b *testing.B, model string) float64 {
	b.Helper()
	lagLine := regexp.MustCompile(`(?m)^roster_projection_lag\{projection="` + model + `[a-z_0-9]*"\} ([0-9.e+]+)$`)
	_, body, _ := p.do(b, http.MethodGet, "/metrics", "", nil)
	matches := lagLine.FindAllSubmatch(body, -1)
	require.NotEmpty(b, matches, "no lag in /metrics")
	var sum float64
	for _, m := range matches {
		v, err := strconv.ParseFloat(string(m[1]), 64)
		require.NoError(b, err)
		sum += v
	}
	return sum
}

// residentMiB is the resident memory of the process alone.
func (p *process) residentMiB(b *testing.B) float64 {
	b.Helper()
	raw, err := os.ReadFile("/proc/" + strconv.Itoa(p.pid) + "/status")
	require.NoError(b, err)
	m := regexp.MustCompile(`VmRSS:\s+(\d+) kB`).FindSubmatch(raw)
	require.NotNil(b, m)
	kib, err := strconv.ParseFloat(string(m[1]), 64)
	require.NoError(b, err)
	return kib / 1024
}

package reads_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// server is a process that answers HTTP.
type server struct {
	pid   int
	url   string
	token string
}

var addressLine = regexp.MustCompile(`http://127\.0\.0\.1:\d+`)

func launch(b *testing.B, cmd *exec.Cmd) *server {
	b.Helper()
	output, err := cmd.StdoutPipe()
	require.NoError(b, err)
	cmd.Stderr = cmd.Stdout
	require.NoError(b, cmd.Start())
	found := make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(output)
		for said := false; lines.Scan(); {
			if url := addressLine.FindString(lines.Text()); url != "" && !said {
				said = true
				found <- url
			}
		}
		_, _ = io.Copy(io.Discard, output)
	}()
	b.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		http.DefaultClient.CloseIdleConnections()
	})
	select {
	case url := <-found:
		return &server{pid: cmd.Process.Pid, url: url}
	case <-time.After(30 * time.Second):
		b.Fatal("it did not listen in 30 s")
		return nil
	}
}

// startAPI runs cmd/api with everything embedded, makes the first user and signs in.
func startAPI(b *testing.B, settings ...string) *server {
	b.Helper()
	require.NoError(b, build())
	dir, err := os.MkdirTemp("", "roster-bench-data")
	require.NoError(b, err)
	require.NoError(b, os.Chmod(dir, 0o755))
	b.Cleanup(func() { _ = os.RemoveAll(dir) })
	cmd := exec.Command(filepath.Join(programs, "api"))
	cmd.Env = append(os.Environ(),
		"ROSTER_HTTP_ADDR=127.0.0.1:0", "ROSTER_DATA_DIR="+filepath.Join(dir, "data"), "ROSTER_RATE_LIMITS=off", "ROSTER_SYNC=always")
	cmd.Env = append(cmd.Env, settings...)
	s := launch(b, cmd)
	s.do(b, "POST", "/api/v2/users/first", `{"email":"ada@example.com","username":"ada","password":"SomeSecurePassword!"}`)
	var login struct {
		Token string `json:"session_token"`
	}
	require.NoError(b, json.Unmarshal(s.do(b, "POST", "/api/v2/users/login", `{"email":"ada@example.com","password":"SomeSecurePassword!"}`), &login))
	s.token = login.Token
	return s
}

// startLimit runs the bare handlers, which answer with ready bytes.
func startLimit(b *testing.B, ready []byte, settings ...string) *server {
	b.Helper()
	file := filepath.Join(b.TempDir(), "ready")
	require.NoError(b, os.WriteFile(file, ready, 0o600))
	self, err := os.Executable()
	require.NoError(b, err)
	cmd := exec.Command(self)
	cmd.Env = append(append(os.Environ(), limitVariable+"="+file), settings...)
	return launch(b, cmd)
}

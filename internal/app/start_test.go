package app_test

import (
	"bufio"
	"crypto/rand"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/evidence"
)

func TestFirstStartSaysWhatToDoAndDataSurvives(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	r := start(t, "ROSTER_DATA_DIR="+dir)
	said := r.output.String
	require.Eventually(t, func() bool { return strings.Contains(said(), "Ctrl-C stops it") }, 5*time.Second, time.Millisecond)
	for _, part := range []string{r.url + "/api/v2/users/first", dir, "postgresql.log", "becomes the owner"} {
		require.Contains(t, said(), part)
	}
	info, err := os.Stat(filepath.Join(dir, "master.key"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	r.must(t, http.StatusOK, http.MethodGet, "/readyz", "", "")
	require.Contains(t, r.must(t, http.StatusOK, http.MethodGet, "/metrics", "", ""), "roster_projection_lag")

	token := r.enter(t)
	r.must(t, http.StatusCreated, http.MethodPost, "/v1/users", token, `{"username":"grace","name":"Grace Hopper"}`)
	require.Less(t, r.terminate(t), 5*time.Second)
	require.Zero(t, postmaster(dir))

	secret, err := evidence.MakeKey(rand.Reader, "example.org")
	require.NoError(t, err)
	r = start(t, "ROSTER_DATA_DIR="+dir, "ROSTER_CHECKPOINT_KEY="+secret, "ROSTER_CHECKPOINT_INTERVAL=1s")
	require.NotContains(t, r.output.String(), "There is no user yet")
	require.Eventually(t, func() bool {
		return strings.Contains(r.must(t, http.StatusOK, http.MethodGet, "/v1/checkpoints?newest=true", token, ""), "example.org")
	}, 20*time.Second, 100*time.Millisecond, "the log is signed")
	require.Contains(t, r.must(t, http.StatusOK, http.MethodGet, "/metrics", "", ""), `roster_checkpoint_failed{stream="ROSTER"} 0`)
	require.NotContains(t, r.output.String(), secret)
	require.Contains(t, r.must(t, http.StatusOK, http.MethodGet, "/v1/users/grace", token, ""), "Grace Hopper")
	r.terminate(t)
}

// launchAPI runs cmd/api without waiting for anything.
func launchAPI(t *testing.T, settings ...string) *running {
	t.Helper()
	cmd := exec.Command(program("api"))
	cmd.Env = environment(settings...)
	return launch(t, cmd)
}

// hang begins a request whose body never comes.
func hang(t *testing.T, url string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", url[len("http://"):])
	require.NoError(t, err)
	_, err = io.WriteString(conn, "POST /api/v2/users/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"+
		"Content-Length: 100\r\nExpect: 100-continue\r\n\r\n")
	require.NoError(t, err)
	// The handler asks for the body: the request is under way.
	line, err := bufio.NewReader(conn).ReadString('\n')
	require.NoError(t, err)
	require.Contains(t, line, "100 Continue")
	return conn
}

func TestSecondInstanceIsRefused(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	r := start(t, "ROSTER_DATA_DIR="+dir)
	code, said := launchAPI(t, "ROSTER_DATA_DIR="+dir).fails(t)
	require.Equal(t, 1, code)
	require.Contains(t, said, "another Roster (process ")
	require.Contains(t, said, "ROSTER_DATA_DIR")
	r.must(t, http.StatusOK, http.MethodGet, "/readyz", "", "")
	r.terminate(t)
}

func TestBusyPortIsReported(t *testing.T) {
	t.Parallel()
	r := start(t, "ROSTER_DATA_DIR="+dataDir(t))
	dir := dataDir(t)
	code, said := launchAPI(t, "ROSTER_DATA_DIR="+dir, "ROSTER_HTTP_ADDR="+r.url[len("http://"):]).fails(t)
	require.Equal(t, 1, code)
	require.Contains(t, said, "another program listens on")
	require.Contains(t, said, "ROSTER_HTTP_ADDR")
	require.NoDirExists(t, dir, "nothing is begun for nothing")
	r.terminate(t)
}

func TestWrongSettingsAreAllNamed(t *testing.T) {
	t.Parallel()
	code, said := launchAPI(t, "ROSTER_SYNC=never", "ROSTER_SIGNUP=perhaps", "DATABASE_URL=postgres://h/x?sslmode=odd").fails(t)
	require.Equal(t, 2, code)
	require.Contains(t, said, "ROSTER_SYNC")
	require.Contains(t, said, "ROSTER_SIGNUP")
	code, said = launchAPI(t, "DATABASE_URL=postgres://h/x?sslmode=odd").fails(t)
	require.Equal(t, 2, code)
	require.Contains(t, said, "DATABASE_URL")

	projector := exec.Command(program("projector"))
	projector.Env = environment()
	code, said = launch(t, projector).fails(t)
	require.Equal(t, 2, code)
	require.Contains(t, said, "ROSTER_NATS_URL is required")
}

func TestServersThatCanNotBeReachedAreReported(t *testing.T) {
	t.Parallel()
	code, said := launchAPI(t, "ROSTER_DATA_DIR="+dataDir(t), "DATABASE_URL=postgres://127.0.0.1:1/x").fails(t)
	require.Equal(t, 1, code)
	require.Contains(t, said, "DATABASE_URL")
	code, said = launchAPI(t, "ROSTER_DATA_DIR="+dataDir(t), "ROSTER_NATS_URL=nats://127.0.0.1:1",
		"ROSTER_MASTER_KEY=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef").fails(t)
	require.Equal(t, 1, code)
	require.Contains(t, said, "ROSTER_NATS_URL")
}

func TestDirectoryThatCanNotBeUsedIsReported(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(dataDir(t), "closed")
	require.NoError(t, os.MkdirAll(dir, 0o755))
	cmd := exec.Command(program("api"))
	asNobody(t, cmd, filepath.Join(filepath.Dir(dir), "home"))
	if os.Geteuid() != 0 {
		require.NoError(t, os.Chmod(dir, 0o500))
	}
	cmd.Env = environment("ROSTER_DATA_DIR=" + dir)
	code, said := launch(t, cmd).fails(t)
	require.Equal(t, 1, code)
	require.Contains(t, said, "can not be used")
	require.Contains(t, said, "ROSTER_DATA_DIR")
}

func TestAnotherPostgreSQLIsReported(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	cluster := filepath.Join(dir, "postgresql", "data")
	require.NoError(t, os.MkdirAll(cluster, 0o700))
	require.NoError(t, os.Chmod(dir, 0o711))
	require.NoError(t, os.WriteFile(filepath.Join(cluster, "PG_VERSION"), []byte("9\n"), 0o600))
	code, said := launchAPI(t, "ROSTER_DATA_DIR="+dir).fails(t)
	require.Equal(t, 1, code)
	require.Contains(t, said, "was made by PostgreSQL 9")
}

// Its programs are hidden by a mount that this process alone sees.
func TestMissingPostgreSQLIsReported(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can hide PostgreSQL's folders; internal/postgres tests the message for everybody")
	}
	cmd := exec.Command("sh", "-c", `for d in /usr/lib/postgresql /usr/local/pgsql; do
		if [ -d $d ]; then mount -t tmpfs none $d || exit 77; fi; done; PATH=/nowhere exec "$API"`)
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	cmd.Env = environment("ROSTER_DATA_DIR="+dataDir(t), "API="+program("api"))
	code, said := launch(t, cmd).fails(t)
	if code == 77 {
		t.Skip("mounts are not allowed here: " + said)
	}
	require.Equal(t, 1, code, said)
	require.Contains(t, said, "apt-get install postgresql")
	require.Contains(t, said, "DATABASE_URL")
}

func TestMasterKeyIsGuarded(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	start(t, "ROSTER_DATA_DIR="+dir).terminate(t)
	code, said := launchAPI(t, "ROSTER_DATA_DIR="+dir,
		"ROSTER_MASTER_KEY=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef").fails(t)
	require.Equal(t, 1, code)
	require.Contains(t, said, "master key")
	require.Zero(t, postmaster(dir), "what was started is stopped")

	key := filepath.Join(dir, "master.key")
	require.NoError(t, os.Rename(key, key+".away"))
	code, said = launchAPI(t, "ROSTER_DATA_DIR="+dir).fails(t)
	require.Equal(t, 1, code)
	require.Contains(t, said, "put it back")
	require.NoFileExists(t, key)
}

func TestRunsAsAnOrdinaryUser(t *testing.T) {
	t.Parallel()
	home := filepath.Dir(dataDir(t))
	cmd := exec.Command(program("api"))
	asNobody(t, cmd, filepath.Join(home, "home"))
	cmd.Env = append(environment(), "XDG_DATA_HOME="+filepath.Join(home, "home"))
	r := launch(t, cmd).awaitReady(t)
	require.DirExists(t, filepath.Join(home, "home", "roster", "nats"))
	r.must(t, http.StatusOK, http.MethodGet, "/readyz", "", "")
	require.Less(t, r.terminate(t), 5*time.Second)
}

func TestSecondSignalEndsAtOnce(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	r := start(t, "ROSTER_DATA_DIR="+dir)
	// A request that never ends holds the drain up.
	conn := hang(t, r.url)
	defer conn.Close()
	require.NoError(t, r.cmd.Process.Signal(syscall.SIGINT))
	require.Eventually(t, func() bool { return strings.Contains(r.output.String(), `"stopping"`) }, 5*time.Second, time.Millisecond)
	again := time.NewTicker(350 * time.Millisecond)
	defer again.Stop()
	<-again.C
	require.NoError(t, r.cmd.Process.Signal(syscall.SIGINT))
	code, _ := r.fails(t)
	require.Equal(t, 130, code)
	require.Eventually(t, func() bool { return postmaster(dir) == 0 }, 10*time.Second, 5*time.Millisecond)
}

func TestRequestThatNeverEndsDoesNotHoldUpTheStop(t *testing.T) {
	t.Parallel()
	r := start(t, "ROSTER_DATA_DIR="+dataDir(t))
	conn := hang(t, r.url)
	defer conn.Close()
	require.Less(t, r.terminate(t), 5*time.Second)
}

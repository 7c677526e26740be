package postgres

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// testDir is a directory that PostgreSQL's user can reach, with a short path.
func testDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "roster-pg-test-")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o711))
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	return filepath.Join(dir, "pg")
}

func start(t *testing.T, o Options) *Server {
	t.Helper()
	o.Unsafe = true
	s, err := Start(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(func() { stop(t, s) })
	return s
}

func stop(t *testing.T, s *Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	require.NoError(t, s.Stop(ctx))
}

func execute(t *testing.T, s *Server, sql string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.DSN("postgres"))
	require.NoError(t, err)
	_, err = conn.Exec(t.Context(), sql)
	require.NoError(t, err)
	require.NoError(t, conn.Close(t.Context()))
}

// eventually polls, for what can only be seen from outside.
func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	require.Eventually(t, cond, 20*time.Second, 5*time.Millisecond, what)
}

func TestDataSurvivesARestart(t *testing.T) {
	t.Parallel()
	dir := testDir(t)
	s := start(t, Options{Dir: dir})
	require.NoError(t, s.CreateDatabase(t.Context(), "app"))
	require.NoError(t, s.CreateDatabase(t.Context(), "app"))
	execute(t, s, "create table kept (id int)")
	stop(t, s)
	stop(t, s)
	require.Zero(t, s.PID())

	s = start(t, Options{Dir: dir})
	execute(t, s, "insert into kept values (1)")
	info, err := os.Stat(s.sockets)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700), info.Mode().Perm())
}

func TestHalfMadeClusterIsReplaced(t *testing.T) {
	t.Parallel()
	dir := testDir(t)
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "data.init", "base"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "data.init", "PG_VERSION"), []byte("15\n"), 0o600))
	execute(t, start(t, Options{Dir: dir}), "select 1")
}

func TestLongPathGetsAShortSocket(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(testDir(t), strings.Repeat("long/", 20))
	require.NoError(t, os.MkdirAll(dir, 0o711))
	for p := dir; strings.Contains(p, "roster-pg-test-"); p = filepath.Dir(p) {
		require.NoError(t, os.Chmod(p, 0o711))
	}
	s := start(t, Options{Dir: filepath.Join(dir, "pg")})
	execute(t, s, "select 1")
	require.NotContains(t, s.sockets, "long")
	stop(t, s)
	require.NoError(t, os.RemoveAll(s.sockets))
}

func TestServerThatDiesIsStartedAgain(t *testing.T) {
	t.Parallel()
	s := start(t, Options{Dir: testDir(t), RestartPause: time.Millisecond})
	first := s.PID()
	require.NoError(t, syscall.Kill(first, syscall.SIGKILL))
	eventually(t, "a new server", func() bool {
		conn, err := pgx.Connect(t.Context(), s.DSN("postgres"))
		if err != nil {
			return false
		}
		_ = conn.Close(t.Context())
		return s.PID() != first
	})
}

func TestServerThatKeepsDyingIsReported(t *testing.T) {
	t.Parallel()
	s := start(t, Options{Dir: testDir(t), RestartPause: time.Millisecond})
	require.NoError(t, os.Remove(filepath.Join(s.dataDir, "global", "pg_control")))
	require.NoError(t, syscall.Kill(s.PID(), syscall.SIGKILL))
	select {
	case <-s.Failed():
		require.ErrorContains(t, s.Err(), "postgresql.log")
	case <-time.After(30 * time.Second):
		t.Fatal("not reported")
	}
}

func TestServerDiesWithItsParent(t *testing.T) {
	t.Parallel()
	dir := testDir(t)
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childDir+"="+dir)
	out, err := child.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	require.NoError(t, err, line)
	require.True(t, alive(pid))
	require.NoError(t, child.Process.Kill())
	_ = child.Wait()
	// The next start does not wait for it, and has to cope.
	execute(t, start(t, Options{Dir: dir}), "select 1")
	require.False(t, alive(pid))
}

func TestOrphanIsStopped(t *testing.T) {
	t.Parallel()
	dir := testDir(t)
	s := start(t, Options{Dir: dir})
	stop(t, s)
	orphan := exec.Command(s.bin.path("postgres"), s.args...)
	orphan.Dir, orphan.Env = s.dataDir, childEnv()
	orphan.SysProcAttr = &syscall.SysProcAttr{Credential: s.as.credential(), Setpgid: true}
	require.NoError(t, orphan.Start())
	ended := make(chan error, 1)
	go func() { ended <- orphan.Wait() }()
	eventually(t, "orphan is up", func() bool {
		conn, err := pgx.Connect(t.Context(), s.DSN("postgres"))
		if err == nil {
			_ = conn.Close(t.Context())
		}
		return err == nil
	})
	again := start(t, Options{Dir: dir})
	require.NoError(t, <-ended)
	require.NotEqual(t, orphan.Process.Pid, again.PID())
}

func TestDeadOneThatIsStillListedIsNoHindrance(t *testing.T) {
	t.Parallel()
	dir := testDir(t)
	s := start(t, Options{Dir: dir})
	stop(t, s)
	zombie := exec.Command("true")
	require.NoError(t, zombie.Start())
	defer zombie.Wait()
	pid := zombie.Process.Pid
	eventually(t, "a zombie", func() bool { return !alive(pid) })
	pidFile := filepath.Join(s.dataDir, "postmaster.pid")
	require.NoError(t, os.WriteFile(pidFile, []byte(strconv.Itoa(pid)+"\n"+s.dataDir+"\n"), 0o600))
	execute(t, start(t, Options{Dir: dir}), "select 1")
}

func TestServerKilledHardLeavesNothingInTheWay(t *testing.T) {
	t.Parallel()
	dir := testDir(t)
	for range 5 {
		s := start(t, Options{Dir: dir})
		pid := s.PID()
		s.stopped.Do(func() { close(s.stop) }) // no restart
		require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
		<-s.done
	}
	execute(t, start(t, Options{Dir: dir}), "select 1")
}

func TestPidFileOfAnotherProgramIsNoHindrance(t *testing.T) {
	t.Parallel()
	dir := testDir(t)
	s := start(t, Options{Dir: dir})
	stop(t, s)
	// This process has got the number of a postmaster that is long gone.
	pidFile := filepath.Join(s.dataDir, "postmaster.pid")
	require.NoError(t, os.WriteFile(pidFile, []byte(strconv.Itoa(os.Getpid())+"\n"+s.dataDir+"\n"), 0o600))
	execute(t, start(t, Options{Dir: dir}), "select 1")
}

func TestAnotherMajorVersionIsRefused(t *testing.T) {
	t.Parallel()
	dir := testDir(t)
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "data"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "data", "PG_VERSION"), []byte("9\n"), 0o600))
	_, err := Start(t.Context(), Options{Dir: dir})
	var wrong *VersionError
	require.ErrorAs(t, err, &wrong)
	require.Equal(t, 9, wrong.Data)
	require.ErrorContains(t, err, "move that directory away")
}

func TestParentThatKeepsTheUserOutIsNamed(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root's server runs as another user")
	}
	closed := filepath.Join(filepath.Dir(testDir(t)), "closed")
	require.NoError(t, os.Mkdir(closed, 0o700))
	_, err := Start(t.Context(), Options{Dir: filepath.Join(closed, "pg")})
	var access *AccessError
	require.ErrorAs(t, err, &access)
	require.Equal(t, closed, access.Parent)
}

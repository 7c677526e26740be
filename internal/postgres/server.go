package postgres

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"
)

// Options say where and how the server runs.
type Options struct {
	Dir            string        // made when missing
	Logger         *zap.Logger   // nil means silent
	User           string        // whom to run as when this process is root; "" means postgres, else nobody
	MaxConnections int           // 0 means 50
	SharedBuffers  string        // "" means 256MB
	Unsafe         bool          // no fsync at all: for tests
	RestartPause   time.Duration // before the first restart of a server that died, then doubling; 0 means 100 ms
	Folders        []string      // where to look for the programs (patterns); nil means PATH and the usual folders
}

func (o *Options) setDefaults() error {
	if o.Logger == nil {
		o.Logger = zap.NewNop()
	}
	if o.MaxConnections == 0 {
		o.MaxConnections = 50
	}
	if o.SharedBuffers == "" {
		o.SharedBuffers = "256MB"
	}
	if o.RestartPause == 0 {
		o.RestartPause = 100 * time.Millisecond
	}
	if o.Folders == nil {
		o.Folders = searchFolders()
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return fmt.Errorf("find directory %s: %w", o.Dir, err)
	}
	o.Dir = dir
	return nil
}

// Server is a running private PostgreSQL.
type Server struct {
	log     *zap.Logger
	bin     binaries
	as      account
	dataDir string
	sockets string
	logPath string
	args    []string
	pause   time.Duration // before the first restart

	stop    chan struct{} // closed by Stop: the supervisor must not start again
	done    chan struct{} // closed when the supervisor has ended
	failed  chan struct{} // closed when it gave up
	stopped sync.Once

	mu      sync.Mutex
	process *os.Process // the running postmaster, nil when none runs
	ended   int         // how often it has ended
	reason  error       // why it gave up
}

// Start starts the server, making its cluster first where there is none, and
// returns when it answers. Errors of its own: *MissingError, *VersionError,
// *AccessError, *InUseError.
func Start(ctx context.Context, o Options) (*Server, error) {
	if err := o.setDefaults(); err != nil {
		return nil, err
	}
	s := &Server{
		log: o.Logger, dataDir: filepath.Join(o.Dir, "data"), logPath: filepath.Join(o.Dir, "postgresql.log"),
		stop: make(chan struct{}), done: make(chan struct{}), failed: make(chan struct{}),
	}
	if err := s.prepare(ctx, o); err != nil {
		return nil, err
	}
	started := make(chan error, 1)
	go s.supervise(started)
	if err := <-started; err != nil {
		<-s.done
		return nil, err
	}
	if err := s.awaitReady(ctx); err != nil {
		stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		return nil, errors.Join(err, s.Stop(stopCtx))
	}
	return s, nil
}

// prepare finds the programs, makes directories and cluster, and clears the way.
func (s *Server) prepare(ctx context.Context, o Options) error {
	var err error
	if s.as, err = serverAccount(o.User); err != nil {
		return err
	}
	if err := s.as.makeDir(o.Dir); err != nil {
		return err
	}
	if err := s.as.checkReach(o.Dir); err != nil {
		return err
	}
	major, err := clusterMajor(s.dataDir)
	if err != nil {
		return err
	}
	all, err := find(ctx, o.Folders)
	if err != nil {
		return err
	}
	if s.bin, err = choose(all, s.dataDir, major, o.Folders[0]); err != nil {
		return err
	}
	if s.sockets, err = socketDir(o.Dir, s.as); err != nil {
		return err
	}
	if err := rotateLog(s.logPath); err != nil {
		return err
	}
	s.pause = o.RestartPause
	s.args = arguments(o, s.dataDir, s.sockets)
	if major == 0 {
		s.log.Info("making a PostgreSQL cluster", zap.String("dir", s.dataDir), zap.Int("version", s.bin.major))
		return initialize(ctx, s.bin, s.as, s.dataDir, !o.Unsafe)
	}
	return clearOrphan(ctx, s.dataDir, s.log)
}

func arguments(o Options, dataDir, sockets string) []string {
	settings := []string{
		"listen_addresses=", "unix_socket_directories=" + sockets, "unix_socket_permissions=0700", "port=5432",
		fmt.Sprintf("max_connections=%d", o.MaxConnections), "shared_buffers=" + o.SharedBuffers,
		"wal_compression=on", "max_wal_size=1GB", "timezone=UTC", "log_timezone=UTC", "log_min_messages=warning",
		// Rows and checkpoint commit together: losing the newest commits in a
		// crash means catching up, never a wrong row.
		"synchronous_commit=off",
		"random_page_cost=1.1", "jit=off",
	}
	if o.Unsafe {
		settings = append(settings, "fsync=off", "full_page_writes=off", "wal_level=minimal", "max_wal_senders=0", "autovacuum_naptime=1h")
	}
	args := []string{"-D", dataDir}
	for _, s := range settings {
		args = append(args, "-c", s)
	}
	return args
}

// maxLog is the size beyond which a log file makes way at start.
const maxLog = 8 << 20

func rotateLog(path string) error {
	info, err := os.Stat(path)
	if err != nil || info.Size() < maxLog {
		return nil //nolint:nilerr // no log yet
	}
	if err := os.Rename(path, path+".1"); err != nil {
		return fmt.Errorf("put the old PostgreSQL log aside: %w", err)
	}
	return nil
}

// DSN returns the address of a database.
func (s *Server) DSN(database string) string {
	q := url.Values{"host": {s.sockets}, "port": {"5432"}, "user": {superuser}, "sslmode": {"disable"}}
	return "postgres:///" + url.PathEscape(database) + "?" + q.Encode()
}

// LogPath is the file that PostgreSQL writes its messages to.
func (s *Server) LogPath() string { return s.logPath }

// Version is the major version.
func (s *Server) Version() int { return s.bin.major }

// PID of the running server, 0 while none runs.
func (s *Server) PID() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		return 0
	}
	return s.process.Pid
}

// Failed is closed when the server died and could not be started again.
func (s *Server) Failed() <-chan struct{} { return s.failed }

// Err says why Failed was closed.
func (s *Server) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reason
}

// CreateDatabase makes a database unless it exists.
func (s *Server) CreateDatabase(ctx context.Context, name string) error {
	conn, err := pgx.Connect(ctx, s.DSN("postgres"))
	if err != nil {
		return fmt.Errorf("connect to make database %s: %w", name, err)
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // nothing was left to say
	var exists bool
	err = conn.QueryRow(ctx, `select exists (select from pg_database where datname = $1)`, name).Scan(&exists)
	if err != nil {
		return fmt.Errorf("look for database %s: %w", name, err)
	}
	if exists {
		return nil
	}
	if _, err := conn.Exec(ctx, "create database "+pgx.Identifier{name}.Sanitize()); err != nil {
		return fmt.Errorf("make database %s: %w", name, err)
	}
	return nil
}

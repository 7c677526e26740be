package testenv

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rosterhq/roster/internal/postgres"
)

// shared is the one PostgreSQL of a test process, started when first needed and
// stopped by Main. It is the only state that tests share.
var shared sharedPostgres //nolint:gochecknoglobals // one server per test process

type sharedPostgres struct {
	mu     sync.Mutex
	server *postgres.Server
	dir    string
	made   int
	err    error

	preparing   sync.Mutex
	prepared    bool
	preparation error
}

// next starts the server if need be and numbers a database.
func (s *sharedPostgres) next() (*postgres.Server, string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.server == nil && s.err == nil {
		s.err = s.start()
	}
	s.made++
	return s.server, fmt.Sprintf("test_%d", s.made), s.err
}

func (s *sharedPostgres) start() error {
	dir, err := os.MkdirTemp("", "roster-test-pg-")
	if err != nil {
		return fmt.Errorf("make a directory for PostgreSQL: %w", err)
	}
	s.dir = dir
	// As root the server runs as another user, who must reach the directory.
	if err := os.Chmod(dir, 0o711); err != nil { //nolint:gosec // nothing to read there
		return fmt.Errorf("open the directory for PostgreSQL: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	s.server, err = postgres.Start(ctx, postgres.Options{Dir: dir, Unsafe: true, MaxConnections: 300, SharedBuffers: "64MB"})
	return err
}

func (s *sharedPostgres) stop() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var err error
	if s.server != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		err = s.server.Stop(ctx)
		s.server = nil
	}
	if s.dir != "" {
		err = errors.Join(err, os.RemoveAll(s.dir))
	}
	return err
}

// Postgres returns the address of a fresh, empty database, which goes when the
// test ends.
func Postgres(tb testing.TB) string {
	tb.Helper()
	server, name, err := shared.next()
	check(tb, err)
	admin(tb, server, "create database "+name)
	tb.Cleanup(func() { admin(tb, server, "drop database if exists "+name+" with (force)") })
	return server.DSN(name)
}

// PreparedPostgres is Postgres with what prepare made: it runs once in a test
// process, and each database is a copy. All callers of a process must prepare the
// same.
func PreparedPostgres(tb testing.TB, prepare func(dsn string) error) string {
	tb.Helper()
	server, name, err := shared.next()
	check(tb, err)
	check(tb, shared.prepare(tb, server, prepare))
	admin(tb, server, "create database "+name+" template "+preparedName)
	tb.Cleanup(func() { admin(tb, server, "drop database if exists "+name+" with (force)") })
	return server.DSN(name)
}

const preparedName = "prepared"

func (s *sharedPostgres) prepare(tb testing.TB, server *postgres.Server, prepare func(dsn string) error) error {
	tb.Helper()
	s.preparing.Lock()
	defer s.preparing.Unlock()
	if !s.prepared {
		s.prepared = true
		admin(tb, server, "create database "+preparedName)
		s.preparation = prepare(server.DSN(preparedName))
	}
	return s.preparation
}

func admin(tb testing.TB, server *postgres.Server, sql string) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, server.DSN("postgres"))
	check(tb, err)
	defer conn.Close(ctx) //nolint:errcheck // nothing was left to say
	_, err = conn.Exec(ctx, sql)
	check(tb, err)
}

// Package reads_test measures reads of the built cmd/api over HTTP, each beside
// its limit in the same run: a bare gorilla/mux handler in a process of its own.
// The load comes from this process over loopback, on the same cores.
package reads_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"github.com/gorilla/mux"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rosterhq/roster/internal/testenv"
)

// limitVariable makes this binary serve the limits instead of running tests: the
// bytes of a file at /ready, and, with a database, one prepared query at /query.
const limitVariable = "BENCH_LIMIT"

var programs string // where the binaries are built

var build = sync.OnceValue(func() error {
	out, err := exec.Command("go", "build", "-o", programs+string(filepath.Separator), "../../cmd/api").CombinedOutput()
	if err != nil {
		return fmt.Errorf("build: %w: %s", err, out)
	}
	return nil
})

func TestMain(m *testing.M) {
	if file := os.Getenv(limitVariable); file != "" {
		fail(serveLimits(file))
	}
	dir, err := os.MkdirTemp("", "roster-bench")
	if err != nil {
		fail(err)
	}
	programs = dir
	testenv.Main(m, func() { _ = os.RemoveAll(dir) })
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

const limitQuery = `select id, number, username, email, name, first_name, last_name, avatar, language, login_type, status, confirmed,
	roles, created_at, updated_at from users_v2.users where id = $1`

// serveLimits says where it listens in the way that cmd/api does.
func serveLimits(file string) error {
	ready, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	router := mux.NewRouter()
	router.HandleFunc("/ready/{user}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(ready)
	})
	if dsn := os.Getenv("DATABASE_URL"); dsn != "" {
		config, err := pgxpool.ParseConfig(dsn)
		if err != nil {
			return err
		}
		config.MaxConns = int32(4 * runtime.GOMAXPROCS(0))
		pool, err := pgxpool.NewWithConfig(context.Background(), config)
		if err != nil {
			return err
		}
		router.HandleFunc("/query/{user}", queryHandler(pool))
	}
	return listen(router)
}

package runtime_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/projections/internal/projtest"
)

// processor returns the processor time spent so far by this process and by
// PostgreSQL: on a busy machine it tells more than the clock.
func processor(b *testing.B, e *projtest.Env) time.Duration {
	b.Helper()
	var own syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &own))
	var backend int
	require.NoError(b, e.Connect().QueryRow(context.Background(), `select pg_backend_pid()`).Scan(&backend))
	postmaster := stat(b, backend)[1]
	total := time.Duration(own.Utime.Nano() + own.Stime.Nano())
	all, err := filepath.Glob("/proc/[0-9]*/stat")
	require.NoError(b, err)
	for _, path := range all {
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		require.NoError(b, err)
		if s := stat(b, pid); s != nil && (s[1] == postmaster || pid == postmaster) {
			ticks := s[11] + s[12]
			if pid == postmaster {
				ticks += s[13] + s[14] // of those that ended
			}
			total += time.Duration(ticks) * 10 * time.Millisecond
		}
	}
	return total
}

// stat returns the numbers of /proc/<pid>/stat from the state on; nil when it is gone.
func stat(b *testing.B, pid int) []int {
	b.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil
	}
	fields := strings.Fields(string(data[strings.LastIndexByte(string(data), ')')+1:]))
	out := make([]int, len(fields))
	for i, f := range fields {
		out[i], _ = strconv.Atoi(f) // the state is a letter
	}
	return out
}

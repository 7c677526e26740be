package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"go.uber.org/zap"
)

// clearOrphan makes way for a new postmaster: it stops a left-over one of this
// very directory and removes the pid file of one that is gone. PostgreSQL does
// the latter itself, except when another process has got the number since.
func clearOrphan(ctx context.Context, dataDir string, log *zap.Logger) error {
	pidFile := filepath.Join(dataDir, "postmaster.pid")
	text, err := os.ReadFile(pidFile)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", pidFile, err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(first))
	if err != nil || pid <= 1 || !exists(pid) {
		return nil //nolint:nilerr // a file without a process: PostgreSQL clears it
	}
	switch identify(pid, dataDir) {
	case processOurs:
		log.Warn("stopping a PostgreSQL left over from an earlier run", zap.Int("pid", pid))
		return stopOrphan(ctx, pid)
	case processOther:
		if err := os.Remove(pidFile); err != nil {
			return fmt.Errorf("remove the pid file of a PostgreSQL that is gone: %w", err)
		}
		return nil
	default:
		return &InUseError{Dir: dataDir, PID: pid, Name: processName(pid)}
	}
}

// exists says whether a process has this number, be it a dead one that its
// parent has not asked after yet.
func exists(pid int) bool {
	err := syscall.Kill(pid, 0)
	return err == nil || errors.Is(err, syscall.EPERM)
}

func alive(pid int) bool { return exists(pid) && !dead(pid) }

func stopOrphan(ctx context.Context, pid int) error {
	if err := syscall.Kill(pid, syscall.SIGINT); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("stop the left-over PostgreSQL %d: %w", pid, err)
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for alive(pid) {
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for the left-over PostgreSQL %d to stop: %w", pid, ctx.Err())
		case <-tick.C:
		}
	}
	return nil
}

// What a process turned out to be.
type processKind int

const (
	processUnknown processKind = iota // may be PostgreSQL in this directory
	processOurs                       // PostgreSQL in this directory
	processOther                      // certainly something else
)

package postgres

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// identify says what a process is. A postmaster's working directory is always
// its data directory.
func identify(pid int, dataDir string) processKind {
	if dead(pid) {
		return processOther
	}
	if name := processName(pid); name != "postgres" && name != "" {
		return processOther
	}
	cwd, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid))
	if err != nil {
		return processUnknown
	}
	own, err := filepath.EvalSymlinks(dataDir)
	if err != nil {
		return processUnknown
	}
	if cwd == own {
		return processOurs
	}
	return processOther
}

// dead says whether a process has ended but is still listed: an orphan's new
// parent may take seconds to ask after it.
func dead(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return errors.Is(err, os.ErrNotExist)
	}
	// The state follows the name, which may hold spaces and parentheses.
	_, rest, found := strings.Cut(string(stat[strings.LastIndexByte(string(stat), ')')+1:]), " ")
	return found && (strings.HasPrefix(rest, "Z") || strings.HasPrefix(rest, "X"))
}

func processName(pid int) string {
	comm, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(comm))
}

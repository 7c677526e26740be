package postgres

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// identify says what a process is. A postmaster's working directory is always
// its data directory.
func identify(pid int, dataDir string) processKind {
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

func processName(pid int) string {
	comm, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(comm))
}

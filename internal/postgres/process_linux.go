package postgres

import "syscall"

// Signals that a child gets when the thread that started it ends.
const (
	deathKill = syscall.SIGKILL
	deathStop = syscall.SIGINT // PostgreSQL's fast shutdown
)

// childAttributes put a child in a process group of its own, so that the
// terminal's Ctrl-C reaches this process alone, and let it end with it.
func childAttributes(as account, death syscall.Signal) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: as.credential(), Setpgid: true, Pdeathsig: death}
}

//go:build unix && !linux

package postgres

import "syscall"

const (
	deathKill = syscall.SIGKILL
	deathStop = syscall.SIGINT
)

// childAttributes put a child in a process group of its own. These systems have
// no death signal: after a kill -9 of this process PostgreSQL goes on, and the
// next start says so.
func childAttributes(as account, _ syscall.Signal) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: as.credential(), Setpgid: true}
}

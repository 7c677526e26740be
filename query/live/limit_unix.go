//go:build unix

package live

import "syscall"

// openFiles is how many files this process may have open. The runtime has raised
// it as far as it goes.
func openFiles() uint64 {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return usualFiles
	}
	return uint64(limit.Cur) //nolint:unconvert // signed on some systems
}

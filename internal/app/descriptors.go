package app

import (
	"syscall"

	"go.uber.org/zap"
)

// descriptorsKept are open files that are not clients' connections: of the embedded
// servers, of connections to others, of streams on disk.
const descriptorsKept = 512

// connectionsWithin is how many connections fit into what the system lets the process
// open: without a descriptor no connection can even be refused.
func connectionsWithin(wanted int, log *zap.Logger) int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return wanted
	}
	allowed := connectionsOf(limit.Cur)
	if wanted <= allowed {
		return wanted
	}
	log.Warn("fewer connections than ROSTER_MAX_CONNECTIONS can be open, since the system bounds open files (ulimit -n)",
		zap.Int("connections", allowed), zap.Uint64("open files", limit.Cur))
	return allowed
}

// connectionsOf leaves at least half of the descriptors to connections.
func connectionsOf(descriptors uint64) int {
	const most = 1 << 30
	d := int(min(descriptors, most))
	return max(d/2, d-descriptorsKept)
}

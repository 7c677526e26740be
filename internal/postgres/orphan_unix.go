//go:build unix && !linux

package postgres

// identify can not tell here what a process is.
func identify(int, string) processKind { return processUnknown }

func processName(int) string { return "unknown program" }

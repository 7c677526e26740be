//go:build unix && !linux

package postgres

// identify can not tell here what a process is.
func identify(int, string) processKind { return processUnknown }

// dead processes can not be told from others here.
func dead(int) bool { return false }

func processName(int) string { return "unknown program" }

// Package config reads the settings of Roster's processes: from flags, else
// from the environment, else defaults. A flag is named like its variable
// (ROSTER_HTTP_ADDR: --http-addr). An empty variable counts as unset.
//
// All settings are checked before anything starts, and all mistakes are
// reported together, each with the name of its setting (*Error). Values that
// are secrets never appear in messages or in what Fields returns.
package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
)

// ErrHelp says that help was asked for and written; there is nothing to run.
var ErrHelp = errors.New("help was shown")

// Error holds all mistakes in the settings.
type Error struct{ Problems []string }

func (e *Error) Error() string { return strings.Join(e.Problems, "\n") }

// DefaultDataDir is /var/lib/roster for root, whose home is closed to the user
// that PostgreSQL runs as, and a folder of the user's otherwise.
func DefaultDataDir(root bool, lookup func(string) (string, bool)) string {
	if root {
		return "/var/lib/roster"
	}
	if dir, ok := lookup("XDG_DATA_HOME"); ok && filepath.IsAbs(dir) {
		return filepath.Join(dir, "roster")
	}
	home, ok := lookup("HOME")
	if !ok || home == "" {
		return filepath.Join(os.TempDir(), "roster")
	}
	return filepath.Join(home, ".local", "share", "roster")
}

package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
)

// minMajor is the oldest major version whose initdb and settings are used here.
const minMajor = 14

// binaries is one installation of PostgreSQL.
type binaries struct {
	dir   string
	major int
}

func (b binaries) path(program string) string { return filepath.Join(b.dir, program) }

// usualFolders are where packages put PostgreSQL's server programs, most of
// which are not on PATH.
func usualFolders() []string {
	return []string{
		"/usr/lib/postgresql/*/bin",          // Debian, Ubuntu
		"/usr/pgsql-*/bin",                   // postgresql.org packages for Red Hat
		"/usr/libexec/postgresql*",           // Alpine
		"/usr/lib/postgresql*/bin",           // SUSE
		"/usr/local/pgsql/bin",               // built from source
		"/usr/local/opt/postgresql@*/bin",    // Homebrew on Intel
		"/usr/local/opt/postgresql/bin",      //
		"/opt/homebrew/opt/postgresql@*/bin", // Homebrew on ARM
		"/opt/homebrew/opt/postgresql/bin",   //
		"/opt/homebrew/bin",                  //
		"/Applications/Postgres.app/Contents/Versions/*/bin",
		"/run/current-system/sw/bin", // NixOS
	}
}

// searchFolders lists PATH's folder of postgres first, then the usual ones.
func searchFolders() []string {
	var dirs []string
	if p, err := exec.LookPath("postgres"); err == nil {
		if real, err := filepath.EvalSymlinks(p); err == nil {
			p = real // a link in /usr/local/bin leads to the folder that has initdb, too
		}
		dirs = append(dirs, filepath.Dir(p))
	}
	return append(dirs, usualFolders()...)
}

// find returns the usable installations in the given folders (patterns
// allowed), in that order.
func find(ctx context.Context, folders []string) ([]binaries, error) {
	var usable []binaries
	var unusable, seen []string
	for _, folder := range folders {
		matches, err := filepath.Glob(folder)
		if err != nil {
			return nil, fmt.Errorf("search %s: %w", folder, err)
		}
		for _, dir := range matches {
			if slices.Contains(seen, dir) {
				continue
			}
			seen = append(seen, dir)
			b, err := inspect(ctx, dir)
			switch {
			case errors.Is(err, os.ErrNotExist):
			case err != nil:
				unusable = append(unusable, err.Error())
			default:
				usable = append(usable, b)
			}
		}
	}
	if len(usable) == 0 {
		return nil, &MissingError{Searched: append([]string{"PATH"}, folders...), Found: unusable}
	}
	return usable, nil
}

var versionText = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)

func inspect(ctx context.Context, dir string) (binaries, error) {
	b := binaries{dir: dir}
	for _, program := range []string{"postgres", "initdb"} {
		if _, err := os.Stat(b.path(program)); err != nil {
			return b, fmt.Errorf("look for %s: %w", b.path(program), err)
		}
	}
	out, err := exec.CommandContext(ctx, b.path("postgres"), "--version").Output()
	if err != nil {
		return b, fmt.Errorf("%s --version: %w", b.path("postgres"), err)
	}
	m := versionText.FindSubmatch(out)
	if m == nil {
		return b, fmt.Errorf("%s says %q", b.path("postgres"), out)
	}
	b.major, err = strconv.Atoi(string(m[1]))
	if err != nil || b.major < minMajor {
		return b, fmt.Errorf("%s is version %s", b.path("postgres"), m[1])
	}
	return b, nil
}

// choose picks the installation for a cluster of the given major version; 0
// means that there is no cluster yet: the one on PATH or, where none is, the
// newest.
func choose(all []binaries, dataDir string, major int, onPath string) (binaries, error) {
	if major == 0 {
		best := all[0]
		for _, b := range all {
			if b.dir == onPath {
				return b, nil
			}
			if b.major > best.major {
				best = b
			}
		}
		return best, nil
	}
	wrong := &VersionError{Dir: dataDir, Data: major}
	for _, b := range all {
		if b.major == major {
			return b, nil
		}
		wrong.Installed = append(wrong.Installed, b.major)
	}
	return binaries{}, wrong
}

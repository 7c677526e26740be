package postgres

import (
	"fmt"
	"strings"
)

// MissingError says that no usable PostgreSQL binaries were found.
type MissingError struct {
	Searched []string // folders
	Found    []string // unusable ones, each with its reason
}

func (e *MissingError) Error() string {
	var b strings.Builder
	b.WriteString("PostgreSQL's programs initdb and postgres (version ")
	fmt.Fprintf(&b, "%d or newer) were not found", minMajor)
	if len(e.Found) > 0 {
		b.WriteString("; unusable: " + strings.Join(e.Found, ", "))
	}
	b.WriteString(". Install them (Debian, Ubuntu: apt-get install postgresql; Fedora: dnf install postgresql-server; " +
		"Alpine: apk add postgresql; macOS: brew install postgresql), put their folder on PATH, " +
		"or set DATABASE_URL to a server of your own. Searched: " + strings.Join(e.Searched, ", "))
	return b.String()
}

// VersionError says that the data directory belongs to another major version of
// PostgreSQL than the installed ones.
type VersionError struct {
	Dir       string
	Data      int
	Installed []int
}

func (e *VersionError) Error() string {
	have := make([]string, len(e.Installed))
	for i, v := range e.Installed {
		have[i] = fmt.Sprint(v)
	}
	return fmt.Sprintf("%s was made by PostgreSQL %d, but installed is %s. Install PostgreSQL %d beside it, "+
		"or move that directory away: the read models in it are built again from the event log at the next start",
		e.Dir, e.Data, strings.Join(have, ", "), e.Data)
}

// AccessError says that the unprivileged user that PostgreSQL runs as can not
// reach the data directory.
type AccessError struct {
	User   string
	Parent string
	Mode   string
}

func (e *AccessError) Error() string {
	return fmt.Sprintf("PostgreSQL runs as user %s, who may not enter %s (mode %s). "+
		"Choose a data directory whose parents everybody may enter, such as /var/lib/roster", e.User, e.Parent, e.Mode)
}

// InUseError says that another process, which is not ours to stop, seems to
// hold the cluster.
type InUseError struct {
	Dir  string
	PID  int
	Name string
}

func (e *InUseError) Error() string {
	return fmt.Sprintf("%s is held by process %d (%s), which can not be shown to be a left-over of ours. "+
		"Stop it, or remove %s/postmaster.pid if it has nothing to do with this directory", e.Dir, e.PID, e.Name, e.Dir)
}

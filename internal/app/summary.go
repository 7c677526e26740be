package app

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// Summary is what a person wants to know after the start.
type Summary struct {
	URL        string
	Took       time.Duration
	DataDir    string // "" when nothing is embedded
	Broker     string
	Database   string
	Projectors string
	Profiles   string // "" when off
	FirstUser  bool   // whether there is one
}

func (a *API) summarize(firstUser bool) Summary {
	s := Summary{
		URL: a.URL(), Took: time.Since(a.began), FirstUser: firstUser,
		Broker: "server of yours (ROSTER_NATS_URL)", Database: "server of yours (DATABASE_URL)", Projectors: "in this process",
	}
	if a.dir != nil {
		s.DataDir = a.dir.path
	}
	if a.config.NATSURL == "" {
		s.Broker = "embedded; a write is on disk before its answer"
		if !a.config.SyncAlways {
			s.Broker = "embedded; a power cut may take the last second (ROSTER_SYNC=interval)"
		}
		if a.config.NATSListen != "" {
			s.Broker += "; address and credentials in " + a.dir.join("nats.url")
		}
	}
	if a.postgres != nil {
		s.Database = fmt.Sprintf("private, version %d; log in %s", a.postgres.Version(), a.postgres.LogPath())
	}
	if !a.config.EmbedProjectors {
		s.Projectors = "off here: cmd/projector must run"
	}
	if a.config.DebugAddr != "" {
		s.Profiles = "http://" + a.config.DebugAddr + "/debug/pprof/"
	}
	return s
}

// Print writes the summary.
func (s Summary) Print(out io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "\nRoster is ready after %.2f s: %s\n\n", s.Took.Seconds(), s.URL)
	for _, line := range [][2]string{
		{"API docs", s.URL + "/docs"},
		{"Health", s.URL + "/readyz"},
		{"Data", s.DataDir},
		{"NATS", s.Broker},
		{"PostgreSQL", s.Database},
		{"Projectors", s.Projectors},
		{"Profiles", s.Profiles},
	} {
		if line[1] != "" {
			fmt.Fprintf(&b, "  %-11s %s\n", line[0], line[1])
		}
	}
	if s.FirstUser {
		fmt.Fprintf(&b, "\nSign in: POST %s/api/v2/users/login. Ctrl-C stops it.\n\n", s.URL)
	} else {
		fmt.Fprintf(&b, `
There is no user yet. Create the first one, who becomes the owner:

  curl -X POST %s/api/v2/users/first -H 'Content-Type: application/json' \
    -d '{"email":"ada@example.com","username":"ada","password":"SomeSecurePassword!"}'

Ctrl-C stops it.

`, s.URL)
	}
	_, err := io.WriteString(out, b.String())
	return err
}

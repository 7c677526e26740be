// Package roster_test guards the shape of the whole: which part may import
// which. Dependencies point one way.
package roster_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/rosterhq/roster/"

// mayImport lists, for each part, the parts of Roster that it may import. A
// part is the longest listed prefix of a package's path; tests are free.
var mayImport = map[string][]string{
	"events":   {},
	"eventlog": {"events"},
	// The conformance suite and the in-memory log live beside the log.
	"eventlog/memlog":  {"events", "eventlog"},
	"eventlog/logtest": {"events"},
	"commands":         {"events"},

	"projections/runtime":     {"events"},
	"projections/users":       {"events", "projections/runtime"},
	"projections/credentials": {"events", "projections/runtime"},
	"projections/skills":      {"events", "projections/runtime"},
	"projections/workspaces":  {"events", "projections/runtime"},
	"projections/history":     {"events", "projections/runtime"},
	"projections/usage":       {"events"},
	"projections/activity":    {"events", "projections/runtime"},
	"projections/statistics":  {"events", "projections/runtime"},
	"projections/accountfeed": {"events", "projections/runtime"},
	"projections": {
		"events", "projections/runtime", "projections/users", "projections/credentials",
		"projections/skills", "projections/workspaces", "projections/history", "projections/activity", "projections/statistics", "projections/accountfeed",
	},

	// What events there are, for those outside; its generator reads the code.
	"catalogue":                   {"events"},
	"catalogue/compatibility":     {},
	"catalogue/internal/generate": {"catalogue", "catalogue/compatibility", "events"},

	// Signed checkpoints of the log, and who verifies them.
	"evidence": {"events"},

	// Copies of the log, and what reads them.
	"archive": {"events", "internal/durable"},
	"export":  {"events", "internal/durable"},

	"query":      {"events"},
	"query/live": {"events", "query"},

	// Adapters to providers of identities.
	"signin": {"events"},

	"api/gate":    {"api/bearer", "api/crowd", "events", "commands", "query", "query/live", "signin", "internal/mail"},
	"api/bearer":  {},
	"api/crowd":   {},
	"api/live":    {},
	"api/sse":     {"query/live"},
	"api/v1":      {"events", "archive", "evidence", "catalogue", "commands", "query", "query/live", "api/crowd", "api/gate", "api/sse", "api/v1/client"}, // the client's generated types are the server's
	"api/codimir": {"events", "commands", "query", "api/gate"},
	"api/abf":     {"events", "commands", "query", "api/gate"},
	"api/coder":   {"events", "commands", "query", "api/gate", "signin", "internal/mail"},
	"api/pm415":   {"events", "commands", "query", "api/bearer", "api/gate", "internal/mail"},
	"api/runwhen": {"events", "commands", "query", "query/live", "api/bearer", "api/crowd", "api/gate", "api/sse", "internal/mail"},
	"api": {
		"events", "catalogue", "commands", "query", "query/live", "api/bearer", "api/crowd", "api/gate", "api/v1", "api/codimir", "api/coder", "api/abf", "api/pm415", "api/runwhen", "api/live",
		"signin", "internal/mail",
	},
	// What only tests import may import everything.
	"api/apitest":                   {"*"},
	"internal/testenv":              {"*"},
	"projections/internal/projtest": {"*"},
	"signin/signintest":             {"*"},
	"test/faults":                   {"*"},
	"test/overload":                 {"*"},
	"deploy":                        {"*"},

	"housekeeping": {"events", "commands", "query"},

	"internal/postgres":   {},
	"internal/natsserver": {},
	"internal/config":     {"evidence"}, // which says what a key is
	"internal/telemetry":  {},
	"internal/gharchive":  {},
	"internal/mail":       {},
	"internal/durable":    {},
	"internal/models":     {"events", "commands", "api/gate", "projections/runtime"},
	"internal/app":        {"*"}, // the one place that composes
	"bench":               {"*"},
	"cmd/api":             {"internal/app", "internal/config", "internal/telemetry"},
	"cmd/projector":       {"internal/app", "internal/config", "internal/telemetry"},
	"cmd/roster":          {"internal/gharchive", "api/v1/client", "events", "archive", "evidence", "export", "internal/app", "internal/config"},
	"api/v1/client":       {},
}

// mayUse lists the parts that alone may import a library: adapters are named by
// what they adapt.
var mayUse = map[string][]string{
	"github.com/nats-io/nats.go":        {"eventlog", "projections/runtime", "internal/natsserver", "internal/testenv", "internal/app", "api/apitest", "projections/internal/projtest", "bench"},
	"github.com/nats-io/nats-server/v2": {"internal/natsserver", "internal/testenv", "bench"},
	"github.com/jackc/pgx/v5":           {"projections/runtime", "projections/statistics", "projections/usage", "query", "housekeeping", "internal/postgres", "internal/testenv", "internal/models", "internal/app", "api/apitest", "projections/internal/projtest", "bench"},
	"github.com/gorilla/mux":            {"api", "api/gate", "api/live", "api/v1", "api/codimir", "api/coder", "api/abf", "api/pm415", "api/runwhen", "bench"},
	"golang.org/x/oauth2":               {"signin"},
	"github.com/parquet-go/parquet-go":  {"export"},
	"github.com/coreos/go-oidc/v3":      {"signin"},
	"golang.org/x/mod":                  {"evidence", "cmd/roster"},
	"github.com/go-jose/go-jose/v4":     {"signin/signintest"},
}

type goPackage struct {
	ImportPath string
	Imports    []string
}

func packages(t *testing.T) []goPackage {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports", "./...").Output()
	require.NoError(t, err)
	var list []goPackage
	dec := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p goPackage
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			return list
		}
		require.NoError(t, err)
		list = append(list, p)
	}
}

// part returns the listed part that a package belongs to.
func part(path string) string {
	for p := path; p != ""; {
		if _, ok := mayImport[p]; ok {
			return p
		}
		cut := strings.LastIndex(p, "/")
		if cut < 0 {
			return ""
		}
		p = p[:cut]
	}
	return ""
}

func TestDependenciesPointOneWay(t *testing.T) {
	t.Parallel()
	list := packages(t)
	require.NotEmpty(t, list)
	for _, p := range list {
		path, ours := strings.CutPrefix(p.ImportPath, module)
		if !ours {
			continue
		}
		from := part(path)
		if !requireListed(t, path, from) {
			continue
		}
		for _, imported := range p.Imports {
			checkImport(t, path, from, imported)
		}
	}
}

func requireListed(t *testing.T, path, from string) bool {
	t.Helper()
	if from == "" {
		t.Errorf("%s belongs to no part: say in this test what it may import", path)
	}
	return from != ""
}

func checkImport(t *testing.T, path, from, imported string) {
	t.Helper()
	if other, ours := strings.CutPrefix(imported, module); ours {
		to := part(other)
		allowed := mayImport[from]
		if to != from && !slices.Contains(allowed, to) && !slices.Contains(allowed, "*") {
			t.Errorf("%s imports %s: %s may import %v only", path, other, from, allowed)
		}
		return
	}
	for library, users := range mayUse {
		if (imported == library || strings.HasPrefix(imported, library+"/")) && !slices.Contains(users, from) {
			t.Errorf("%s imports %s: only %v may", path, imported, users)
		}
	}
}

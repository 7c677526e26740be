package main

import (
	"encoding/base64"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestNothingIsLeftOfWhoWasErased searches every file of an installation, its archive
// and an export for what was known of a person.
func TestNothingIsLeftOfWhoWasErased(t *testing.T) {
	t.Parallel()
	i := startIn(t, newDir(t))
	token := i.enter(t)
	planted := []string{"zanzibarquince@example.net", "Zanzibara Quincely", "zanzibarquince", "Quincewords of hers", "198.51.100.77", "Quincebrowser"}
	i.call(t, http.StatusCreated, http.MethodPost, "/v1/users", token,
		`{"username":"zanzibarquince","email":"zanzibarquince@example.net","name":"Zanzibara Quincely","password":"`+somePassword+`"}`)
	id := i.call(t, http.StatusOK, http.MethodGet, "/v1/users/zanzibarquince", token, "")["id"].(string)
	hers := i.from(t, "/api/v2/users/login", `{"email":"zanzibarquince@example.net","password":"`+somePassword+`"}`)["session_token"].(string)
	i.call(t, http.StatusOK, http.MethodPatch, "/v1/users/me", hers, `{"name":"Zanzibara Quincely the Second"}`)
	i.call(t, http.StatusOK, http.MethodPost, "/v1/activities", token, `[{"source":"tracker","id":"1","type":"ticket","action":"created",
		"user":{"username":"zanzibarquince"},"entity":{"id":"e","title":"Quincewords of hers"},"metadata":{"note":"Quincewords of hers"},"occurredAt":"2026-05-03T12:00:00Z"}]`)
	require.Contains(t, strings.Join(i.feed(t, token, id), "\n"), "Quincewords of hers")
	postgres := filepath.Join(i.dir, "postgresql")
	require.NotEmpty(t, hits(t, postgres, planted), "the search finds what is there")

	kept := filepath.Join(t.TempDir(), "archive")
	code, _, complained := i.roster(t, token, "archive", "--out", kept)
	require.Zero(t, code, complained)
	code, said, complained := i.roster(t, token, "erase", id, "--yes", "--archive", kept, "--scrub", "--data-dir", i.dir)
	require.Zero(t, code, complained)
	require.Contains(t, said, "PostgreSQL was written anew\n")
	exported := filepath.Join(t.TempDir(), "export")
	code, _, complained = i.roster(t, token, "export", "--format", "ndjson", "--out", exported)
	require.Zero(t, code, complained)
	for name, place := range map[string]string{"installation": i.dir, "archive": kept, "export": exported} {
		require.Empty(t, hits(t, place, planted), name)
	}

	code, said, complained = i.roster(t, token, "verify", "--archive", kept)
	require.Zero(t, code, complained, "every read model is built from the log")
	require.NotContains(t, said, "DIFFERS")
	require.Empty(t, hits(t, i.dir, planted), "and building it brings nothing back")
}

// from is a call with an address and a user agent that stand out.
func (i *installation) from(t *testing.T, path, body string) map[string]any {
	t.Helper()
	before := i.http.Transport
	defer func() { i.http.Transport = before }()
	i.http.Transport = marked{before}
	return i.call(t, http.StatusCreated, http.MethodPost, path, "", body)
}

type marked struct{ http.RoundTripper }

func (m marked) RoundTrip(r *http.Request) (*http.Response, error) {
	r.Header.Set("User-Agent", "Quincebrowser/1.0")
	r.Header.Set("X-Forwarded-For", "198.51.100.77")
	return m.RoundTripper.RoundTrip(r)
}

// hits lists in which regular files below a directory one of some texts lies, in
// clear or in base64.
func hits(t *testing.T, dir string, texts []string) []string {
	t.Helper()
	var out []string
	require.NoError(t, filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return ignoreGone(err)
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return ignoreGone(err)
		}
		for _, text := range texts {
			if strings.Contains(string(content), text) || strings.Contains(string(content), base64.RawStdEncoding.EncodeToString([]byte(text))) {
				out = append(out, path+": "+text)
			}
		}
		return nil
	}))
	return out
}

// ignoreGone: PostgreSQL removes files while they are read.
func ignoreGone(err error) error {
	if os.IsNotExist(err) {
		return nil
	}
	return err
}

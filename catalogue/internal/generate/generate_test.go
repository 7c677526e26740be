package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/events"
)

const root = "../../.."

// What is committed is what the code says, and nothing that was released changed.
func TestGeneratedFilesAreUpToDate(t *testing.T) {
	t.Parallel()
	files, err := generated(root)
	require.NoError(t, err)
	require.Greater(t, len(files), 50)
	names := map[string]bool{}
	for _, f := range files {
		committed, err := os.ReadFile(f.path)
		require.NoError(t, err, "run go generate ./catalogue")
		require.Equal(t, string(f.text), string(committed), "%s is stale: run go generate ./catalogue", f.path)
		names[filepath.Base(f.path)] = true
	}
	there, err := os.ReadDir(filepath.Join(root, "catalogue", "schemas"))
	require.NoError(t, err)
	for _, f := range there {
		require.True(t, names[f.Name()], "%s belongs to no type", f.Name())
	}
}

// A changed release is refused before anything is written.
func TestGenerateRefusesWhatReadersWouldNotBear(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, path := range []string{"events", "catalogue/schemas", "docs"} {
		require.NoError(t, os.MkdirAll(filepath.Join(dir, path), 0o755))
	}
	require.NoError(t, os.CopyFS(filepath.Join(dir, "events"), os.DirFS(filepath.Join(root, "events"))))
	require.NoError(t, run(dir), "the first time")
	schema := filepath.Join(dir, "catalogue", "schemas", "roster.group.renamed.v1.json")
	require.NoError(t, os.WriteFile(schema, []byte(`{"x-stream":"ROSTER","type":"object","properties":{"title":{"type":"string"}}}`), 0o600))
	require.NoError(t, os.Remove(filepath.Join(dir, "docs", "events.md")))

	err := run(dir)
	require.ErrorContains(t, err, `roster.group.renamed.v1: member "title" was removed or renamed; a released event never changes: `+
		`leave it as it was, add roster.group.renamed.v2, and register the old one with an upcaster`)
	require.NoFileExists(t, filepath.Join(dir, "docs", "events.md"))

	require.NoError(t, os.Rename(schema, filepath.Join(dir, "catalogue", "schemas", "roster.group.painted.v1.json")))
	require.ErrorContains(t, run(dir), "roster.group.painted.v1: is gone from the code")
}

// Whoever reads the catalogue learns of every member what it means.
func TestEverythingIsDescribed(t *testing.T) {
	t.Parallel()
	made := allSchemas(t)
	for _, s := range made {
		require.NotEmpty(t, s.entry.Description, s.typ)
		for _, m := range append(s.entry.Members, s.entry.Sealed...) {
			require.NotEmpty(t, m.Description, "%s: give member %s a comment", s.typ, m.Name)
		}
	}
}

func allSchemas(t *testing.T) []schema {
	t.Helper()
	source, err := readSource(filepath.Join(root, "events"))
	require.NoError(t, err)
	made, err := schemas(events.Released(), source, filepath.Join(root, "events", "testdata", "golden"))
	require.NoError(t, err)
	return made
}

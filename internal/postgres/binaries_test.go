package postgres

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// fakePrograms makes an installation that says it is of a version.
func fakePrograms(t *testing.T, version string) string {
	t.Helper()
	dir := t.TempDir()
	script := fmt.Sprintf("#!/bin/sh\necho 'postgres (PostgreSQL) %s'\n", version)
	for _, name := range []string{"postgres", "initdb"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(script), 0o700))
	}
	return dir
}

func TestMissingProgramsAreReported(t *testing.T) {
	t.Parallel()
	_, err := Start(t.Context(), Options{Dir: testDir(t), Folders: []string{t.TempDir()}})
	var missing *MissingError
	require.ErrorAs(t, err, &missing)
	require.ErrorContains(t, err, "apt-get install postgresql")
}

func TestOldProgramsAreNamed(t *testing.T) {
	t.Parallel()
	old := fakePrograms(t, "9.6.24")
	_, err := find(t.Context(), []string{old})
	require.ErrorContains(t, err, old+"/postgres is version 9")
}

func TestProgramsAreFoundByPattern(t *testing.T) {
	t.Parallel()
	a, b := fakePrograms(t, "16.4 (Debian 16.4-1)"), fakePrograms(t, "17beta1")
	all, err := find(t.Context(), []string{a, filepath.Dir(a) + "/*", b})
	require.NoError(t, err)
	require.Equal(t, []binaries{{a, 16}, {b, 17}}, all[:2])
}

func TestChoose(t *testing.T) {
	t.Parallel()
	all := []binaries{{"/a", 15}, {"/b", 17}, {"/c", 16}}
	for name, c := range map[string]struct {
		major  int
		onPath string
		want   string
	}{
		"new cluster: the one on PATH":    {0, "/a", "/a"},
		"new cluster: the newest":         {0, "/nowhere", "/b"},
		"old cluster: the one it is from": {16, "/a", "/c"},
	} {
		b, err := choose(all, "/data", c.major, c.onPath)
		require.NoError(t, err, name)
		require.Equal(t, c.want, b.dir, name)
	}
	_, err := choose(all, "/data", 14, "/a")
	require.ErrorContains(t, err, "made by PostgreSQL 14, but installed is 15, 17, 16")
}

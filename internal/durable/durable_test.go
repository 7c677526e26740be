package durable_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/internal/durable"
)

func TestAFileIsWholeOrAsItWas(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	require.NoError(t, durable.Replace(path, []byte("first")))

	half, err := durable.Create(path)
	require.NoError(t, err)
	_, err = half.WriteString("sec")
	require.NoError(t, err)
	require.Equal(t, "first", read(t, path))
	require.NoError(t, half.Drop())
	require.Equal(t, "first", read(t, path))

	require.NoError(t, durable.Replace(path, []byte("second")))
	require.Equal(t, "second", read(t, path))
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1, "no draft is left")
	info, err := entries[0].Info()
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}

func TestWhatCanNotBeWrittenChangesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.Error(t, durable.Replace(filepath.Join(dir, "absent", "file"), nil))
	require.Error(t, durable.SyncDir(filepath.Join(dir, "absent")))

	path := filepath.Join(dir, "directory")
	require.NoError(t, os.MkdirAll(filepath.Join(path, "full"), 0o700))
	require.Error(t, durable.Replace(path, []byte("text")), "a directory has that name")
	require.DirExists(t, filepath.Join(path, "full"))
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(data)
}

package archive_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/archive"
)

// correctManifest makes the manifest say of a segment what its file says.
func correctManifest(t *testing.T, dir, path string) {
	t.Helper()
	file := filepath.Join(dir, "manifest.json")
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	var m archive.Manifest
	require.NoError(t, json.Unmarshal(text, &m))
	segment, err := os.ReadFile(path)
	require.NoError(t, err)
	sum := sha256.Sum256(segment)
	at := slices.IndexFunc(m.Segments, func(s archive.Segment) bool { return filepath.Base(s.File) == filepath.Base(path) })
	m.Segments[at].SHA256, m.Segments[at].Bytes = hex.EncodeToString(sum[:]), int64(len(segment))
	lastLine(t, &m.Segments[at], path)
	for i := range m.Segments { // whoever forges goes on to the next
		if m.Segments[i].Stream == m.Segments[at].Stream && m.Segments[i].From == m.Segments[at].To+1 {
			m.Segments[i].Previous = m.Segments[at].SHA256
		}
	}
	text, err = json.Marshal(m)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, text, 0o600))
}

func withoutSegment(t *testing.T, text []byte, at int) string {
	t.Helper()
	var m archive.Manifest
	require.NoError(t, json.Unmarshal(text, &m))
	m.Segments = slices.Delete(m.Segments, at, at+1)
	out, err := json.Marshal(m)
	require.NoError(t, err)
	return string(out)
}

// lastLine corrects the digest of a segment's last message.
func lastLine(t *testing.T, s *archive.Segment, path string) {
	t.Helper()
	lines := slices.Collect(linesOf(t, path))
	sum := sha256.Sum256([]byte(lines[len(lines)-1]))
	s.LastDigest = hex.EncodeToString(sum[:])
}

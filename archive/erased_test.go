package archive_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/archive"
	"github.com/rosterhq/roster/events"
)

func TestErasuresAreFoundInTheLog(t *testing.T) {
	t.Parallel()
	dir := made(t)
	a := opened(t, dir)
	p := a.Append(events.Roster)
	m := message(events.Roster, a.Manifest().End(events.Roster).To+1)
	m.Subject, m.Headers["ce-type"] = "roster.user.grace", []string{"roster.user.erased.v1"}
	require.NoError(t, p.Add(m))
	require.NoError(t, p.Commit())
	require.NoError(t, a.Close())

	r, err := archive.Read(dir)
	require.NoError(t, err)
	erased, err := r.Erased(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"grace"}, erased)

	older := []events.WrappedKey{
		{Name: events.InstallationSecret, Box: []byte("secret")},
		{Name: "user.grace", Box: []byte("key of grace")},
		{Name: "user.alan", Box: []byte("key of alan")},
	}
	require.Equal(t, []events.WrappedKey{
		older[0], older[2], {Name: "user.grace", Erased: true}, {Name: "user.linus", Erased: true},
	}, archive.Forget(older, []string{"grace", "linus", "grace"}), "also of whom the copy knows nothing")
	require.Equal(t, older, archive.Forget(older, nil))
}

// TestOldKeysAreOverwritten holds on to the file that is replaced.
func TestOldKeysAreOverwritten(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys")
	require.NoError(t, archive.WriteKeys(path, installation, []events.WrappedKey{{Name: "user.grace", Box: []byte("key of grace")}}))
	second := path + "-second-name"
	require.NoError(t, os.Link(path, second))
	before, err := os.ReadFile(second)
	require.NoError(t, err)

	require.NoError(t, archive.WriteKeys(path, installation, []events.WrappedKey{{Name: "user.grace", Erased: true}}))
	_, keys, err := archive.ReadKeys(path)
	require.NoError(t, err)
	require.Equal(t, []events.WrappedKey{{Name: "user.grace", Erased: true}}, keys)
	after, err := os.ReadFile(second)
	require.NoError(t, err)
	require.Equal(t, make([]byte, len(before)), after)
}

package config_test

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/evidence"
	"github.com/rosterhq/roster/internal/config"
)

func TestCheckpointSettings(t *testing.T) {
	t.Parallel()
	c, err := config.ReadAPI(input(nil))
	require.NoError(t, err)
	require.Equal(t, config.Checkpoints{Interval: 5 * time.Minute}, c.Checkpoints)

	secret, err := evidence.MakeKey(rand.Reader, "example.org")
	require.NoError(t, err)
	key, err := evidence.ParseKey(secret)
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "key")
	require.NoError(t, os.WriteFile(path, []byte(secret+"\n"), 0o600))
	for _, value := range []string{secret, "file:" + path} {
		c, err = config.ReadAPI(input(map[string]string{
			"ROSTER_CHECKPOINT_KEY": value, "ROSTER_CHECKPOINT_FORMER_KEYS": key.Public() + ", " + key.Public(), "ROSTER_CHECKPOINT_INTERVAL": "1m",
		}))
		require.NoError(t, err)
		require.Equal(t, key.Public(), c.Checkpoints.Key.Public())
		require.Len(t, c.Checkpoints.Former, 2)
		require.Equal(t, time.Minute, c.Checkpoints.Interval)
		for _, s := range c.Shown() {
			require.NotContains(t, s.Value, secret, s.Name)
		}
	}
	for name, value := range map[string]string{
		"ROSTER_CHECKPOINT_KEY": secret[:len(secret)-3], "ROSTER_CHECKPOINT_FORMER_KEYS": "x", "ROSTER_CHECKPOINT_INTERVAL": "1ms",
	} {
		_, err = config.ReadAPI(input(map[string]string{name: value}))
		require.True(t, config.IsMistake(err), name)
		require.ErrorContains(t, err, name+" ")
		require.NotContains(t, err.Error(), secret[:len(secret)-3])
	}
}

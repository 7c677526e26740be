package config_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap/zapcore"

	"github.com/rosterhq/roster/internal/config"
)

var key = bytes.Repeat([]byte{7}, 32)

func input(env map[string]string, args ...string) config.Input {
	return config.Input{
		Args: args, Name: "api", Out: &bytes.Buffer{},
		Lookup: func(name string) (string, bool) { v, ok := env[name]; return v, ok },
	}
}

func TestNothingConfiguredIsTheWholeSystem(t *testing.T) {
	t.Parallel()
	c, err := config.ReadAPI(input(map[string]string{"HOME": "/home/ada"}))
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1:8080", c.HTTPAddr)
	require.Equal(t, "/home/ada/.local/share/roster", c.DataDir)
	require.Empty(t, c.NATSURL+c.DatabaseURL+c.NATSListen+c.DebugAddr+c.NATSPrefix)
	require.Nil(t, c.MasterKey)
	require.True(t, c.SyncAlways && c.EmbedProjectors && c.RateLimits)
	require.False(t, c.SignUp)
	require.Equal(t, config.Dialects(), c.Dialects)
	require.Equal(t, 1, c.NATSReplicas)
	require.Equal(t, zapcore.InfoLevel, c.LogLevel)
}

func TestDefaultDataDir(t *testing.T) {
	t.Parallel()
	env := func(kv ...string) func(string) (string, bool) {
		return func(name string) (string, bool) {
			for i := 0; i < len(kv); i += 2 {
				if kv[i] == name {
					return kv[i+1], true
				}
			}
			return "", false
		}
	}
	require.Equal(t, "/var/lib/roster", config.DefaultDataDir(true, env("XDG_DATA_HOME", "/x")))
	require.Equal(t, "/x/roster", config.DefaultDataDir(false, env("XDG_DATA_HOME", "/x", "HOME", "/h")))
	require.Equal(t, "/h/.local/share/roster", config.DefaultDataDir(false, env("XDG_DATA_HOME", "relative", "HOME", "/h")))
}

func TestFlagsWinOverTheEnvironmentAndEmptyMeansUnset(t *testing.T) {
	t.Parallel()
	c, err := config.ReadAPI(input(map[string]string{
		"ROSTER_HTTP_ADDR": "127.0.0.1:1", "ROSTER_SYNC": "interval", "ROSTER_SIGNUP": "",
	}, "--http-addr=127.0.0.1:2", "--projectors", "off"))
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1:2", c.HTTPAddr)
	require.False(t, c.SyncAlways || c.SignUp || c.EmbedProjectors)
}

func TestAllMistakesAreReportedEachByItsSetting(t *testing.T) {
	t.Parallel()
	wrong := map[string]string{
		"ROSTER_HTTP_ADDR": "8080", "ROSTER_SIGNUP": "yes", "ROSTER_NATS_URL": "http://broker",
		"DATABASE_URL": "mysql://root:secret@db/x", "ROSTER_MASTER_KEY": "topsecret", "ROSTER_SYNC": "never",
		"ROSTER_RATE_LIMITS": "maybe", "ROSTER_LOG_LEVEL": "loud", "ROSTER_PROJECTORS": "on",
		"ROSTER_NATS_LISTEN": "0.0.0.0:4222", "ROSTER_DIALECTS": "klingon", "ROSTER_NATS_PREFIX": "a.b",
		"ROSTER_NATS_REPLICAS": "2", "ROSTER_PASSWORD_MIN_ENTROPY": "NaN", "ROSTER_DEBUG_ADDR": "10.0.0.1:6060",
		"ROSTER_ACCESS_URL": "users.example.com", "ROSTER_SECURE_COOKIES": "yes", "ROSTER_PASSWORD_AUTH": "no", "ROSTER_DORMANCY": "0",
		"ROSTER_SESSION_DURATION": "24", "ROSTER_DEFAULT_TOKEN_LIFETIME": "-1h", "ROSTER_MAX_TOKEN_LIFETIME": "9999999999h",
		"ROSTER_MAX_ADMIN_TOKEN_LIFETIME": "1s", "ROSTER_API_RATE_LIMIT": "0", "ROSTER_NUMBERS_FROM": "1.5",
	}
	_, err := config.ReadAPI(input(wrong))
	require.True(t, config.IsMistake(err))
	for name := range wrong {
		require.Contains(t, "\n"+err.Error(), "\n"+name+" ")
	}
	require.NotContains(t, err.Error(), "secret")
}

func TestSingleMistakes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, value string }{
		{"ROSTER_HTTP_ADDR", "localhost:http"},
		{"ROSTER_HTTP_ADDR", "localhost:70000"},
		{"ROSTER_MASTER_KEY", "file:/does/not/exist"},
		{"ROSTER_MASTER_KEY", hex.EncodeToString(key[:31])},
		{"ROSTER_NATS_REPLICAS", "3"}, // needs a cluster
		{"ROSTER_PASSWORD_MIN_ENTROPY", "-1"},
		{"ROSTER_CACHE_SIZE", "-1"},
		{"ROSTER_NUMBERS_FROM", "0"},
		{"ROSTER_NATS_LISTEN", "example.com:4222"},
		{"ROSTER_DIALECTS", "codimir,,coder"},
		{"DATABASE_URL", "::"},
	} {
		_, err := config.ReadAPI(input(map[string]string{c.name: c.value}))
		require.True(t, config.IsMistake(err), "%s=%s", c.name, c.value)
		require.True(t, strings.HasPrefix(err.Error(), c.name+" "), err.Error())
	}
	_, err := config.ReadAPI(input(nil, "--no-such-flag"))
	require.True(t, config.IsMistake(err))
}

func TestExternalNATSNeedsTheMasterKey(t *testing.T) {
	t.Parallel()
	_, err := config.ReadAPI(input(map[string]string{"ROSTER_NATS_URL": "nats://a:4222,nats://b:4222"}))
	require.ErrorContains(t, err, "ROSTER_MASTER_KEY is required")
	_, err = config.ReadProjector(input(nil))
	for _, name := range []string{"ROSTER_NATS_URL", "DATABASE_URL", "ROSTER_MASTER_KEY"} {
		require.ErrorContains(t, err, name+" is required")
	}
}

func TestMasterKeyForms(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "key")
	require.NoError(t, os.WriteFile(path, []byte(base64.StdEncoding.EncodeToString(key)+"\n"), 0o600))
	for _, text := range []string{
		hex.EncodeToString(key), base64.StdEncoding.EncodeToString(key),
		base64.RawURLEncoding.EncodeToString(key), "file:" + path,
	} {
		c, err := config.ReadAPI(input(map[string]string{"ROSTER_MASTER_KEY": text}))
		require.NoError(t, err, text)
		require.Equal(t, key, c.MasterKey)
	}
}

func TestShownSettingsHoldNoSecrets(t *testing.T) {
	t.Parallel()
	c, err := config.ReadProjector(input(map[string]string{
		"ROSTER_MASTER_KEY": hex.EncodeToString(key),
		"ROSTER_NATS_URL":   "nats://tokensecret@a:4222,nats://u:passsecret@b:4222",
		"DATABASE_URL":      "postgres://u:dbsecret@db/roster?password=querysecret",
	}))
	require.NoError(t, err)
	shown := c.Shown()
	require.NotEmpty(t, shown)
	for _, s := range shown {
		require.NotContains(t, s.Value, "secret", s.Name)
		require.NotContains(t, s.Value, hex.EncodeToString(key))
	}
	_, err = config.ReadProjector(input(map[string]string{
		"ROSTER_MASTER_KEY": hex.EncodeToString(key), "ROSTER_NATS_URL": "nats://a", "DATABASE_URL": "host=db password='very secret' user=u",
	}))
	require.NoError(t, err)
}

func TestHelpListsEverySettingWithItsDefault(t *testing.T) {
	t.Parallel()
	in := input(nil, "--help")
	out := &bytes.Buffer{}
	in.Out = out
	_, err := config.ReadAPI(in)
	require.ErrorIs(t, err, config.ErrHelp)
	text := strings.Join(strings.Fields(out.String()), " ")
	for _, name := range []string{
		"ROSTER_HTTP_ADDR", "ROSTER_DATA_DIR", "ROSTER_SIGNUP", "ROSTER_NATS_URL", "DATABASE_URL", "ROSTER_MASTER_KEY",
		"ROSTER_SYNC", "ROSTER_RATE_LIMITS", "ROSTER_LOG_LEVEL", "ROSTER_PROJECTORS", "ROSTER_NATS_LISTEN", "ROSTER_DIALECTS",
		"ROSTER_NATS_PREFIX", "ROSTER_NATS_REPLICAS", "ROSTER_PASSWORD_MIN_ENTROPY", "ROSTER_DEBUG_ADDR", "ROSTER_CACHE_SIZE", "ROSTER_NUMBERS_FROM",
		"--http-addr=127.0.0.1:8080",
	} {
		require.Contains(t, text, name)
	}
}

func TestMisspeltVariablesAreNoticed(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"ROSTER_SING_UP"},
		config.Unknown([]string{"ROSTER_SING_UP=on", "ROSTER_SIGNUP=on", "PATH=/bin", "ROSTER_TOKEN=x"}))
}

package config_test

import (
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/internal/config"
)

func TestTransportSettings(t *testing.T) {
	t.Parallel()
	c, err := config.ReadAPI(input(nil))
	require.NoError(t, err)
	require.Equal(t, config.Transport{MaxRequests: 1024, MaxConnections: 12288}, c.Transport, "plain HTTP, nobody is trusted")

	c, err = config.ReadAPI(input(map[string]string{
		"ROSTER_TRUSTED_PROXIES": "10.1.2.3/8, 192.0.2.7,::1",
		"ROSTER_CORS_ORIGINS":    "https://App.example.com,http://localhost:3000",
	}))
	require.NoError(t, err)
	require.Equal(t, []netip.Prefix{
		netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.0.2.7/32"), netip.MustParsePrefix("::1/128"),
	}, c.TrustedProxies)
	require.Equal(t, []string{"https://app.example.com", "http://localhost:3000"}, c.CORSOrigins)
}

func TestWrongTransportSettings(t *testing.T) {
	t.Parallel()
	nothing := filepath.Join(t.TempDir(), "nothing.pem")
	require.NoError(t, os.WriteFile(nothing, []byte("nothing"), 0o600))
	for name, set := range map[string]map[string]string{
		"ROSTER_TLS_KEY is required":  {"ROSTER_TLS_CERT": nothing},
		"ROSTER_TLS_CERT is required": {"ROSTER_TLS_KEY": nothing},
		"ROSTER_TLS_CERT and":         {"ROSTER_TLS_KEY": nothing, "ROSTER_TLS_CERT": nothing},
		"ROSTER_TRUSTED_PROXIES must": {"ROSTER_TRUSTED_PROXIES": "10.0.0.0/33"},
		`not "proxy"`:                 {"ROSTER_TRUSTED_PROXIES": "::1,proxy"},
		"ROSTER_CORS_ORIGINS must":    {"ROSTER_CORS_ORIGINS": "*"},
		`not "https://*.x.com"`:       {"ROSTER_CORS_ORIGINS": "https://*.x.com"},
		`not "https://x.com/"`:        {"ROSTER_CORS_ORIGINS": "https://x.com/"},
		`not "ftp://x.com"`:           {"ROSTER_CORS_ORIGINS": "ftp://x.com"},
		`not "null"`:                  {"ROSTER_CORS_ORIGINS": "null"},
	} {
		_, err := config.ReadAPI(input(set))
		require.ErrorContains(t, err, name)
	}
}

package config_test

import (
	"bytes"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/internal/config"
)

func TestAccountSettings(t *testing.T) {
	t.Parallel()
	c, err := config.ReadAPI(input(nil))
	require.NoError(t, err)
	require.Equal(t, config.Accounts{
		SecureCookies: "auto", PasswordAuth: true, Dormancy: 90 * 24 * time.Hour, KeyRetention: 30 * 24 * time.Hour, SessionDuration: 24 * time.Hour,
		DefaultTokenLifetime: 168 * time.Hour, MaxTokenLifetime: 876600 * time.Hour, MaxAdminTokenLifetime: 168 * time.Hour,
		APIRateLimit: 512, CookieSites: "lax",
	}, c.Accounts)

	c, err = config.ReadAPI(input(map[string]string{
		"ROSTER_ACCESS_URL": "https://users.example.com:8443/", "ROSTER_DORMANCY": "off", "ROSTER_KEY_RETENTION": "off", "ROSTER_SESSION_DURATION": "90m",
		"ROSTER_MAX_TOKEN_LIFETIME": "365d", "ROSTER_PASSWORD_AUTH": "off",
		"ROSTER_HOST_PREFIX_COOKIE": "on", "ROSTER_SAME_SITE_COOKIES": "none", "ROSTER_SESSION_REFRESH": "off",
		"ROSTER_TERMS_OF_SERVICE_URL": "https://example.com/terms",
	}))
	require.NoError(t, err)
	require.Equal(t, "https://users.example.com:8443", c.AccessURL)
	require.Zero(t, c.Dormancy)
	require.Zero(t, c.KeyRetention)
	require.False(t, c.PasswordAuth)
	require.True(t, c.HostCookies)
	require.True(t, c.FixedLives)
	require.Equal(t, []string{"none", "https://example.com/terms"}, []string{c.CookieSites, c.TermsURL})
	require.Equal(t, 90*time.Minute, c.SessionDuration)
	require.Equal(t, 365*24*time.Hour, c.MaxTokenLifetime)
}

func TestWrongAccountSettings(t *testing.T) {
	t.Parallel()
	for name, values := range map[string][]string{
		"ROSTER_ACCESS_URL":           {"ftp://x", "https://", "https://u:p@x", "https://x/y", "https://x?y", "https://x#y", "::"},
		"ROSTER_HOST_PREFIX_COOKIE":   {"yes"},
		"ROSTER_SAME_SITE_COOKIES":    {"strict"},
		"ROSTER_SESSION_REFRESH":      {"no"},
		"ROSTER_TERMS_OF_SERVICE_URL": {"terms", "ftp://x/y"},
		"ROSTER_DORMANCY":             {"-1d", "1m", "99999999999999999999d", "d", "ninety"},
		"ROSTER_KEY_RETENTION":        {"0", "23h", "401d", "never"},
		"ROSTER_SESSION_DURATION":     {"off", "500d", "1s", "2562048h"},
		"ROSTER_API_RATE_LIMIT":       {"x", "1e9", "-1", "1.5"},
		"ROSTER_ABF_HOURLY_LIMIT":     {"x", "1e3", "-1", "0.5"},
	} {
		for _, value := range values {
			_, err := config.ReadAPI(input(map[string]string{name: value}))
			require.True(t, config.IsMistake(err), "%s=%s", name, value)
			require.True(t, strings.HasPrefix(err.Error(), name+" "), err.Error())
		}
	}
}

var variable = regexp.MustCompile(`\$(ROSTER_[A-Z_]+|DATABASE_URL)\)`)

// TestReadmeListsEverySetting: the table of the README has each setting once, and
// no other.
func TestReadmeListsEverySetting(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	var listed []string
	for _, row := range regexp.MustCompile("(?m)^\\| `(ROSTER_[A-Z_]+|DATABASE_URL)` \\|").FindAllStringSubmatch(string(text), -1) {
		listed = append(listed, row[1])
	}
	var known []string
	for _, read := range []func(config.Input) error{
		func(in config.Input) error { _, err := config.ReadAPI(in); return err },
		func(in config.Input) error { _, err := config.ReadProjector(in); return err },
	} {
		in, out := input(nil, "--help"), &bytes.Buffer{}
		in.Out = out
		require.ErrorIs(t, read(in), config.ErrHelp)
		for _, m := range variable.FindAllStringSubmatch(out.String(), -1) {
			known = append(known, m[1])
		}
	}
	slices.Sort(known)
	slices.Sort(listed)
	require.Equal(t, slices.Compact(known), listed)
}

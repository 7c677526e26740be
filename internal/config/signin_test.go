package config_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/internal/config"
)

func TestNobodySignsInByAProviderUnlessToldSo(t *testing.T) {
	t.Parallel()
	c, err := config.ReadAPI(input(nil))
	require.NoError(t, err)
	require.Nil(t, c.OIDC)
	require.Nil(t, c.GitHub)
	require.Zero(t, c.Mail)
}

func TestProvidersAreRead(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(path, []byte("hidden\n"), 0o600))
	c, err := config.ReadAPI(input(map[string]string{
		"ROSTER_OIDC_ISSUER": "https://id.example.com/", "ROSTER_OIDC_CLIENT_ID": "roster", "ROSTER_OIDC_CLIENT_SECRET": "file:" + path,
		"ROSTER_OIDC_SCOPES": "openid, email,offline_access", "ROSTER_OIDC_EMAIL_DOMAINS": "a.example,b.example",
		"ROSTER_OIDC_ROLE_FIELD": "groups", "ROSTER_OIDC_ROLE_MAPPING": `{"staff":["auditor","user-admin"],"owner":[]}`, "ROSTER_OIDC_ROLE_DEFAULT": "template-admin",
		"ROSTER_GITHUB_CLIENT_ID": "id", "ROSTER_GITHUB_CLIENT_SECRET": "gitsecret", "ROSTER_GITHUB_ALLOWED_ORGS": "acme",
		"ROSTER_GITHUB_BASE_URL": "http://127.0.0.1:3000", "ROSTER_SMTP_ADDR": "mail.example.com:587",
		"ROSTER_SMTP_FROM": "Roster <roster@example.com>", "ROSTER_SMTP_USERNAME": "u", "ROSTER_SMTP_PASSWORD": "mailsecret",
	}))
	require.NoError(t, err)
	require.Equal(t, &config.OIDC{
		Issuer: "https://id.example.com/", ClientID: "roster", ClientSecret: "hidden", Scopes: []string{"openid", "email", "offline_access"},
		EmailDomains: []string{"a.example", "b.example"}, AllowSignUps: true, UsernameField: "preferred_username", SignInText: "OpenID Connect",
		RoleField: "groups", RoleMapping: map[string][]string{"staff": {"auditor", "user-admin"}, "owner": {}}, RoleDefaults: []string{"template-admin"},
	}, c.OIDC)
	require.Equal(t, &config.GitHub{
		ClientID: "id", ClientSecret: "gitsecret", AllowedOrgs: []string{"acme"}, BaseURL: "http://127.0.0.1:3000",
	}, c.GitHub)
	require.Equal(t, config.Mail{
		Address: "mail.example.com:587", From: "Roster <roster@example.com>", Username: "u", Password: "mailsecret", Security: "starttls",
	}, c.Mail)
	for _, s := range c.Shown() {
		require.NotRegexp(t, "hidden|gitsecret|mailsecret", s.Value, s.Name)
	}
}

func TestMistakesInProviders(t *testing.T) {
	t.Parallel()
	oidc := func(name, value string) map[string]string {
		return map[string]string{"ROSTER_OIDC_ISSUER": "https://id.example.com", "ROSTER_OIDC_CLIENT_ID": "roster", name: value}
	}
	github := func(name, value string) map[string]string {
		return map[string]string{
			"ROSTER_GITHUB_CLIENT_ID": "id", "ROSTER_GITHUB_CLIENT_SECRET": "topsecret", "ROSTER_GITHUB_ALLOWED_ORGS": "acme", name: value,
		}
	}
	mail := func(name, value string) map[string]string {
		return map[string]string{"ROSTER_SMTP_ADDR": "a:25", "ROSTER_SMTP_FROM": "a@example.com", name: value}
	}
	for _, c := range []struct {
		env  map[string]string
		says string
	}{
		{map[string]string{"ROSTER_OIDC_ISSUER": "https://id.example.com"}, "ROSTER_OIDC_CLIENT_ID is required"},
		{map[string]string{"ROSTER_OIDC_CLIENT_ID": "roster"}, "ROSTER_OIDC_ISSUER is required"},
		{oidc("ROSTER_OIDC_ISSUER", "http://id.example.com"), "ROSTER_OIDC_ISSUER must be an https address"},
		{oidc("ROSTER_OIDC_ISSUER", "https://u:topsecret@id.example.com"), "ROSTER_OIDC_ISSUER must be an https address without user"},
		{oidc("ROSTER_OIDC_SCOPES", "email"), "ROSTER_OIDC_SCOPES must have openid"},
		{oidc("ROSTER_OIDC_CLIENT_SECRET", "file:/does/not/exist"), "ROSTER_OIDC_CLIENT_SECRET names a file"},
		{oidc("ROSTER_OIDC_ALLOW_SIGNUPS", "yes"), "ROSTER_OIDC_ALLOW_SIGNUPS must be"},
		{oidc("ROSTER_OIDC_ROLE_MAPPING", `{"staff":"auditor"}`), "ROSTER_OIDC_ROLE_MAPPING must be a JSON object of lists"},
		{oidc("ROSTER_OIDC_ROLE_MAPPING", `{"staff":["emperor"]}`), `ROSTER_OIDC_ROLE_MAPPING names a role that does not exist: "emperor"`},
		{oidc("ROSTER_OIDC_ROLE_DEFAULT", "emperor"), `ROSTER_OIDC_ROLE_DEFAULT names a role that does not exist: "emperor"`},
		{oidc("ROSTER_OIDC_ROLE_DEFAULT", "auditor"), "ROSTER_OIDC_ROLE_FIELD is required"},
		{oidc("ROSTER_OIDC_ICON_URL", "icon.png"), "ROSTER_OIDC_ICON_URL must be"},
		{map[string]string{"ROSTER_GITHUB_CLIENT_ID": "id", "ROSTER_GITHUB_ALLOW_EVERYONE": "on"}, "ROSTER_GITHUB_CLIENT_SECRET is required"},
		{github("ROSTER_GITHUB_ALLOWED_ORGS", ""), "ROSTER_GITHUB_ALLOWED_ORGS is required"},
		{github("ROSTER_GITHUB_ALLOW_EVERYONE", "on"), "ROSTER_GITHUB_ALLOW_EVERYONE must be off"},
		{github("ROSTER_GITHUB_BASE_URL", "ftp://x"), "ROSTER_GITHUB_BASE_URL must be"},
		{mail("ROSTER_SMTP_FROM", "nobody"), "ROSTER_SMTP_FROM must be"},
		{mail("ROSTER_SMTP_USERNAME", "u"), "ROSTER_SMTP_USERNAME and"},
		{mail("ROSTER_SMTP_SECURITY", "ssl"), "ROSTER_SMTP_SECURITY must be"},
		{mail("ROSTER_SMTP_ADDR", "mail"), "ROSTER_SMTP_ADDR must be"},
	} {
		_, err := config.ReadAPI(input(c.env))
		require.True(t, config.IsMistake(err), c.says)
		require.ErrorContains(t, err, c.says)
		require.NotContains(t, err.Error(), "topsecret")
	}
	c, err := config.ReadAPI(input(map[string]string{"ROSTER_SMTP_ADDR": "print"}))
	require.NoError(t, err)
	require.True(t, c.Mail.Print)
}

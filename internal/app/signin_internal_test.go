package app

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/internal/config"
	"github.com/rosterhq/roster/internal/mail"
	"github.com/rosterhq/roster/signin"
)

func TestProvidersAndMailOfTheSettings(t *testing.T) {
	t.Parallel()
	none := providersOf(config.API{})
	require.Nil(t, none.OIDC)
	require.Nil(t, none.GitHub)
	p := providersOf(config.API{
		OIDC: &config.OIDC{Issuer: "https://down.invalid", ClientID: "roster", SignInText: "Acme"}, GitHub: &config.GitHub{ClientID: "id", DeviceFlow: true},
	})
	require.Equal(t, "Acme", p.OIDC.SignInText(), "nothing is asked of a provider before somebody signs in")
	require.True(t, p.GitHub.DeviceFlow())

	require.Equal(t, siteRoles(config.SiteRoles()), commands.SiteRoles(), "the settings know every role")
	require.Equal(t, signin.RoleClaim{
		Field: "groups", Mapping: map[string][]events.Role{"staff": {events.RoleAuditor}}, Defaults: []events.Role{events.RoleOwner},
	}, roleClaimOf(&config.OIDC{RoleField: "groups", RoleMapping: map[string][]string{"staff": {"auditor"}}, RoleDefaults: []string{"owner"}}))

	m, err := mailerOf(config.Mail{}, zap.NewNop())
	require.NoError(t, err)
	require.Nil(t, m)
	m, err = mailerOf(config.Mail{Print: true}, zap.NewNop())
	require.NoError(t, err)
	require.IsType(t, mail.Printed{}, m)
	m, err = mailerOf(config.Mail{Address: "mail.example.com:587", From: "roster@example.com", Security: "starttls"}, zap.NewNop())
	require.NoError(t, err)
	require.NotNil(t, m)
	_, err = mailerOf(config.Mail{Address: "mail.example.com:587", From: "nobody", Security: "starttls"}, zap.NewNop())
	require.Error(t, err)
}

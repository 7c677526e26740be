package app

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/rosterhq/roster/internal/config"
	"github.com/rosterhq/roster/internal/mail"
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

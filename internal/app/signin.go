package app

import (
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/internal/config"
	"github.com/rosterhq/roster/internal/mail"
	"github.com/rosterhq/roster/signin"
)

// providersOf makes the providers of identities that the settings name. Nothing is
// asked of them before somebody signs in.
func providersOf(c config.API) signin.Providers {
	var p signin.Providers
	if o := c.OIDC; o != nil {
		p.OIDC = signin.NewOIDC(signin.OIDCConfig{
			Issuer: o.Issuer, ClientID: o.ClientID, ClientSecret: o.ClientSecret, Scopes: o.Scopes, EmailDomains: o.EmailDomains,
			AllowSignUps: o.AllowSignUps, IgnoreEmailVerified: o.IgnoreEmailVerified, UsernameField: o.UsernameField,
			SignInText: o.SignInText, IconURL: o.IconURL, Clock: time.Now,
			Roles: roleClaimOf(o),
		})
	}
	if g := c.GitHub; g != nil {
		p.GitHub = signin.NewGitHub(signin.GitHubConfig{
			ClientID: g.ClientID, ClientSecret: g.ClientSecret, AllowedOrgs: g.AllowedOrgs, AllowSignUps: g.AllowSignUps,
			DeviceFlow: g.DeviceFlow, BaseURL: g.BaseURL, Clock: time.Now,
		})
	}
	return p
}

func roleClaimOf(o *config.OIDC) signin.RoleClaim {
	c := signin.RoleClaim{Field: o.RoleField, Mapping: make(map[string][]events.Role, len(o.RoleMapping)), Defaults: siteRoles(o.RoleDefaults)}
	for text, names := range o.RoleMapping {
		c.Mapping[text] = siteRoles(names)
	}
	return c
}

func siteRoles(names []string) []events.Role {
	out := make([]events.Role, len(names))
	for i, name := range names {
		out[i] = events.Role(name)
	}
	return out
}

// mailerOf makes the mailer of the settings; nil where there is none.
func mailerOf(c config.Mail, logger *zap.Logger) (mail.Mailer, error) {
	if c.Print {
		return mail.Printed{Logger: logger.Named("mail")}, nil
	}
	if c.Address == "" {
		return nil, nil //nolint:nilnil // no mail is a choice
	}
	m, err := mail.NewSMTP(mail.SMTPConfig{
		Address: c.Address, From: c.From, Username: c.Username, Password: c.Password, Security: mail.Security(c.Security),
	})
	if err != nil {
		return nil, fmt.Errorf("set up mail: %w", err)
	}
	return m, nil
}

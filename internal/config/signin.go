package config

import (
	"net"
	"net/mail"
	"net/url"
	"os"
	"strings"
)

// OIDC are the settings of an OpenID Connect provider.
type OIDC struct {
	Issuer              string
	ClientID            string
	ClientSecret        string // "" for a public client
	Scopes              []string
	EmailDomains        []string // none: any
	AllowSignUps        bool
	IgnoreEmailVerified bool
	UsernameField       string
	SignInText          string
	IconURL             string
	RoleField           string // the claim of site roles; "": they are given here
	RoleMapping         map[string][]string
	RoleDefaults        []string
}

// GitHub are the settings of sign-ins by GitHub.
type GitHub struct {
	ClientID     string
	ClientSecret string
	AllowedOrgs  []string // none: everybody may sign in
	AllowSignUps bool
	DeviceFlow   bool
	BaseURL      string // of an enterprise server; "" means github.com
}

// Mail are the settings of outgoing mail.
type Mail struct {
	Print    bool   // into the log, instead of sending
	Address  string // host:port; "" means that no mail is sent
	From     string
	Username string
	Password string
	Security string // starttls, tls or none
}

type signInFlags struct {
	OIDCIssuer              string `name:"oidc-issuer" placeholder:"URL" help:"OpenID Connect provider by which users sign in. Default: none."`
	OIDCClientID            string `name:"oidc-client-id" placeholder:"ID" help:"What the provider calls Roster. Its callback is /api/v2/users/oidc/callback."`
	OIDCClientSecret        string `name:"oidc-client-secret" placeholder:"SECRET" help:"What the provider gave Roster to prove itself, or file:PATH. Default: none, for a public client."`
	OIDCScopes              string `name:"oidc-scopes" default:"openid,profile,email" placeholder:"openid,profile,email" help:"What is asked of the provider; offline_access where it gives refresh tokens for it alone."`
	OIDCEmailDomains        string `name:"oidc-email-domains" placeholder:"DOMAINS" help:"Domains whose addresses may sign in, separated by commas. Default: any."`
	OIDCAllowSignups        string `name:"oidc-allow-signups" default:"on" placeholder:"on" help:"off: only users that exist may sign in."`
	OIDCIgnoreEmailVerified string `name:"oidc-ignore-email-verified" default:"off" placeholder:"off" help:"on: addresses count that the provider has not verified."`
	OIDCUsernameField       string `name:"oidc-username-field" default:"preferred_username" placeholder:"preferred_username" help:"The claim that new users are named by."`
	OIDCRoleField           string `name:"oidc-role-field" placeholder:"CLAIM" help:"The claim, a text or a list, that gives users their site roles at each sign-in; nobody else changes them. Default: roles are given here."`
	OIDCRoleMapping         string `name:"oidc-role-mapping" placeholder:"JSON" help:"What texts of that claim stand for, such as {\"staff\":[\"auditor\"]}. Others are roles by their own names."`
	OIDCRoleDefault         string `name:"oidc-role-default" placeholder:"ROLES" help:"Site roles of everybody who signs in there, separated by commas."`
	OIDCSignInText          string `name:"oidc-sign-in-text" default:"OpenID Connect" placeholder:"TEXT" help:"Text of the button."`
	OIDCIconURL             string `name:"oidc-icon-url" placeholder:"URL" help:"Picture on the button."`

	GitHubClientID      string `name:"github-client-id" placeholder:"ID" help:"GitHub application by which users sign in. Its callback is /api/v2/users/oauth2/github/callback. Default: none."`
	GitHubClientSecret  string `name:"github-client-secret" placeholder:"SECRET" help:"What GitHub gave Roster to prove itself, or file:PATH."`
	GitHubAllowedOrgs   string `name:"github-allowed-orgs" placeholder:"NAMES" help:"Organizations whose members may sign in, separated by commas."`
	GitHubAllowEveryone string `name:"github-allow-everyone" default:"off" placeholder:"off" help:"on: any account may sign in."`
	GitHubAllowSignups  string `name:"github-allow-signups" default:"off" placeholder:"off" help:"on: those who may sign in become users by it."`
	GitHubDeviceFlow    string `name:"github-device-flow" default:"off" placeholder:"off" help:"on: people confirm with a code on another device."`
	GitHubBaseURL       string `name:"github-base-url" placeholder:"URL" help:"Enterprise server. Default: github.com."`

	SMTPAddr     string `name:"smtp-addr" placeholder:"HOST:PORT" help:"Mail server for one-time passcodes; print writes them into the log instead, for development. Default: no mail."`
	SMTPFrom     string `name:"smtp-from" placeholder:"ADDRESS" help:"Sender of mail."`
	SMTPUsername string `name:"smtp-username" placeholder:"NAME" help:"Account at the mail server. Default: none."`
	SMTPPassword string `name:"smtp-password" placeholder:"PASSWORD" help:"Its password, or file:PATH."`
	SMTPSecurity string `name:"smtp-security" default:"starttls" placeholder:"starttls" help:"starttls, tls (from the first byte) or none."`
}

const maxIssuer = 180 // a user's identity holds issuer and subject

func (p *checker) oidc(f signInFlags) *OIDC {
	c := &OIDC{
		Issuer: f.OIDCIssuer, ClientID: f.OIDCClientID, ClientSecret: p.secret("ROSTER_OIDC_CLIENT_SECRET", f.OIDCClientSecret),
		Scopes: listed(f.OIDCScopes), EmailDomains: listed(f.OIDCEmailDomains),
		AllowSignUps:        p.choice("ROSTER_OIDC_ALLOW_SIGNUPS", f.OIDCAllowSignups, "on", "off") == "on",
		IgnoreEmailVerified: p.choice("ROSTER_OIDC_IGNORE_EMAIL_VERIFIED", f.OIDCIgnoreEmailVerified, "off", "on") == "on",
		UsernameField:       f.OIDCUsernameField, SignInText: f.OIDCSignInText, IconURL: p.webURL("ROSTER_OIDC_ICON_URL", f.OIDCIconURL),
	}
	p.roleClaim(c, f)
	if c.Issuer == "" && c.ClientID == "" {
		return nil
	}
	p.require("ROSTER_OIDC_ISSUER", c.Issuer, "beside ROSTER_OIDC_CLIENT_ID")
	p.require("ROSTER_OIDC_CLIENT_ID", c.ClientID, "beside ROSTER_OIDC_ISSUER")
	p.secureURL("ROSTER_OIDC_ISSUER", c.Issuer)
	if len(c.Issuer) > maxIssuer {
		p.problem("ROSTER_OIDC_ISSUER", "must have at most %d characters", maxIssuer)
	}
	if !strings.Contains(","+strings.Join(c.Scopes, ",")+",", ",openid,") {
		p.problem("ROSTER_OIDC_SCOPES", "must have openid among them")
	}
	return c
}

func (p *checker) github(f signInFlags) *GitHub {
	c := &GitHub{
		ClientID: f.GitHubClientID, ClientSecret: p.secret("ROSTER_GITHUB_CLIENT_SECRET", f.GitHubClientSecret),
		AllowedOrgs:  listed(f.GitHubAllowedOrgs),
		AllowSignUps: p.choice("ROSTER_GITHUB_ALLOW_SIGNUPS", f.GitHubAllowSignups, "off", "on") == "on",
		DeviceFlow:   p.choice("ROSTER_GITHUB_DEVICE_FLOW", f.GitHubDeviceFlow, "off", "on") == "on",
		BaseURL:      p.secureURL("ROSTER_GITHUB_BASE_URL", f.GitHubBaseURL),
	}
	everyone := p.choice("ROSTER_GITHUB_ALLOW_EVERYONE", f.GitHubAllowEveryone, "off", "on") == "on"
	if c.ClientID == "" {
		return nil
	}
	if !c.DeviceFlow {
		p.require("ROSTER_GITHUB_CLIENT_SECRET", c.ClientSecret, "beside ROSTER_GITHUB_CLIENT_ID")
	}
	switch {
	case !everyone && len(c.AllowedOrgs) == 0:
		p.problem("ROSTER_GITHUB_ALLOWED_ORGS", "is required, unless ROSTER_GITHUB_ALLOW_EVERYONE is on")
	case everyone && len(c.AllowedOrgs) > 0:
		p.problem("ROSTER_GITHUB_ALLOW_EVERYONE", "must be off where ROSTER_GITHUB_ALLOWED_ORGS says who may sign in")
	}
	return c
}

func (p *checker) mail(f signInFlags) Mail {
	m := Mail{
		From: f.SMTPFrom, Username: f.SMTPUsername, Password: p.secret("ROSTER_SMTP_PASSWORD", f.SMTPPassword),
		Security: p.choice("ROSTER_SMTP_SECURITY", f.SMTPSecurity, "starttls", "tls", "none"),
	}
	switch f.SMTPAddr {
	case "":
		return Mail{}
	case "print":
		return Mail{Print: true}
	}
	m.Address = p.address("ROSTER_SMTP_ADDR", f.SMTPAddr)
	if _, err := mail.ParseAddress(m.From); err != nil {
		p.problem("ROSTER_SMTP_FROM", "must be an e-mail address where ROSTER_SMTP_ADDR is set, not %q", m.From)
	}
	if (m.Username == "") != (m.Password == "") {
		p.problem("ROSTER_SMTP_USERNAME", "and ROSTER_SMTP_PASSWORD must be given together")
	}
	return m
}

// secret reads a setting that may be in a file. Problems don't repeat it.
func (p *checker) secret(name, value string) string {
	path, ok := strings.CutPrefix(value, "file:")
	if !ok {
		return value
	}
	text, err := os.ReadFile(path)
	if err != nil {
		p.problem(name, "names a file that can not be read: %v", err)
		return ""
	}
	secret := strings.TrimSpace(string(text))
	if secret == "" {
		p.problem(name, "names an empty file: %s", path)
	}
	return secret
}

// webURL wants an address that a browser opens; "" is none.
func (p *checker) webURL(name, value string) string {
	u, err := url.Parse(value)
	if value != "" && (err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http")) {
		p.problem(name, "must be an http or https address, not %q", redact(value))
	}
	return value
}

// secureURL wants an address where nobody listens between: https, or this machine.
func (p *checker) secureURL(name, value string) string {
	if value == "" {
		return ""
	}
	u, err := url.Parse(value)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		p.problem(name, "must be an https address without user, query and fragment, not %q", redact(value))
		return ""
	}
	ip := net.ParseIP(u.Hostname())
	local := u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	if u.Scheme != "https" && (u.Scheme != "http" || !local) {
		p.problem(name, "must be an https address: secrets are sent there, not %q", redact(value))
	}
	return value
}

// listed splits a list at its commas and spaces.
func listed(value string) []string {
	return strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == ' ' })
}

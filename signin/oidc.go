package signin

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/rosterhq/roster/events"
)

// OIDCConfig is what an operator says of an OpenID Connect provider.
type OIDCConfig struct {
	Issuer       string
	ClientID     string
	ClientSecret string   // "" for a public client
	Scopes       []string // none means openid, profile, email
	EmailDomains []string // none means any
	AllowSignUps bool
	// IgnoreEmailVerified takes addresses that the provider has not verified.
	IgnoreEmailVerified bool
	UsernameField       string // the claim; "" means preferred_username
	SignInText, IconURL string // of the button
	Roles               RoleClaim

	Clock     func() time.Time  // nil means time.Now
	Transport http.RoundTripper // nil means the usual one
}

// OIDC is an OpenID Connect provider.
type OIDC struct {
	config    OIDCConfig
	client    *http.Client
	discovery *discovery
}

var _ Provider = (*OIDC)(nil)

// NewOIDC makes the provider. Nothing is asked of it yet.
func NewOIDC(c OIDCConfig) *OIDC {
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if len(c.Scopes) == 0 {
		c.Scopes = []string{oidc.ScopeOpenID, "profile", "email"}
	}
	if c.UsernameField == "" {
		c.UsernameField = "preferred_username"
	}
	client := newClient(c.Transport)
	return &OIDC{config: c, client: client, discovery: newDiscovery(c.Issuer, client, c.Clock)}
}

// LoginType implements Provider.
func (o *OIDC) LoginType() events.LoginType { return events.LoginOIDC }

// SignUps implements Provider.
func (o *OIDC) SignUps() bool { return o.config.AllowSignUps }

// SignInText is the text of the button.
func (o *OIDC) SignInText() string { return o.config.SignInText }

// IconURL is the picture on the button.
func (o *OIDC) IconURL() string { return o.config.IconURL }

// AuthorizeURL implements Provider.
func (o *OIDC) AuthorizeURL(ctx context.Context, a Attempt) (string, error) {
	found, err := o.discovery.get(ctx)
	if err != nil {
		return "", err
	}
	options := []oauth2.AuthCodeOption{oauth2.AccessTypeOffline, oidc.Nonce(a.nonce())}
	if found.pkce() {
		options = append(options, a.challenge())
	}
	return o.oauth2(found, a.Callback).AuthCodeURL(a.State, options...), nil
}

func (o *OIDC) oauth2(found *discovered, callback string) *oauth2.Config {
	return &oauth2.Config{
		ClientID: o.config.ClientID, ClientSecret: o.config.ClientSecret, Scopes: o.config.Scopes,
		Endpoint: found.endpoint(o.config.ClientSecret != ""), RedirectURL: callback,
	}
}

// Exchange implements Provider.
func (o *OIDC) Exchange(ctx context.Context, a Attempt, code string) (Person, error) {
	if a.Issuer != "" && a.Issuer != o.config.Issuer {
		return Person{}, &Error{Reason: WrongIssuer}
	}
	found, err := o.discovery.get(ctx)
	if err != nil {
		return Person{}, err
	}
	ctx = oidc.ClientContext(ctx, o.client)
	var options []oauth2.AuthCodeOption
	if found.pkce() {
		options = append(options, oauth2.VerifierOption(a.Verifier))
	}
	token, err := o.oauth2(found, a.Callback).Exchange(ctx, code, options...)
	if err != nil {
		return Person{}, failed(err, code, a.Verifier, o.config.ClientSecret)
	}
	idToken, err := o.verify(ctx, found, token, a.nonce())
	if err != nil {
		return Person{}, err
	}
	claims, err := o.claims(ctx, found, token, idToken)
	if err != nil {
		return Person{}, err
	}
	return o.person(idToken, claims, token)
}

// verify checks the id token (OpenID Connect Core 3.1.3.7).
func (o *OIDC) verify(ctx context.Context, found *discovered, token *oauth2.Token, nonce string) (*oidc.IDToken, error) {
	raw, ok := token.Extra("id_token").(string)
	if !ok || raw == "" {
		return nil, &Error{Reason: NoIDToken}
	}
	verifier := found.provider.Verifier(&oidc.Config{ClientID: o.config.ClientID, Now: o.config.Clock})
	idToken, err := verifier.Verify(ctx, raw)
	if err != nil {
		return nil, &Error{Reason: BadIDToken, Detail: said(err, raw, token.AccessToken, token.RefreshToken)}
	}
	if subtle.ConstantTimeCompare([]byte(idToken.Nonce), []byte(nonce)) != 1 {
		return nil, &Error{Reason: BadIDToken, Detail: "its nonce is of another sign-in"}
	}
	if idToken.AccessTokenHash != "" && idToken.VerifyAccessToken(token.AccessToken) != nil {
		return nil, &Error{Reason: BadIDToken, Detail: "it belongs to another access token"}
	}
	var party struct {
		Authorized string `json:"azp"`
	}
	if err := idToken.Claims(&party); err != nil || party.Authorized != "" && party.Authorized != o.config.ClientID {
		return nil, &Error{Reason: BadIDToken, Detail: "it was made for another client"}
	}
	if idToken.Subject == "" {
		return nil, &Error{Reason: NoSubject}
	}
	return idToken, nil
}

// claims merges those of the id token and of the user info, where there is one.
func (o *OIDC) claims(ctx context.Context, found *discovered, token *oauth2.Token, idToken *oidc.IDToken) (map[string]any, error) {
	var own, info json.RawMessage
	if err := idToken.Claims(&own); err != nil {
		return nil, &Error{Reason: BadIDToken, Detail: said(err)}
	}
	if found.provider.UserInfoEndpoint() != "" {
		answer, err := found.provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
		if err != nil {
			return nil, &Error{Reason: Unreachable, Detail: "user info: " + said(err, token.AccessToken, token.RefreshToken)}
		}
		if answer.Subject != idToken.Subject { // OpenID Connect Core 5.3.2
			return nil, &Error{Reason: BadIDToken, Detail: "the user info is of somebody else"}
		}
		if err := answer.Claims(&info); err != nil {
			return nil, &Error{Reason: Unreachable, Detail: "user info: " + said(err, token.AccessToken)}
		}
	}
	claims, err := mergeClaims(own, info)
	if err != nil {
		return nil, &Error{Reason: BadIDToken, Detail: said(err, token.AccessToken)}
	}
	return claims, nil
}

func (o *OIDC) person(idToken *oidc.IDToken, claims map[string]any, token *oauth2.Token) (Person, error) {
	username, email := textClaim(claims, o.config.UsernameField), textClaim(claims, "email")
	if email == "" {
		email = username
	}
	if !isEmail(email) {
		return Person{}, &Error{Reason: NoEmail}
	}
	if !o.config.IgnoreEmailVerified && !verified(claims) {
		return Person{}, &Error{Reason: NotVerified, Email: email}
	}
	if !inDomains(email, o.config.EmailDomains) {
		return Person{}, &Error{Reason: WrongDomain, Email: email, Allowed: o.config.EmailDomains}
	}
	if username == "" {
		username = email
	}
	roles, err := o.config.Roles.of(claims)
	if err != nil {
		return Person{}, err
	}
	return Person{
		Roles:    roles,
		Identity: events.Identity{Provider: string(events.LoginOIDC), Subject: subjectOf(idToken)},
		Email:    email, Username: username, Name: nameOf(textClaim(claims, "name")), Avatar: avatarOf(textClaim(claims, "picture")),
		Claims: claims, Token: tokenOf(token, o.config.Clock()),
	}, nil
}

// maxSubject is what a user's identity may hold.
const maxSubject = 255

// subjectOf names somebody among all providers: one issuer's subjects are not
// another's. One that is too long, or of strange characters, is hashed.
func subjectOf(t *oidc.IDToken) string {
	subject := t.Issuer + "|" + t.Subject
	odd := func(r rune) bool { return r <= ' ' || r > '~' }
	if len(subject) <= maxSubject && !strings.ContainsFunc(t.Subject, odd) {
		return subject
	}
	sum := sha256.Sum256([]byte(t.Subject))
	return t.Issuer + "|sha256:" + hex.EncodeToString(sum[:])
}

// tokenOf counts a token's life from now, by the clock of all that compares it.
func tokenOf(t *oauth2.Token, now time.Time) Token {
	token := Token{Access: t.AccessToken, Refresh: t.RefreshToken}
	life := time.Duration(t.ExpiresIn) * time.Second
	if life == 0 && !t.Expiry.IsZero() { // of an answer that is a form
		life = time.Until(t.Expiry).Round(time.Second)
	}
	if life > 0 {
		token.ExpiresAt = now.Add(life).UTC().Truncate(time.Second)
	}
	return token
}

// Renew implements Provider.
func (o *OIDC) Renew(ctx context.Context, refreshToken string) (Token, error) {
	found, err := o.discovery.get(ctx)
	if err != nil {
		return Token{}, err
	}
	return renew(oidc.ClientContext(ctx, o.client), o.oauth2(found, ""), refreshToken, o.config.Clock)
}

func renew(ctx context.Context, c *oauth2.Config, refreshToken string, clock func() time.Time) (Token, error) {
	t, err := c.TokenSource(ctx, &oauth2.Token{RefreshToken: refreshToken}).Token()
	if err != nil {
		return Token{}, failed(err, refreshToken, c.ClientSecret)
	}
	return tokenOf(t, clock()), nil
}

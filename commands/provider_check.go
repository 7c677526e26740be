package commands

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/rosterhq/roster/events"
)

// Limits of what a provider may say, in bytes; all of it lies in one event.
const (
	maxClaims        = 128 << 10
	maxProviderToken = 32 << 10
	// maxClaimedName is where Coder cuts names that come from outside.
	maxClaimedName = 128
)

// checkSignInWith checks what a provider said. What is needed must be in order;
// what is not, as a picture's address, is left out when it is not.
func (s *Service) checkSignInWith(r Request, c SignInWith) (signInWith, error) {
	var p problems
	if c.LoginType != events.LoginGitHub && c.LoginType != events.LoginOIDC {
		p.add("loginType", "unknown", "must be one of: github, oidc")
	}
	p.identity("identity", c.Identity)
	if c.Identity.Provider != string(c.LoginType) {
		p.add("identity", "format", "must be of the provider that vouches for it")
	}
	p.email(c.Email)
	p.providerTokens(c.Tokens)
	roles := checkRoles(c.Roles, &p)
	claims, err := json.Marshal(withoutNUL(c.Claims))
	if err != nil {
		return signInWith{}, fmt.Errorf("write claims: %w", err)
	}
	if len(claims) > maxClaims {
		p.add("claims", "too-long", fmt.Sprintf("must have at most %d bytes", maxClaims))
	}
	if c.Claims == nil {
		claims = nil
	}
	out := signInWith{
		loginType: c.LoginType, identity: c.Identity, email: c.Email, name: claimedName(c.Name), avatar: claimedURL(c.Avatar),
		said: claims, tokens: c.Tokens, convert: c.Convert != "", syncRoles: c.SyncRoles, roles: roles,
		lifetime: p.lifetime(c.Lifetime, s.lifetimes.session, MaxSessionLifetime),
		ip:       header(r.IP), agent: cut(header(r.UserAgent), 200),
	}
	if err := p.err(); err != nil {
		return signInWith{}, err
	}
	return out, nil
}

func (p *problems) providerTokens(t ProviderTokens) {
	p.text("accessToken", t.AccessToken, maxProviderToken)
	p.text("refreshToken", t.RefreshToken, maxProviderToken)
}

// claimedName makes a name of what a provider calls one.
func claimedName(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	s = strings.TrimSpace(s)
	if len(s) > maxClaimedName {
		s = strings.ToValidUTF8(s[:maxClaimedName], "") // without half a character
	}
	return strings.TrimSpace(s)
}

// claimedURL returns an address that is one, or "".
func claimedURL(s string) string {
	var p problems
	if p.url("avatar", s); p.err() != nil {
		return ""
	}
	return s
}

// withoutNUL copies claims without the one character that databases can not hold.
func withoutNUL(v any) any {
	clean := func(s string) string { return strings.ReplaceAll(s, "\x00", "") }
	switch v := v.(type) {
	case string:
		return clean(v)
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = withoutNUL(v[i])
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, value := range v {
			out[clean(name)] = withoutNUL(value)
		}
		return out
	}
	return v
}

// providerAnswer is the event that keeps what a provider said.
func providerAnswer(provider string, claims json.RawMessage, t ProviderTokens) *events.UserProviderAnswered {
	var ends time.Time
	if !t.ExpiresAt.IsZero() {
		ends = t.ExpiresAt.UTC().Truncate(time.Microsecond)
	}
	return &events.UserProviderAnswered{
		Sealed: events.Seal(events.UserProviderPrivate{
			Claims: claims, AccessToken: t.AccessToken, RefreshToken: t.RefreshToken,
		}),
		Provider: provider, TokenExpiresAt: ends,
	}
}

package config

import (
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Accounts are the settings of how users sign in, how long their keys live, and
// how clients reach the installation.
type Accounts struct {
	AccessURL     string // without a slash at its end; "" means by the name that clients use
	SecureCookies string // "auto", "on" or "off"
	HostCookies   bool   // session cookies with the prefix __Host-
	CookieSites   string // "lax" or "none": whose pages' requests bear cookies
	FixedLives    bool   // uses do not prolong sessions and tokens
	TermsURL      string // "" for none
	PasswordAuth  bool
	// Dormancy is how long an account may lie unused before it sleeps; 0 for ever.
	Dormancy time.Duration
	// KeyRetention is how long sessions and keys stay listed after their end; 0 for ever.
	KeyRetention          time.Duration
	SessionDuration       time.Duration
	DefaultTokenLifetime  time.Duration
	MaxTokenLifetime      time.Duration
	MaxAdminTokenLifetime time.Duration
	APIRateLimit          int // calls a minute
	ABFHourlyLimit        int // calls an hour; 0 for no bound
}

type accountFlags struct {
	AccessURL             string `name:"access-url" placeholder:"URL" help:"Where clients reach this installation, such as https://users.example.com. Default: the name that each client uses."`
	SecureCookies         string `name:"secure-cookies" default:"auto" placeholder:"auto" help:"on: session cookies travel over TLS alone. auto: where TLS ends here, or the access URL is https."`
	HostPrefixCookie      string `name:"host-prefix-cookie" default:"off" placeholder:"off" help:"on: the cookie of sessions is __Host-coder_session_token, which browsers take over TLS from this host alone."`
	SameSiteCookies       string `name:"same-site-cookies" default:"lax" placeholder:"lax" help:"none: browsers send cookies with requests of other sites' pages, too."`
	SessionRefresh        string `name:"session-refresh" default:"on" placeholder:"on" help:"off: uses do not prolong the lives of sessions and tokens."`
	TermsOfServiceURL     string `name:"terms-of-service-url" placeholder:"URL" help:"What people agree to by signing in. Default: nothing."`
	PasswordAuth          string `name:"password-auth" default:"on" placeholder:"on" help:"off: nobody signs in with a password; tokens and providers of identities remain."`
	Dormancy              string `name:"dormancy" default:"90d" placeholder:"90d" help:"An account that nobody used for so long becomes dormant, until its next use. off: never."`
	KeyRetention          string `name:"key-retention" default:"30d" placeholder:"30d" help:"Sessions and keys that ended so long ago leave the lists, and their names are free again. off: never."`
	SessionDuration       string `name:"session-duration" default:"24h" placeholder:"24h" help:"How long a session lives after its last use."`
	DefaultTokenLifetime  string `name:"default-token-lifetime" default:"168h" placeholder:"168h" help:"How long a token lives after its last use when its maker does not say."`
	MaxTokenLifetime      string `name:"max-token-lifetime" default:"876600h" placeholder:"876600h" help:"The longest lifetime that a token can be given."`
	MaxAdminTokenLifetime string `name:"max-admin-token-lifetime" default:"168h" placeholder:"168h" help:"The longest lifetime that a token of an owner can be given."`
	APIRateLimit          string `name:"api-rate-limit" default:"512" placeholder:"512" help:"Calls a minute that a user may make of one endpoint of Coder's API."`
	ABFHourlyLimit        string `name:"abf-hourly-limit" default:"0" placeholder:"0" help:"Calls an hour that a user or an address may make of ABF's API, which then tells how many are left; 0: no bound."`
}

const (
	shortestLife = time.Minute
	longestLife  = 1_000_000 * time.Hour
	// longestSession keeps a typing error from making sessions that nobody ends.
	longestSession = 400 * 24 * time.Hour
	shortestSleep  = time.Hour // the accuracy with which uses are known
	// A session is left alone for a day after its end.
	shortestKept, longestKept = 24 * time.Hour, 400 * 24 * time.Hour
	mostCalls                 = 1_000_000
)

func (p *checker) accounts(f accountFlags) Accounts {
	a := Accounts{
		AccessURL:             p.accessURL("ROSTER_ACCESS_URL", f.AccessURL),
		SecureCookies:         p.choice("ROSTER_SECURE_COOKIES", f.SecureCookies, "auto", "on", "off"),
		HostCookies:           p.choice("ROSTER_HOST_PREFIX_COOKIE", f.HostPrefixCookie, "off", "on") == "on",
		CookieSites:           p.choice("ROSTER_SAME_SITE_COOKIES", f.SameSiteCookies, "lax", "none"),
		FixedLives:            p.choice("ROSTER_SESSION_REFRESH", f.SessionRefresh, "on", "off") == "off",
		TermsURL:              p.webURL("ROSTER_TERMS_OF_SERVICE_URL", f.TermsOfServiceURL),
		PasswordAuth:          p.choice("ROSTER_PASSWORD_AUTH", f.PasswordAuth, "on", "off") == "on",
		Dormancy:              p.durationOrOff("ROSTER_DORMANCY", f.Dormancy, shortestSleep, longestLife),
		KeyRetention:          p.durationOrOff("ROSTER_KEY_RETENTION", f.KeyRetention, shortestKept, longestKept),
		SessionDuration:       p.duration("ROSTER_SESSION_DURATION", f.SessionDuration, shortestLife, longestSession),
		DefaultTokenLifetime:  p.duration("ROSTER_DEFAULT_TOKEN_LIFETIME", f.DefaultTokenLifetime, shortestLife, longestLife),
		MaxTokenLifetime:      p.duration("ROSTER_MAX_TOKEN_LIFETIME", f.MaxTokenLifetime, shortestLife, longestLife),
		MaxAdminTokenLifetime: p.duration("ROSTER_MAX_ADMIN_TOKEN_LIFETIME", f.MaxAdminTokenLifetime, shortestLife, longestLife),
		APIRateLimit:          int(p.whole("ROSTER_API_RATE_LIMIT", f.APIRateLimit, 1, mostCalls)),
		ABFHourlyLimit:        int(p.whole("ROSTER_ABF_HOURLY_LIMIT", f.ABFHourlyLimit, 0, mostCalls)),
	}
	if a.SecureCookies == "off" && (a.HostCookies || a.CookieSites == "none") {
		p.problem("ROSTER_SECURE_COOKIES", "must not be off beside ROSTER_HOST_PREFIX_COOKIE or ROSTER_SAME_SITE_COOKIES: browsers refuse such cookies")
	}
	return a
}

func (p *checker) durationOrOff(name, value string, least, most time.Duration) time.Duration {
	if value == "off" {
		return 0
	}
	return p.duration(name, value, least, most)
}

// duration reads what Go writes (90m, 24h), and days (90d).
func (p *checker) duration(name, value string, least, most time.Duration) time.Duration {
	d, err := time.ParseDuration(value)
	if days, ok := strings.CutSuffix(value, "d"); ok {
		var n int
		if n, err = strconv.Atoi(days); err == nil && n <= int(most/(24*time.Hour)) {
			d = time.Duration(n) * 24 * time.Hour
		}
	}
	if err != nil || d < least || d > most {
		p.problem(name, "must be a time from %s to %s, such as 24h or 90d, not %q", least, most, value)
		return 0
	}
	return d
}

// accessURL is a name of this server: what stands behind it is not looked at.
func (p *checker) accessURL(name, value string) string {
	if value == "" {
		return ""
	}
	u, err := url.Parse(value)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil ||
		strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		p.problem(name, "must be http://host or https://host, with a port where there is one, not %q", redact(value))
		return ""
	}
	return u.Scheme + "://" + u.Host
}

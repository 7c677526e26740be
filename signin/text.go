package signin

import (
	"net/mail"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// What a user's members hold, so that no provider can make a sign-in impossible
// by a name.
const (
	maxName  = 128 // bytes
	maxURL   = 2048
	maxEmail = 254
)

// cut shortens a text to so many bytes of whole characters.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}

// nameOf makes a real name of what a provider says.
func nameOf(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	return strings.TrimSpace(cut(strings.TrimSpace(s), maxName))
}

// avatarOf returns an address that a browser may load, or "".
func avatarOf(s string) string {
	u, err := url.Parse(s)
	if err != nil || len(s) > maxURL || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" {
		return ""
	}
	return u.String()
}

// isEmail says whether a text is one bare address.
func isEmail(s string) bool {
	if len(s) > maxEmail || strings.ContainsFunc(s, unicode.IsControl) {
		return false
	}
	a, err := mail.ParseAddress(s)
	return err == nil && a.Name == "" && a.Address == s
}

// inDomains says whether an address is of one of the domains; none means any.
func inDomains(email string, domains []string) bool {
	if len(domains) == 0 {
		return true
	}
	domain := email[strings.LastIndexByte(email, '@')+1:]
	for _, d := range domains {
		if strings.EqualFold(domain, strings.TrimPrefix(d, "@")) {
			return true
		}
	}
	return false
}

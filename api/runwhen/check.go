package runwhen

import (
	"encoding/json"
	"math"
	"net/mail"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// text reads a string of some length in characters; no limit is 0.
func (b *body) text(m member, least, most int) (string, bool) {
	if !m.given {
		return "", false
	}
	var s *string
	if err := json.Unmarshal(m.raw, &s); err != nil || s == nil {
		b.add(stringType.at(m.loc(), m.input()))
		return "", false
	}
	n := utf8.RuneCountInString(*s)
	switch {
	case n < least:
		b.add(tooShort(m.loc(), least, m.input()))
	case most > 0 && n > most:
		b.add(tooLong(m.loc(), most, m.input()))
	case strings.Contains(*s, "\x00"):
		b.add(valueError(m.loc(), "NUL characters are not allowed", m.input()))
	default:
		return *s, true
	}
	return "", false
}

// usernamePattern is what a username looks like, its length included.
const usernamePattern = `^(?=.{1,32}$)[a-zA-Z0-9]+(-[a-zA-Z0-9]+)*$`

var usernameForm = regexp.MustCompile(`^[a-zA-Z0-9]+(-[a-zA-Z0-9]+)*$`)

const (
	leastUsername = 3
	mostUsername  = 150 // more than fits: what lies between does not match
	ownUsername   = 32
	mostName      = 100
	mostEmail     = 254
	mostURL       = 2048
	mostMessage   = 4 << 10
)

// username reads a username. One that a user has already is as good as it was.
func (b *body) username(m member, current string) (string, bool) {
	var is *string
	if current != "" && json.Unmarshal(m.raw, &is) == nil && is != nil && *is == current {
		return current, true
	}
	s, ok := b.text(m, leastUsername, mostUsername)
	if !ok {
		return "", false
	}
	if len(s) > ownUsername || !usernameForm.MatchString(s) || s == "new" || s == "create" {
		b.add(mismatch(m.loc(), usernamePattern, m.input()))
		return "", false
	}
	return s, true
}

// email reads an address.
func (b *body) email(m member) (string, bool) {
	s, ok := b.text(m, 0, 0)
	if !ok {
		return "", false
	}
	if reason := emailProblem(s); reason != "" {
		b.add(badEmail(m.loc(), reason, m.input()))
		return "", false
	}
	return s, true
}

// emailProblem says what is wrong with an address, in the words of the library
// that FastAPI uses; "" for nothing.
func emailProblem(s string) string {
	local, domain, found := strings.Cut(s, "@")
	switch {
	case !found:
		return "An email address must have an @-sign."
	case local == "":
		return "There must be something before the @-sign."
	case domain == "":
		return "There must be something after the @-sign."
	case len(s) > mostEmail:
		return "The email address is too long (" + strconv.Itoa(len(s)-mostEmail) + " bytes too many)."
	}
	address, err := mail.ParseAddress(s)
	if err != nil || address.Address != s || strings.ContainsAny(s, "\r\n\t") {
		return "The email address contains invalid characters."
	}
	return ""
}

// url reads an address of the web; "" is none.
func (b *body) url(m member) (string, bool) {
	s, ok := b.text(m, 0, mostURL)
	if !ok || s == "" {
		return s, ok
	}
	u, err := url.Parse(s)
	switch {
	case err != nil:
		b.add(badURL(m.loc(), "invalid international domain name", m.input()))
	case u.Scheme == "":
		b.add(badURL(m.loc(), "relative URL without a base", m.input()))
	case u.Scheme != "http" && u.Scheme != "https":
		b.add(badScheme(m.loc(), m.input()))
	case u.Host == "":
		b.add(badURL(m.loc(), "empty host", m.input()))
	default:
		return s, true
	}
	return "", false
}

// truths are the words for yes and no.
var truths = map[string]bool{
	"1": true, "on": true, "t": true, "true": true, "y": true, "yes": true,
	"0": false, "off": false, "f": false, "false": false, "n": false, "no": false,
}

// truth reads a boolean as FastAPI does: also 0 and 1, and some words.
func (b *body) truth(m member) (value, ok bool) {
	var decoded any
	if json.Unmarshal(m.raw, &decoded) != nil {
		return false, false
	}
	switch v := decoded.(type) {
	case bool:
		return v, true
	case float64:
		if v == 0 || v == 1 {
			return v == 1, true
		}
	case string:
		if value, ok = truths[strings.ToLower(v)]; ok {
			return value, true
		}
	default:
		b.add(boolType.at(m.loc(), m.input()))
		return false, false
	}
	b.add(boolParsing.at(m.loc(), m.input()))
	return false, false
}

// number reads a whole number within bounds.
func (b *body) number(m member, least, most int64) (int64, bool) {
	var decoded any
	if json.Unmarshal(m.raw, &decoded) != nil {
		return 0, false
	}
	switch v := decoded.(type) {
	case float64:
		if v != math.Trunc(v) {
			b.add(intFloat.at(m.loc(), m.input()))
			return 0, false
		}
		return b.within(int64(max(min(v, math.MaxInt32), math.MinInt32)), m.loc(), m.input(), least, most)
	case string:
		return b.parsed(v, m.loc(), least, most)
	default:
		b.add(intType.at(m.loc(), m.input()))
		return 0, false
	}
}

const unbounded = math.MaxInt64

// parsed reads a whole number from a text, as path and query have it. One too large
// to be anything is the largest there is.
func (p *problems) parsed(s string, loc []any, least, most int64) (int64, bool) {
	const longest = 4300 // of Python
	digits := strings.TrimSpace(s)
	if !integerForm.MatchString(digits) {
		p.add(intParsing.at(loc, quoted(s)))
		return 0, false
	}
	if len(digits) > longest {
		p.add(intSize.at(loc, quoted(s)))
		return 0, false
	}
	n, err := strconv.ParseInt(strings.TrimPrefix(digits, "+"), 10, 64)
	if err != nil && strings.HasPrefix(digits, "-") {
		n = math.MinInt64
	} else if err != nil {
		n = math.MaxInt64
	}
	return p.within(n, loc, quoted(s), least, most)
}

var integerForm = regexp.MustCompile(`^[+-]?[0-9]+$`)

func (p *problems) within(n int64, loc []any, input json.RawMessage, least, most int64) (int64, bool) {
	switch {
	case n < least:
		p.add(atLeast(loc, least, input))
	case n > most:
		p.add(atMost(loc, most, input))
	default:
		return n, true
	}
	return 0, false
}

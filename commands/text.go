package commands

import (
	"net/mail"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rosterhq/roster/events"
)

// Limits of text, in characters unless said otherwise.
const (
	maxUsername      = 32
	maxName          = 200
	maxPartOfName    = 100
	maxURL           = 2048
	maxEmail         = 254
	maxLanguage      = 35
	maxKeyName       = 200
	maxPasswordBytes = 1000
	maxIdentities    = 16
	maxOrganizations = 64
)

var (
	usernameForm = regexp.MustCompile(`^[a-zA-Z0-9]+(?:-[a-zA-Z0-9]+)*$`)
	languageForm = regexp.MustCompile(`^[a-zA-Z]{2,8}(?:-[a-zA-Z0-9]{1,8})*$`)
	providerForm = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)
)

// problems collects everything that is wrong with a command.
type problems struct{ fields []FieldError }

func (p *problems) add(field, rule, detail string) {
	p.fields = append(p.fields, FieldError{Field: field, Rule: rule, Detail: detail})
}

// err returns the refusal, or nil when nothing is wrong.
func (p *problems) err() *Error {
	if len(p.fields) == 0 {
		return nil
	}
	return &Error{Code: Invalid, Message: "the request is not valid", Fields: p.fields}
}

// text checks what every text must hold. It says whether s is fit for more.
func (p *problems) text(field, s string, limit int) bool {
	switch {
	case !utf8.ValidString(s):
		p.add(field, "format", "must be valid UTF-8")
	case strings.ContainsRune(s, 0):
		p.add(field, "format", "must not contain NUL characters")
	case utf8.RuneCountInString(s) > limit:
		p.add(field, "too-long", "must have at most "+strconv.Itoa(limit)+" characters")
	default:
		return true
	}
	return false
}

// token checks a text that travels in a message's header: one visible line.
func (p *problems) token(field, s string, limit int) bool {
	if s == "" {
		p.add(field, "required", "must be given")
		return false
	}
	if !p.text(field, s, limit) {
		return false
	}
	if strings.ContainsFunc(s, unicode.IsControl) || strings.TrimSpace(s) != s {
		p.add(field, "format", "must not have control characters or outer white space")
		return false
	}
	return true
}

func (p *problems) username(s string) { p.slug("username", s) }

// slug checks a name of the form that users and organizations have.
func (p *problems) slug(field, s string) {
	switch {
	case s == "":
		p.add(field, "required", "must be given")
	case len(s) > maxUsername:
		p.add(field, "too-long", "must be <= 32 characters")
	case !usernameForm.MatchString(s):
		p.add(field, "format", "must be alphanumeric with hyphens")
	case s == "new" || s == "create":
		p.add(field, "format", "cannot use \""+s+"\" as a name")
	}
}

func validUsername(s string) bool {
	var p problems
	p.username(s)
	return len(p.fields) == 0
}

func (p *problems) email(s string) {
	if s == "" || !p.text("email", s, maxEmail) {
		return
	}
	address, err := mail.ParseAddress(s)
	if err != nil || address.Address != s || len(s) > maxEmail || strings.ContainsFunc(s, unicode.IsControl) {
		p.add("email", "format", "must be an e-mail address")
	}
}

func (p *problems) url(field, s string) {
	if s == "" || !p.text(field, s, maxURL) {
		return
	}
	u, err := url.Parse(s)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		p.add(field, "format", "must be an absolute http or https URL")
	}
}

func (p *problems) language(field, s string) {
	if s == "" || !p.text(field, s, maxLanguage) {
		return
	}
	if !languageForm.MatchString(s) {
		p.add(field, "format", "must be a language tag such as en or pt-BR")
	}
}

func (p *problems) identity(field string, id events.Identity) {
	if !providerForm.MatchString(id.Provider) {
		p.add(field, "format", "provider must have 1 to 64 of: a-z 0-9 . _ -")
		return
	}
	p.token(field, id.Subject, 255)
}

func (p *problems) password(field, s string) {
	switch {
	case s == "":
		p.add(field, "required", "must be given")
	case len(s) > maxPasswordBytes:
		p.add(field, "too-long", "must have at most "+strconv.Itoa(maxPasswordBytes)+" bytes")
	case !utf8.ValidString(s) || strings.ContainsRune(s, 0):
		p.add(field, "format", "must be valid UTF-8 without NUL characters")
	}
}

// profile checks the members of a profile that are given.
func (p *problems) profile(c UpdateUser) {
	texts := []struct {
		field string
		value *string
		limit int
	}{
		{"name", c.Name, maxName},
		{"firstName", c.FirstName, maxPartOfName},
		{"lastName", c.LastName, maxPartOfName},
	}
	for _, t := range texts {
		if t.value != nil {
			p.text(t.field, *t.value, t.limit)
		}
	}
	if c.Avatar != nil {
		p.url("avatar", *c.Avatar)
	}
	if c.Language != nil {
		p.language("language", *c.Language)
	}
}

// printable makes foreign text fit for a message.
func printable(s string) string { return strconv.QuoteToGraphic(cut(strings.ToValidUTF8(s, "?"), 64)) }

// fold makes values equal that differ in case only.
func fold(s string) string { return strings.ToLower(s) }

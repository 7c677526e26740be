package coder

import (
	"fmt"
	"net/http"
	"net/mail"
	"regexp"
	"slices"
	"strings"

	"github.com/rosterhq/roster/api/gate"
)

const badJSON = "Request body must be valid JSON."

// body takes members out of a JSON object. Unknown members are ignored, as Coder
// does; a member of a wrong type refuses the whole body.
type body struct {
	object  gate.Object
	wrong   *answer
	invalid []validation
}

func readBody(w http.ResponseWriter, r *http.Request) (*body, error) {
	object, err := gate.ReadObject(w, r, gate.MaxBody)
	if err != nil {
		return nil, err
	}
	return &body{object: object}, nil
}

func (b *body) text(name string) string { return textOf(b.optional(name)) }

// check remembers a member that fails a rule of Coder's validator.
func (b *body) check(name, value string, rules ...rule) {
	for _, rule := range rules {
		if !rule.holds(value) {
			b.invalid = append(b.invalid, validationOf(name, rule.tag, value))
			return
		}
	}
}

func validationOf(name, tag, value string) validation {
	return validation{Field: name, Detail: fmt.Sprintf("Validation failed for tag %q with value: %q", tag, shortened(value, 256))}
}

// err is what is wrong with the body, or nil.
func (b *body) err() error {
	switch {
	case b.wrong != nil:
		return b.wrong
	case len(b.invalid) > 0:
		return refuse(http.StatusBadRequest, "Validation failed.", "", b.invalid...)
	default:
		return nil
	}
}

// rule is one of Coder's validator tags.
type rule struct {
	tag   string
	holds func(string) bool
}

var (
	required = rule{"required", func(s string) bool { return s != "" }}
	email    = rule{"email", isEmail}
	username = rule{"username", isUsername}
	realName = rule{"user_real_name", func(s string) bool { return len(s) <= 128 && strings.TrimSpace(s) == s }}
)

// oneOfTag is for members that know few words.
func oneOfTag[T ~string](words ...T) rule {
	return rule{"oneof", func(s string) bool { return slices.Contains(words, T(s)) }}
}

const maxEmail = 254

func isEmail(s string) bool {
	if len(s) > maxEmail {
		return false
	}
	a, err := mail.ParseAddress(s)
	return err == nil && a.Name == "" && a.Address == s
}

var usernameForm = regexp.MustCompile(`^[a-zA-Z0-9]+(?:-[a-zA-Z0-9]+)*$`)

func isUsername(s string) bool {
	return len(s) <= 32 && usernameForm.MatchString(s) && s != "new" && s != "create"
}

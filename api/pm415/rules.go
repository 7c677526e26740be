package pm415

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/mail"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/rosterhq/roster/api/gate"
)

// Lengths in characters.
const (
	minPassword = 4
	maxPassword = 250 // at most 1,000 bytes
	maxPart     = 100 // of a first or last name
	maxEmail    = 254
	maxOrgName  = 64
	minOrgName  = 2
	maxToken    = 4096
)

// member is a rule for one member of a body. All members are texts.
type member struct {
	name, label string
	needed      bool
	emptyToo    bool // "" is a value
	min, max    int  // in characters; 0 for no bound
	email       bool
	same        string // the member that this one repeats
	accepted    bool   // the consent to the terms: the text Y
}

// values are the members that were given and are in order.
type values map[string]string

// pointer is the value of a member, nil where it was not given.
func (v values) pointer(name string) *string {
	if s, ok := v[name]; ok {
		return &s
	}
	return nil
}

// read reads a body by rules. The first problem in the order of the rules is the
// one that is told, unknown members last.
func read(w http.ResponseWriter, r *http.Request, rules []member) (values, error) {
	members, err := readMembers(w, r)
	if err != nil {
		return nil, err
	}
	return check(members, rules)
}

func check(members gate.Object, rules []member) (values, error) {
	found := values{}
	for _, m := range rules {
		raw, given := members[m.name]
		if !given {
			if m.needed {
				return nil, problem(m.label, "is required")
			}
			continue
		}
		text, wrong := m.text(raw, found)
		if wrong != "" {
			return nil, problem(m.label, wrong)
		}
		found[m.name] = text
	}
	if name, ok := unknown(members, rules); ok {
		return nil, problem(name, "is not allowed")
	}
	return found, nil
}

func problem(label, what string) *refusal {
	return refuse(http.StatusBadRequest, `"`+label+`" `+what)
}

// unknown finds the first member without a rule, by name.
func unknown(members gate.Object, rules []member) (string, bool) {
	var names []string
	for name := range members {
		if !slices.ContainsFunc(rules, func(m member) bool { return m.name == name }) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return "", false
	}
	return slices.Min(names), true
}

// text reads the value of a member, or says what is wrong with it in Joi's words.
func (m member) text(raw json.RawMessage, before values) (text, wrong string) {
	if m.accepted {
		return consent(raw)
	}
	var s *string
	if err := json.Unmarshal(raw, &s); err != nil || s == nil {
		return "", "must be a string"
	}
	length := utf8.RuneCountInString(*s)
	switch {
	case *s == "" && m.emptyToo:
		return "", ""
	case *s == "":
		return "", "is not allowed to be empty"
	case m.same != "" && !m.repeats(*s, before):
		return "", "must match " + m.same
	case length < m.min:
		return "", fmt.Sprintf("length must be at least %d characters long", m.min)
	case m.max > 0 && length > m.max:
		return "", fmt.Sprintf("length must be less than or equal to %d characters long", m.max)
	case m.email && !isEmail(*s):
		return "", "must be a valid email"
	}
	return *s, ""
}

func (m member) repeats(s string, before values) bool {
	first, given := before[m.same]
	return given && first == s
}

// consent reads the consent to the terms. PM415 asks for a boolean that is the text
// Y, which says no to both booleans.
func consent(raw json.RawMessage) (text, wrong string) {
	var v any
	_ = json.Unmarshal(raw, &v) // it was checked
	s, isText := v.(string)
	_, isBool := v.(bool)
	switch {
	case s == "Y":
		return s, ""
	case isBool, isText && (strings.EqualFold(s, "true") || strings.EqualFold(s, "false")):
		return "", "must be accepted"
	default:
		return "", "must be a boolean"
	}
}

func isEmail(s string) bool {
	address, err := mail.ParseAddress(s)
	return err == nil && address.Address == s && len(s) <= maxEmail
}

package abf

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
)

const (
	notUpdated = "User has not been updated"
	updated    = "User has been updated successfully"

	maxName = 100
	maxLine = 255
)

// change is what PUT /user asks for, as far as it could be read.
type change struct {
	command  commands.UpdateUser
	problems []string
}

// labels are the members as Rails' messages name them, in the order of checks.
var labels = []struct{ member, label string }{
	{"email", "Email"},
	{"name", "User"},
	{"language", "Language"},
	{"professional_experience", "Professional experience"},
	{"site", "Site"},
	{"company", "Company"},
	{"location", "Location"},
}

// updateUser answers PUT and PATCH /user.
func (h *Handler) updateUser(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	members, err := readMembers(w, r, "user", true)
	if err != nil {
		return err
	}
	wanted := readChange(members)
	if len(wanted.problems) > 0 {
		return failed(notUpdated, wanted.problems)
	}
	wanted.command.UserID = c.UserID()
	res, err := h.Commands.UpdateUser(r.Context(), gate.Request(r, c, Name), wanted.command)
	if err != nil {
		return refusedUpdate(err)
	}
	h.Gate.Wrote(w, r, res)
	return success(w, r, done(res.User.Number, updated))
}

// readChange reads the members that this dialect may write; others are dropped.
func readChange(members gate.Object) change {
	var c change
	extra := map[string]any{}
	for _, l := range labels {
		raw, given := members[l.member]
		if !given {
			continue
		}
		text, ok := textOf(raw)
		if !ok {
			c.problems = append(c.problems, strings.ToUpper(l.member[:1])+strings.ReplaceAll(l.member[1:], "_", " ")+" is invalid")
			continue
		}
		c.set(l.member, l.label, text, extra)
	}
	if len(extra) > 0 {
		c.command.Preferences = []commands.UpdatePreferences{{Dialect: profileDialect, Changes: extra}}
	}
	return c
}

func (c *change) set(member, label, text string, extra map[string]any) {
	switch member {
	case "email":
		text = strings.ToLower(strings.TrimSpace(text))
		c.command.Email = &text
		switch {
		case text == "":
			c.problems = append(c.problems, "Email can't be blank")
		case !emailForm.MatchString(text):
			c.problems = append(c.problems, "Email is invalid")
		}
	case "name":
		c.tooLong(label, text, maxName)
		c.command.Name = &text
	case "language":
		if text != "" && text != "ru" && text != "en" {
			c.problems = append(c.problems, "Language is not included in the list")
		}
		c.command.Language = &text
	default:
		if member != "professional_experience" {
			c.tooLong(label, text, maxLine)
		}
		extra[member] = any(text)
		if text == "" {
			extra[member] = nil
		}
	}
}

func (c *change) tooLong(label, text string, limit int) {
	if utf8.RuneCountInString(text) > limit {
		c.problems = append(c.problems, fmt.Sprintf("%s is too long (maximum is %d characters)", label, limit))
	}
}

// emailForm is something@domain.tld without blanks.
var emailForm = regexp.MustCompile(`^[^\s@]+@[^\s@]+\.[^\s@.]+$`)

// textOf reads a string; null empties a field as "" does.
func textOf(raw json.RawMessage) (string, bool) {
	var s *string
	if err := json.Unmarshal(raw, &s); err != nil {
		return "", false
	}
	if s == nil {
		return "", true
	}
	return *s, true
}

// refusedUpdate says what the domain refuses in Rails' words.
func refusedUpdate(err error) error {
	e, ok := commands.AsError(err)
	if !ok || e.Code != commands.Invalid && e.Code != commands.Conflict || len(e.Fields) == 0 {
		return err
	}
	var problems []string
	for _, f := range e.Fields {
		switch {
		case f.Field == "email" && f.Rule == "taken":
			problems = append(problems, "Email has already been taken")
		case f.Field == "name" && f.Rule == "too-long":
			problems = append(problems, "User "+f.Detail)
		default:
			problems = append(problems, strings.ToUpper(f.Field[:1])+strings.ReplaceAll(f.Field[1:], "_", " ")+" is invalid")
		}
	}
	return failed(notUpdated, problems)
}

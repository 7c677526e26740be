package commands

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // the zones must be the same on machines without a zone database
	"unicode/utf8"
)

// preference checks one value and says what is wrong with it, or "".
type preference func(value any) (rule, detail string)

// preferenceSchema has the preferences of each dialect by flat name. The
// language is not here: it is shared by all dialects.
var preferenceSchema = map[string]map[string]preference{
	"codimir": {
		"theme":                             oneOf("light", "dark", "system"),
		"notifications":                     boolean,
		"timezone":                          timezone,
		"emailNotifications.ticketAssigned": boolean,
		"emailNotifications.ticketUpdated":  boolean,
		"emailNotifications.projectInvites": boolean,
		"emailNotifications.weeklyDigest":   boolean,
	},
	CoderPreferences: coderPreferences,
	CoderAppearance:  coderAppearance,
	"abf-notifiers": {
		"can_notify":                    boolean,
		"new_comment_commit_owner":      boolean,
		"new_comment_commit_repo_owner": boolean,
		"new_comment_commit_commentor":  boolean,
		"new_comment":                   boolean,
		"new_comment_reply":             boolean,
		"new_issue":                     boolean,
		"issue_assign":                  boolean,
		"new_build":                     boolean,
		"new_associated_build":          boolean,
	},
	"abf-profile": {
		"professional_experience": textUpTo(16 << 10),
		"site":                    textUpTo(255),
		"company":                 textUpTo(255),
		"location":                textUpTo(255),
		"build_priority":          digits,
	},
	"runwhen": {
		"escalationMessage": textUpTo(4 << 10),
		"optOutPublicGroup": boolean,
	},
}

// PreferenceNames lists the preferences of a dialect, sorted; none for a dialect
// that has no preferences.
func PreferenceNames(dialect string) []string {
	return slices.Sorted(maps.Keys(preferenceSchema[dialect]))
}

func oneOf(values ...string) preference {
	return func(value any) (string, string) {
		s, ok := value.(string)
		if !ok {
			return "type", "must be a string"
		}
		if !slices.Contains(values, s) {
			return "unknown", "must be one of: " + strings.Join(values, ", ")
		}
		return "", ""
	}
}

// textUpTo is any text of at most so many characters.
func textUpTo(limit int) preference {
	return func(value any) (string, string) {
		s, ok := value.(string)
		switch {
		case !ok:
			return "type", "must be a string"
		case !storableText(s):
			return "format", "must be valid UTF-8 without NUL characters"
		case utf8.RuneCountInString(s) > limit:
			return "too-long", fmt.Sprintf("must be at most %d characters", limit)
		}
		return "", ""
	}
}

// digits is a whole number from 0 to 9999 as text, so that equal values are equal.
func digits(value any) (string, string) {
	s, ok := value.(string)
	if !ok || len(s) == 0 || len(s) > 4 || strings.Trim(s, "0123456789") != "" {
		return "format", "must be a whole number from 0 to 9999"
	}
	return "", ""
}

func storableText(s string) bool { return utf8.ValidString(s) && !strings.Contains(s, "\x00") }

func boolean(value any) (string, string) {
	if _, ok := value.(bool); !ok {
		return "type", "must be a boolean"
	}
	return "", ""
}

func timezone(value any) (string, string) {
	s, ok := value.(string)
	if !ok {
		return "type", "must be a string"
	}
	if !knownZone(s) {
		return "unknown", "must be a name of the IANA time zone database"
	}
	return "", ""
}

// zones remembers names that were found: loading one reads a file. It can not
// outgrow the database.
var zones sync.Map

func knownZone(name string) bool {
	if name == "" || name == "Local" || len(name) > 64 {
		return false
	}
	if _, ok := zones.Load(name); ok {
		return true
	}
	if _, err := time.LoadLocation(name); err != nil {
		return false
	}
	zones.Store(name, struct{}{})
	return true
}

// checkPreferences checks the form of a change of preferences.
func checkPreferences(c UpdatePreferences, p *problems) {
	schema, ok := preferenceSchema[c.Dialect]
	if !ok {
		p.add("dialect", "unknown", "this dialect has no preferences")
		return
	}
	for _, name := range slices.Sorted(maps.Keys(c.Changes)) {
		check, ok := schema[name]
		if !ok {
			p.add(name, "unknown", "there is no such preference")
			continue
		}
		if c.Changes[name] == nil {
			continue
		}
		if rule, detail := check(c.Changes[name]); rule != "" {
			p.add(name, rule, detail)
		}
	}
	if c.Language != nil {
		p.language("language", *c.Language)
	}
}

package commands

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // the zones must be the same on machines without a zone database
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

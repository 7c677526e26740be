package codimir

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
)

// Names of the preferences as they are stored, flat.
const (
	preferenceTheme         = "theme"
	preferenceNotifications = "notifications"
	preferenceTimezone      = "timezone"
	preferenceMailPrefix    = "emailNotifications."
)

// Defaults of preferences that were never written.
const (
	defaultTheme         = "system"
	defaultNotifications = true
	defaultTimezone      = "UTC"
	defaultLanguage      = "en"
)

// mailFlags are the members of emailNotifications.
var mailFlags = []string{"ticketAssigned", "ticketUpdated", "projectInvites", "weeklyDigest"}

// profilePreferences is the short form inside a profile.
type profilePreferences struct {
	Theme              string     `json:"theme"`
	Notifications      bool       `json:"notifications"`
	Timezone           string     `json:"timezone"`
	Language           string     `json:"language,omitempty"`
	EmailNotifications *mailState `json:"emailNotifications,omitempty"`
}

// preferences is the record by itself.
type preferences struct {
	ID     string `json:"id"`
	UserID string `json:"userId"`
	profilePreferences
	CreatedAt timestamp `json:"createdAt"`
	UpdatedAt timestamp `json:"updatedAt"`
}

// mailState holds the flags that were set; one that never was stays out.
type mailState struct {
	TicketAssigned *bool `json:"ticketAssigned,omitempty"`
	TicketUpdated  *bool `json:"ticketUpdated,omitempty"`
	ProjectInvites *bool `json:"projectInvites,omitempty"`
	WeeklyDigest   *bool `json:"weeklyDigest,omitempty"`
}

// preferencesSpace makes the ids of preference records from those of users. It
// must never change: clients keep the ids.
var preferencesSpace = uuid.MustParse("6f0c1d0e-3c0b-5a3e-9b52-6c2f8c1b7a41")

// preferencesID is the id of a user's record: its own, and always the same.
func preferencesID(userID string) string {
	return uuid.NewSHA1(preferencesSpace, []byte(userID)).String()
}

// settings are stored preferences; nil before the first write.
type settings map[string]any

// short is the form inside a profile, where the language shows once it is set.
func (s settings) short(language string) profilePreferences {
	return profilePreferences{
		Theme:              s.text(preferenceTheme, defaultTheme),
		Notifications:      s.flagOr(preferenceNotifications, defaultNotifications),
		Timezone:           s.text(preferenceTimezone, defaultTimezone),
		Language:           language,
		EmailNotifications: s.mail(),
	}
}

// record is the form by itself. created and updated are those of the account
// before the first write.
func (s settings) record(userID, language string, created, updated time.Time) preferences {
	if language == "" {
		language = defaultLanguage
	}
	return preferences{
		ID: preferencesID(userID), UserID: userID, profilePreferences: s.short(language),
		CreatedAt: timestamp(created), UpdatedAt: timestamp(updated),
	}
}

func (s settings) text(name, otherwise string) string {
	if value, ok := s[name].(string); ok && value != "" {
		return value
	}
	return otherwise
}

func (s settings) flag(name string) *bool {
	if value, ok := s[name].(bool); ok {
		return &value
	}
	return nil
}

func (s settings) flagOr(name string, otherwise bool) bool {
	if value := s.flag(name); value != nil {
		return *value
	}
	return otherwise
}

func (s settings) mail() *mailState {
	m := mailState{
		TicketAssigned: s.flag(preferenceMailPrefix + "ticketAssigned"),
		TicketUpdated:  s.flag(preferenceMailPrefix + "ticketUpdated"),
		ProjectInvites: s.flag(preferenceMailPrefix + "projectInvites"),
		WeeklyDigest:   s.flag(preferenceMailPrefix + "weeklyDigest"),
	}
	if m == (mailState{}) {
		return nil
	}
	return &m
}

// parsePreferences reads the members of PUT /api/user/preferences. Only what
// they name is changed, so that writers of different preferences lose nothing.
func parsePreferences(m *members) (commands.UpdatePreferences, error) {
	changes := map[string]any{}
	if theme := m.text(preferenceTheme); theme != nil {
		changes[preferenceTheme] = *theme
	}
	if on := m.flag(preferenceNotifications); on != nil {
		changes[preferenceNotifications] = *on
	}
	if zone := m.text(preferenceTimezone); zone != nil {
		changes[preferenceTimezone] = *zone
	}
	m.mail(changes)
	language := m.text("language")
	if language != nil && *language == "" { // elsewhere this clears it, here it is no language tag
		m.refuse("language", "must be a language tag such as en or pt-BR")
	}
	if err := m.fault(); err != nil {
		return commands.UpdatePreferences{}, err
	}
	return commands.UpdatePreferences{Dialect: dialect, Changes: changes, Language: language}, nil
}

// mail reads emailNotifications, which is merged one level deep.
func (m *members) mail(changes map[string]any) {
	raw, ok := m.object["emailNotifications"]
	if !ok {
		return
	}
	var o gate.Object
	if err := json.Unmarshal(raw, &o); err != nil || o == nil {
		m.refuse("emailNotifications", "must be an object")
		return
	}
	inner := newMembers(o)
	for _, name := range mailFlags {
		if on := inner.flag(name); on != nil {
			changes[preferenceMailPrefix+name] = *on
		}
	}
	for name, reason := range inner.reasons {
		m.refuse(preferenceMailPrefix+name, reason)
	}
}

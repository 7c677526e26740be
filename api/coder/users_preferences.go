package coder

import (
	"errors"
	"net/http"
	"slices"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/query"
)

// preference is one choice of how Coder's pages behave.
type preference struct {
	name    string
	unset   string // what clients see before it was chosen
	refused string // the message for a bad value
}

const alertDismissed = "task_notification_alert_dismissed"

// preferences are the choices among words, in the order in which they are checked.
var preferences = []preference{
	{"thinking_display_mode", "auto", "Invalid thinking display mode."},
	{"shell_tool_display_mode", "always_collapsed", "Invalid shell tool display mode."},
	{"code_diff_display_mode", "", "Invalid code diff display mode."},
	{"agent_chat_send_shortcut", "enter", "Invalid agent chat send shortcut."},
}

func (h *Handler) getPreferences(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	u, err := h.userFor(r, c, commands.ReadPersonal, errNotFound)
	if err != nil {
		return err
	}
	values, err := h.stored(r, u.ID, commands.CoderPreferences)
	if err != nil {
		return err
	}
	write(w, http.StatusOK, shownPreferences(values))
	return nil
}

// stored returns what a user chose; nothing at first.
func (h *Handler) stored(r *http.Request, userID, dialect string) (map[string]any, error) {
	found, err := h.Queries.Preferences(r.Context(), userID, dialect)
	if err != nil && !errors.Is(err, query.ErrNotFound) {
		return nil, err
	}
	return found.Values, nil
}

func shownPreferences(values map[string]any) map[string]any {
	dismissed, _ := values[alertDismissed].(bool)
	out := map[string]any{alertDismissed: dismissed}
	for _, p := range preferences {
		out[p.name] = p.unset
		if chosen := word(values, p.name); chosen != "" {
			out[p.name] = chosen
		}
	}
	return out
}

func word(values map[string]any, name string) string {
	s, _ := values[name].(string)
	return s
}

// updatePreferences merges: what is left out or empty stays.
func (h *Handler) updatePreferences(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	u, err := h.userFor(r, c, commands.WritePreferences, errNotFound)
	if err != nil {
		return err
	}
	b, err := readBody(w, r)
	if err != nil {
		return err
	}
	command := commands.UpdatePreferences{UserID: u.ID, Dialect: commands.CoderPreferences, Changes: map[string]any{}}
	if dismissed := b.flag(alertDismissed); dismissed != nil {
		command.Changes[alertDismissed] = *dismissed
	}
	for _, p := range preferences {
		if chosen := b.text(p.name); chosen != "" {
			command.Changes[p.name] = chosen
		}
	}
	if err := b.err(); err != nil {
		return err
	}
	if refused := commands.CheckPreferences(command); refused != nil {
		return refusedPreference(refused)
	}
	res, err := h.Commands.UpdatePreferences(r.Context(), gate.Request(r, c, Name), command)
	if err != nil {
		return err
	}
	h.Gate.Wrote(w, r, res)
	write(w, http.StatusOK, shownPreferences(res.User.Preferences[commands.CoderPreferences].Values))
	return nil
}

// refusedPreference tells of the first bad value alone.
func refusedPreference(e *commands.Error) error {
	for _, p := range preferences {
		i := slices.IndexFunc(e.Fields, func(f commands.FieldError) bool { return f.Field == p.name })
		if i >= 0 {
			return refuse(http.StatusBadRequest, p.refused, "", validation{Field: p.name, Detail: e.Fields[i].Detail})
		}
	}
	return e
}

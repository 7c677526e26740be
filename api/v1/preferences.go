package v1

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/gorilla/mux"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/query"
)

// language is shared by all dialects and shown among the preferences of each.
const language = "language"

var errNoPreferences = refuse(http.StatusNotFound, string(commands.NotFound), "there is no dialect of this name with preferences")

func dialectOf(r *http.Request) (string, error) {
	name := mux.Vars(r)["dialect"]
	if len(commands.PreferenceNames(name)) == 0 {
		return "", errNoPreferences
	}
	return name, nil
}

func (h *Handler) getPreferences(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	id, err := h.reading(r, c, commands.ReadPersonal)
	if err != nil {
		return err
	}
	dialect, err := dialectOf(r)
	if err != nil {
		return err
	}
	user, err := h.Queries.User(r.Context(), query.UserRef{ID: id})
	if err != nil {
		return err
	}
	preferences, err := h.Queries.Preferences(r.Context(), id, dialect)
	if err != nil && !errors.Is(err, query.ErrNotFound) {
		return err
	}
	return answer(w, http.StatusOK, nest(preferences.Values, user.Language))
}

func (h *Handler) updatePreferences(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	id, err := h.target(r, c, commands.WritePreferences)
	if err != nil {
		return err
	}
	dialect, err := dialectOf(r)
	if err != nil {
		return err
	}
	object, err := gate.ReadObject(w, r, gate.MaxBody)
	if err != nil {
		return err
	}
	f := fieldsOf(object)
	command := commands.UpdatePreferences{UserID: id, Dialect: dialect, Changes: map[string]any{}, Language: f.change(language)}
	delete(object, language)
	flatten(command.Changes, "", object, commands.PreferenceNames(dialect))
	if err := f.problem(); err != nil {
		return err
	}
	res, err := h.Commands.UpdatePreferences(r.Context(), h.request(r, c), command)
	if err != nil {
		return err
	}
	h.Gate.Wrote(w, r, res)
	return answer(w, http.StatusOK, nest(res.User.Preferences[dialect].Values, res.User.Language))
}

// flatten turns nested members into flat names. A null takes everything below it.
func flatten(out map[string]any, prefix string, object gate.Object, names []string) {
	for name, raw := range object {
		name = prefix + name
		var inner gate.Object
		switch {
		case isNull(raw) && below(out, name, names):
		case json.Unmarshal(raw, &inner) == nil && inner != nil:
			flatten(out, name+".", inner, names)
		default:
			value, err := plainValue(raw)
			if err != nil {
				value = string(raw) // a number beyond all bounds is of the wrong type anyway
			}
			out[name] = value
		}
	}
}

// below takes every preference under a group's name, and says whether there is one.
func below(out map[string]any, group string, names []string) bool {
	found := false
	for _, name := range names {
		if strings.HasPrefix(name, group+".") {
			out[name] = nil
			found = true
		}
	}
	return found
}

// nest shows flat names as the dialect does: "a.b" is b in an object a.
func nest(values map[string]any, lang string) map[string]any {
	out := make(map[string]any, len(values)+1)
	for name, value := range values {
		group, member, nested := strings.Cut(name, ".")
		if !nested {
			out[name] = value
			continue
		}
		inner, ok := out[group].(map[string]any)
		if !ok {
			inner = map[string]any{}
			out[group] = inner
		}
		inner[member] = value
	}
	if lang != "" {
		out[language] = lang
	}
	return out
}

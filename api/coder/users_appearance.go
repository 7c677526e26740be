package coder

import (
	"net/http"
	"slices"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
)

// The members of the appearance settings.
const (
	themePreference = "theme_preference"
	themeMode       = "theme_mode"
	themeLight      = "theme_light"
	themeDark       = "theme_dark"
	terminalFont    = "terminal_font"
)

// modeSync follows the system between two themes, modeSingle has one.
const (
	modeSync   = "sync"
	modeSingle = "single"
)

// adaptiveThemes come from clients that know no modes: they undo one.
var adaptiveThemes = []string{"auto", "auto-protan-deuter", "auto-tritan"}

func (h *Handler) getAppearance(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	u, err := h.userFor(r, c, commands.ReadPersonal, errNotFound)
	if err != nil {
		return err
	}
	values, err := h.stored(r, u.ID, commands.CoderAppearance)
	if err != nil {
		return err
	}
	write(w, http.StatusOK, shownAppearance(values))
	return nil
}

func shownAppearance(values map[string]any) map[string]string {
	out := map[string]string{}
	for _, name := range []string{themePreference, themeMode, themeLight, themeDark, terminalFont} {
		out[name] = word(values, name)
	}
	return out
}

func (h *Handler) updateAppearance(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	u, err := h.userFor(r, c, commands.WritePreferences, errNotFound)
	if err != nil {
		return err
	}
	wanted, err := readAppearance(w, r)
	if err != nil {
		return err
	}
	res, err := h.Commands.UpdatePreferences(r.Context(), gate.Request(r, c, Name), commands.UpdatePreferences{
		UserID: u.ID, Dialect: commands.CoderAppearance, Changes: wanted.changes(),
	})
	if err != nil {
		return err
	}
	h.Gate.Wrote(w, r, res)
	write(w, http.StatusOK, shownAppearance(res.User.Preferences[commands.CoderAppearance].Values))
	return nil
}

// appearance is the body of a change.
type appearance struct{ theme, mode, light, dark, font string }

func readAppearance(w http.ResponseWriter, r *http.Request) (appearance, error) {
	b, err := readBody(w, r)
	if err != nil {
		return appearance{}, err
	}
	a := appearance{
		theme: b.text(themePreference), mode: b.text(themeMode), light: b.text(themeLight), dark: b.text(themeDark),
		font: b.text(terminalFont),
	}
	b.check(themePreference, a.theme, required)
	if a.mode == modeSync {
		b.check(themeLight, a.light, required)
		b.check(themeDark, a.dark, required)
	}
	badFont := a.check(b)
	if err := b.err(); err != nil {
		return appearance{}, err
	}
	if badFont {
		return appearance{}, refuse(http.StatusBadRequest, "Unsupported font family.", "")
	}
	return a, nil
}

// check looks at every value that is given, also at those that would not be kept.
func (a appearance) check(b *body) (badFont bool) {
	given := map[string]any{terminalFont: a.font}
	for name, value := range map[string]string{themePreference: a.theme, themeMode: a.mode, themeLight: a.light, themeDark: a.dark} {
		if value != "" {
			given[name] = value
		}
	}
	refused := commands.CheckPreferences(commands.UpdatePreferences{Dialect: commands.CoderAppearance, Changes: given})
	if refused == nil {
		return false
	}
	for _, f := range refused.Fields {
		if f.Field == terminalFont {
			badFont = true
			continue
		}
		tag := "oneof"
		if f.Rule == "too-long" {
			tag = "max"
		}
		b.invalid = append(b.invalid, validationOf(f.Field, tag, given[f.Field].(string)))
	}
	return badFont
}

// changes are what is written: without a mode it stays, with what it chose, unless
// the theme is of a client that knows none.
func (a appearance) changes() map[string]any {
	out := map[string]any{themePreference: a.theme, terminalFont: a.font}
	switch a.mode {
	case modeSync:
		out[themeMode], out[themeLight], out[themeDark] = modeSync, a.light, a.dark
	case modeSingle:
		out[themeMode] = modeSingle
		if a.light != "" {
			out[themeLight] = a.light
		}
		if a.dark != "" {
			out[themeDark] = a.dark
		}
	default:
		if slices.Contains(adaptiveThemes, a.theme) {
			out[themeMode] = nil
		}
	}
	return out
}

package commands

// The names under which what Coder's clients let a user choose is kept: how the
// pages behave, and how they look.
const (
	CoderPreferences = "coder"
	CoderAppearance  = "coder-appearance"
)

var coderPreferences = map[string]preference{
	"task_notification_alert_dismissed": boolean,
	"thinking_display_mode":             oneOf("auto", "preview", "always_expanded", "always_collapsed"),
	"shell_tool_display_mode":           oneOf("auto", "always_expanded", "always_collapsed"),
	"code_diff_display_mode":            oneOf("auto", "always_expanded", "always_collapsed"),
	"agent_chat_send_shortcut":          oneOf("enter", "modifier_enter"),
}

// coderAppearance: the theme itself is any text, since each release of the clients
// has its own; what it falls back to by day and by night is one of a list.
var coderAppearance = map[string]preference{
	"theme_preference": textUpTo(128),
	"theme_mode":       oneOf("sync", "single"),
	"theme_light":      coderTheme,
	"theme_dark":       coderTheme,
	"terminal_font":    oneOf("ibm-plex-mono", "fira-code", "geist-mono", "source-code-pro", "jetbrains-mono"),
}

var coderTheme = oneOf("light", "dark", "light-protan-deuter", "dark-protan-deuter", "light-tritan", "dark-tritan")

// CheckPreferences says what is wrong with preferences before anything is asked
// of the log; nil when nothing is.
func CheckPreferences(c UpdatePreferences) *Error {
	var p problems
	checkPreferences(c, &p)
	return p.err()
}

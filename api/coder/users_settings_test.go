package coder_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPreferences(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	of := func(user string) string { return path(user, "/preferences") }
	unset := object{
		"task_notification_alert_dismissed": false, "thinking_display_mode": "auto", "shell_tool_display_mode": "always_collapsed",
		"code_diff_display_mode": "", "agent_chat_send_shortcut": "enter",
	}
	bad := func(message, field, words string) object {
		return object{"message": message, "validations": []any{object{"field": field, "detail": "must be one of: " + words}}}
	}
	thinking := bad("Invalid thinking display mode.", "thinking_display_mode", "auto, preview, always_expanded, always_collapsed")
	modes := "auto, always_expanded, always_collapsed"
	before := w.head()
	w.check([]line{
		{"3.29 never set", w.ada, "GET", of("me"), nil, 200, unset},
		{"3.29 read by an admin", w.admin, "GET", of("ada"), nil, 200, unset},
		{"3.29 read by an auditor", w.auditor, "GET", of("ada"), nil, 404, missing},
		{"3.29 may not read", w.ada, "GET", of("linus"), nil, 404, missing},
		{"3.29 nobody", nil, "GET", of("me"), nil, 401, nil},
		{"3.29 bad thinking mode", w.ada, "PUT", of("me"), object{"thinking_display_mode": "x"}, 400, thinking},
		{
			"3.29 bad shell mode", w.ada, "PUT", of("me"),
			object{"shell_tool_display_mode": "preview"},
			400,
			bad("Invalid shell tool display mode.", "shell_tool_display_mode", modes),
		},
		{
			"3.29 bad diff mode", w.ada, "PUT", of("me"),
			object{"code_diff_display_mode": "x"},
			400,
			bad("Invalid code diff display mode.", "code_diff_display_mode", modes),
		},
		{
			"3.29 bad shortcut", w.ada, "PUT", of("me"),
			object{"agent_chat_send_shortcut": "x"},
			400,
			bad("Invalid agent chat send shortcut.", "agent_chat_send_shortcut", "enter, modifier_enter"),
		},
		{"3.29 the first bad one counts", w.ada, "PUT", of("me"), object{"agent_chat_send_shortcut": "x", "thinking_display_mode": "x"}, 400, thinking},
		{
			"3.29 wrong type", w.ada, "PUT", of("me"),
			object{"task_notification_alert_dismissed": "yes"},
			400,
			badBody(`field "task_notification_alert_dismissed" must be of type bool`),
		},
		{"3.29 no body", w.ada, "PUT", of("me"), "", 400, badBody("the body is empty")},
		{"3.29 written by an auditor", w.auditor, "PUT", of("ada"), object{}, 404, missing},
		{"3.29 nobody writes", nil, "PUT", of("me"), object{}, 401, nil},
	})
	require.Equal(t, before, w.head())
	w.check([]line{{"3.29 nothing", w.ada, "PUT", of("me"), object{}, 200, unset}})
	want := maps.Clone(unset)
	for field, value := range map[string]any{
		"task_notification_alert_dismissed": true, "thinking_display_mode": "preview", "shell_tool_display_mode": "auto",
		"code_diff_display_mode": "always_expanded", "agent_chat_send_shortcut": "modifier_enter",
	} {
		want[field] = value
		w.check([]line{{"3.29 set " + field, w.ada, "PUT", of("me"), object{field: value}, 200, want}})
	}
	w.check([]line{
		{"3.29 empty and null keep", w.ada, "PUT", of("me"), object{"task_notification_alert_dismissed": nil, "thinking_display_mode": ""}, 200, want},
		{"3.29 kept", w.owner, "GET", of("ada"), nil, 200, want},
	})
	want["task_notification_alert_dismissed"] = false
	w.check([]line{{"3.29 written by an admin", w.admin, "PUT", of("ada"), object{"task_notification_alert_dismissed": false}, 200, want}})
}

func TestAppearance(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	of := func(user string) string { return path(user, "/appearance") }
	look := func(theme, mode, light, dark, font string) object {
		return object{"theme_preference": theme, "theme_mode": mode, "theme_light": light, "theme_dark": dark, "terminal_font": font}
	}
	unset := look("", "", "", "", "")
	font := says("Unsupported font family.")
	before := w.head()
	w.check([]line{
		{"3.13 never set", w.ada, "GET", of("me"), nil, 200, unset},
		{"3.13 read by an admin", w.admin, "GET", of("ada"), nil, 200, unset},
		{"3.13 read by an auditor", w.auditor, "GET", of("ada"), nil, 404, missing},
		{"3.13 may not read", w.ada, "GET", of("linus"), nil, 404, missing},
		{"3.13 nobody", nil, "GET", of("me"), nil, 401, nil},
		{"3.14 no theme", w.ada, "PUT", of("me"), object{"terminal_font": "fira-code"}, 400, invalid("theme_preference", tag("required", ""))},
		{"3.14 long theme", w.ada, "PUT", of("me"), look(strings.Repeat("x", 129), "", "", "", "fira-code"), 400, invalid("theme_preference", tag("max", strings.Repeat("x", 129)))},
		{"3.14 no font", w.ada, "PUT", of("me"), object{"theme_preference": "dark"}, 400, font},
		{"3.14 unknown font", w.ada, "PUT", of("me"), look("dark", "", "", "", "comic-sans"), 400, font},
		{"3.14 bad mode", w.ada, "PUT", of("me"), look("dark", "both", "", "", "fira-code"), 400, invalid("theme_mode", tag("oneof", "both"))},
		{"3.14 bad theme of a slot, in every mode", w.ada, "PUT", of("me"), look("dark", "", "pink", "", "fira-code"), 400, invalid("theme_light", tag("oneof", "pink"))},
		{"3.14 sync without its themes", w.ada, "PUT", of("me"), look("dark", "sync", "", "dark", "fira-code"), 400, invalid("theme_light", tag("required", ""))},
		{"3.14 wrong type", w.ada, "PUT", of("me"), object{"theme_preference": 7}, 400, badBody(`field "theme_preference" must be of type string`)},
		{"3.14 no body", w.ada, "PUT", of("me"), "", 400, badBody("the body is empty")},
		{"3.14 written by an auditor", w.auditor, "PUT", of("ada"), look("dark", "", "", "", "fira-code"), 404, missing},
		{"3.14 nobody writes", nil, "PUT", of("me"), look("dark", "", "", "", "fira-code"), 401, nil},
	})
	require.Equal(t, before, w.head())
	set := func(name string, body, want object) line { return line{name, w.ada, "PUT", of("me"), body, 200, want} }
	w.check([]line{
		set("3.14 theme and font", look("dark", "", "", "", "fira-code"), look("dark", "", "", "", "fira-code")),
		set("3.14 sync writes both", look("auto", "sync", "light", "dark-tritan", "geist-mono"), look("auto", "sync", "light", "dark-tritan", "geist-mono")),
		set("3.14 without a mode all stays", object{"theme_preference": "light", "terminal_font": "fira-code", "theme_dark": "light"},
			look("light", "sync", "light", "dark-tritan", "fira-code")),
		set("3.14 single writes what is given", look("light", "single", "", "light-tritan", "fira-code"), look("light", "single", "light", "light-tritan", "fira-code")),
		set("3.14 single keeps what is not", look("light", "single", "light-protan-deuter", "", "fira-code"),
			look("light", "single", "light-protan-deuter", "light-tritan", "fira-code")),
		set("3.14 an adaptive theme without a mode undoes it", look("auto-tritan", "", "", "", "ibm-plex-mono"),
			look("auto-tritan", "", "light-protan-deuter", "light-tritan", "ibm-plex-mono")),
		{"3.14 kept", w.owner, "GET", of("ada"), nil, 200, look("auto-tritan", "", "light-protan-deuter", "light-tritan", "ibm-plex-mono")},
		{
			"3.14 written by an admin", w.admin, "PUT", of("ada"), look("dark", "", "", "", "jetbrains-mono"), 200,
			look("dark", "", "light-protan-deuter", "light-tritan", "jetbrains-mono"),
		},
	})
}

package commands

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/events"
)

func TestUsernames(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"a", "A1", "a-b-c", strings.Repeat("a", 32), "newer", "me"} {
		require.True(t, validUsername(s), s)
	}
	for _, s := range []string{"", "-a", "a-", "a--b", "a_b", "a b", "ä", strings.Repeat("a", 33), "new", "create", "a\n"} {
		require.False(t, validUsername(s), s)
	}
}

func TestEmails(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "a@b", "ann.b+c@example.com", "ü@example.com"} {
		var p problems
		p.email(s)
		require.Empty(t, p.fields, s)
	}
	for _, s := range []string{"ann", "ann@", "@b", "Ann <a@b>", " a@b", "a@b\n", "a@b, c@d", strings.Repeat("a", 250) + "@example.com"} {
		var p problems
		p.email(s)
		require.NotEmpty(t, p.fields, s)
	}
}

func TestURLsAndLanguages(t *testing.T) {
	t.Parallel()
	good, bad := new(problems), new(problems)
	for _, s := range []string{"", "https://example.com/a.png?x=1", "HTTP://example.com"} {
		good.url("avatar", s)
	}
	for _, s := range []string{"/a.png", "//example.com/a", "data:image/png,x", "http:", "https://", "http://[::1"} {
		bad.url("avatar", s)
	}
	for _, s := range []string{"", "en", "pt-BR", "zh-Hans-CN", "de-CH-1996"} {
		good.language("language", s)
	}
	for _, s := range []string{"e", "english-please-and-more-than-35-letters", "en_US", "-en", "en-"} {
		bad.language("language", s)
	}
	require.Empty(t, good.fields)
	require.Len(t, bad.fields, 11)
}

func TestNormalisedUsernames(t *testing.T) {
	t.Parallel()
	n := names{pick: func(int) int { return 0 }}
	tests := map[string]string{
		"ann": "ann", "Ann": "Ann", "ann@example.com": "ann", "ann.b@example.com": "annb", "dependabot[bot]": "dependabotbot",
		"": "able-allen", "new": "able-allen", "-ann": "able-allen", "Пётр": "able-allen", strings.Repeat("a", 40): "able-allen",
	}
	for from, want := range tests {
		require.Equal(t, want, n.normalise(Register{Username: from}), from)
	}
	require.Equal(t, "ab", n.normalise(Register{Username: "a_b"}))
	require.Equal(t, "a-b", n.normalise(Register{Username: "a_b", Identities: []events.Identity{{Provider: "github", Subject: "1"}}}))
	require.Equal(t, "ann-aaaaaa", n.variant("ann"))
	require.Equal(t, "able-allen", n.variant(strings.Repeat("a", 30)))
	for _, adjective := range adjectives {
		for _, surname := range surnames {
			require.True(t, validUsername(adjective+"-"+surname))
		}
	}
}

func FuzzNormaliseUsername(f *testing.F) {
	for _, s := range []string{"ann", "a_b", "a@b@c", "\xff", "--", strings.Repeat("x", 64)} {
		f.Add(s)
	}
	n := newNames()
	f.Fuzz(func(t *testing.T, s string) {
		got := n.normalise(Register{Username: s})
		if !validUsername(got) || !validUsername(n.variant(got)) {
			t.Fatalf("%q became %q", s, got)
		}
		if validUsername(s) && got != s {
			t.Fatalf("%q was valid and became %q", s, got)
		}
	})
}

func FuzzHeader(f *testing.F) {
	f.Add("a\r\nb")
	f.Add("\xff\u0085 ")
	f.Fuzz(func(t *testing.T, s string) {
		got := header(s)
		if !utf8.ValidString(got) || strings.ContainsAny(got, "\r\n\x00") || utf8.RuneCountInString(got) > 200 {
			t.Fatalf("%q became %q", s, got)
		}
	})
}

func TestPreferences(t *testing.T) {
	t.Parallel()
	var p problems
	checkPreferences(UpdatePreferences{Dialect: "codimir", Language: text("pt-BR"), Changes: map[string]any{
		"theme": "dark", "notifications": false, "timezone": "America/New_York", "emailNotifications.weeklyDigest": nil,
	}}, &p)
	require.Empty(t, p.fields)
	checkPreferences(UpdatePreferences{Dialect: "codimir", Language: text("x"), Changes: map[string]any{
		"color": "red", "emailNotifications.ticketAssigned": "yes", "notifications": 1.0, "theme": "blue", "timezone": "Mars/Olympus",
	}}, &p)
	var got []string
	for _, f := range p.fields {
		got = append(got, f.Field+" "+f.Rule)
	}
	require.Equal(t, []string{
		"color unknown", "emailNotifications.ticketAssigned type", "notifications type", "theme unknown", "timezone unknown", "language format",
	}, got)
	for _, zone := range []string{"", "Local", "../etc/passwd", "europe", strings.Repeat("A", 100), "a\x00b"} {
		require.False(t, knownZone(zone), zone)
	}
	for _, zone := range []string{"UTC", "Europe/Berlin", "Asia/Kathmandu"} {
		require.True(t, knownZone(zone), zone)
	}
	require.Len(t, PreferenceNames("codimir"), 7)
	require.Empty(t, PreferenceNames("nobody's"))
}

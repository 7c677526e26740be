package commands

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestSkillTexts(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", maxSkill)
	tests := []struct{ name, content, rule, skill, description string }{
		{name: "whole", content: "---\nname: code-review\ndescription: How I review\n---\n\n# Be kind\n", skill: "code-review", description: "How I review"},
		{name: "name alone", content: "---\nname: a\n---\nx", skill: "a"},
		{name: "other members", content: "---\nname: a1\nlicense: MIT\nmetadata: {x: [1, 2]}\n---\nx\n", skill: "a1"},
		{name: "line ends of Windows, and a byte order mark", content: "\ufeff---\r\nname: a\r\ndescription: b\r\n---\r\nx\r\n", skill: "a", description: "b"},
		{name: "a number as a name", content: "---\nname: 42\n---\nx", skill: "42"},
		{name: "folded description", content: "---\nname: a\ndescription: >\n  one\n  two\n---\nx", skill: "a", description: "one two"},
		{name: "a rule in the body", content: "---\nname: a\n---\nx\n---\ny\n", skill: "a"},
		{name: "billion laughs, which nobody unfolds", content: "---\n" + laughs() + "name: a\n---\nx", skill: "a"},
		{name: "billion laughs as a name", content: "---\n" + laughs() + "name: *a9\n---\nx", rule: "front-matter"},
		{name: "null description", content: "---\nname: a\ndescription: ~\n---\nx", skill: "a"},
		{name: "an alias", content: "---\nx: &x b\nname: a\ndescription: *x\n---\nx", skill: "a", description: "b"},
		{name: "many keys, compared by nobody", content: "---\nname: a\n" + strings.Repeat("?\n", 32000) + "---\nx", skill: "a"},
		{name: "name of 256 bytes", content: "---\nname: " + strings.Repeat("n", 256) + "\n---\nx", skill: strings.Repeat("n", 256)},

		{name: "nothing", content: "", rule: "front-matter"},
		{name: "no front matter", content: "# Title\n", rule: "front-matter"},
		{name: "text before", content: "\n---\nname: a\n---\nx", rule: "front-matter"},
		{name: "no end", content: "---\nname: a\nx", rule: "front-matter"},
		{name: "one fence", content: "---", rule: "front-matter"},
		{name: "one fence with its line", content: "---\n", rule: "front-matter"},
		{name: "broken YAML", content: "---\nname: [\n---\nx", rule: "front-matter"},
		{name: "a list", content: "---\n- name\n---\nx", rule: "front-matter"},
		{name: "a scalar", content: "---\nname\n---\nx", rule: "front-matter"},
		{name: "a list as a name", content: "---\nname: [a]\n---\nx", rule: "front-matter"},
		{name: "the same member twice", content: "---\nname: a\nname: b\n---\nx", rule: "front-matter"},
		{name: "empty front matter", content: "---\n---\nx", rule: "name"},
		{name: "no name", content: "---\ndescription: a\n---\nx", rule: "name"},
		{name: "null name", content: "---\nname: ~\n---\nx", rule: "name"},
		{name: "upper case", content: "---\nname: Review\n---\nx", rule: "name"},
		{name: "underscore", content: "---\nname: a_b\n---\nx", rule: "name"},
		{name: "two hyphens", content: "---\nname: a--b\n---\nx", rule: "name"},
		{name: "hyphen at the end", content: "---\nname: a-\n---\nx", rule: "name"},
		{name: "line end in the name", content: "---\nname: \"a\\n\"\n---\nx", rule: "name"},
		{name: "name of 257 bytes", content: "---\nname: " + strings.Repeat("n", 257) + "\n---\nx", rule: "name"},
		{name: "long description", content: "---\nname: a\ndescription: " + strings.Repeat("n", 4097) + "\n---\nx", rule: "description"},
		{name: "NUL spelt in YAML", content: "---\nname: a\ndescription: \"\\0\"\n---\nx", rule: "description"},
		{name: "empty body", content: "---\nname: a\n---\n", rule: "body"},
		{name: "no body", content: "---\nname: a\n---", rule: "body"},
		{name: "white body", content: "---\nname: a\n---\n \r\n\t\n", rule: "body"},
		{name: "too large", content: "---\nname: a\n---\n" + long, rule: "too-large"},
		{name: "NUL", content: "---\nname: a\n---\n\x00", rule: "format"},
		{name: "invalid UTF-8", content: "---\nname: a\n---\n\xff", rule: "format"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var p problems
			got := p.parseSkill(tt.content)
			if tt.rule == "" {
				require.Nil(t, p.err())
				require.Equal(t, skillText{name: tt.skill, description: tt.description}, got)
				return
			}
			require.Len(t, p.fields, 1)
			require.Equal(t, "content", p.fields[0].Field)
			require.Equal(t, tt.rule, p.fields[0].Rule, p.fields[0].Detail)
		})
	}
}

// laughs is a few hundred bytes that unfold into gigabytes.
func laughs() string {
	var b strings.Builder
	b.WriteString("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n")
	for i := range 9 {
		d, n := string(rune('0'+i)), string(rune('1'+i))
		b.WriteString("a" + n + ": &a" + n + " [" + strings.TrimSuffix(strings.Repeat("*a"+d+",", 10), ",") + "]\n")
	}
	return b.String()
}

func TestSkillsOfEveryNameAreRead(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching(`[a-z]([a-z0-9]{0,8}-){0,3}[a-z]`).
			Filter(func(s string) bool { return !strings.Contains(s, "--") && s != "y" && s != "n" }).Draw(t, "name")
		body := rapid.StringMatching(`[a-z#\n -]{0,40}x`).Draw(t, "body")
		end := rapid.SampledFrom([]string{"\n", "\r\n"}).Draw(t, "end")
		var p problems
		got := p.parseSkill("---" + end + "name: \"" + name + "\"" + end + "---" + end + body)
		require.Nil(t, p.err())
		require.Equal(t, name, got.name)
	})
}

func FuzzSkillTexts(f *testing.F) {
	for _, s := range []string{
		"---\nname: a\ndescription: b\n---\nx", "---\r\nname: a\r\n---\r\nx", "---\n---\n", "---", "", "---\nname: &a [*a]\n---\nx",
		"---\nname: !!binary aGk=\n---\nx", "---\n<<: {name: a}\n---\nx", "---\n? {a: b}\n: c\n---\nx",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var p problems
		got := p.parseSkill(s)
		if p.err() != nil {
			require.Len(t, p.fields, 1)
			require.True(t, utf8.ValidString(p.fields[0].Detail))
			return
		}
		require.Regexp(t, skillName, got.name)
		require.LessOrEqual(t, len(got.name), maxSkillName)
		require.LessOrEqual(t, len(got.description), maxSkillDescription)
		require.True(t, utf8.ValidString(got.description))
		require.NotContains(t, got.description, "\x00")
	})
}

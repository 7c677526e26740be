package commands

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// Limits of a skill, in bytes.
const (
	maxSkill            = 64 << 10
	maxSkillName        = 256
	maxSkillDescription = 4096
)

var skillName = regexp.MustCompile(`^[a-z0-9]+(?:-[a-z0-9]+)*$`)

// skillText is what the text of a skill says of itself.
type skillText struct {
	name        string
	description string
}

// parseSkill reads a skill: Markdown behind front matter in YAML. What is wrong is
// added to the problems.
func (p *problems) parseSkill(content string) skillText {
	switch {
	case len(content) > maxSkill:
		p.skill("too-large", fmt.Sprintf("the skill is too large: it must have at most %d bytes", maxSkill))
		return skillText{}
	case !utf8.ValidString(content) || strings.ContainsRune(content, 0):
		p.skill("format", "the skill must be valid UTF-8 without NUL characters")
		return skillText{}
	}
	front, body, ok := cutFrontMatter(content)
	if !ok {
		p.skill("front-matter", `the front matter is missing: the skill must start with a line "---" and end its front matter with another one`)
		return skillText{}
	}
	text, err := readFrontMatter(front)
	if err != nil {
		p.skill("front-matter", "the front matter must be a YAML mapping: "+printable(err.Error()))
		return skillText{}
	}
	p.checkSkill(text, body)
	return text
}

// readFrontMatter looks at two members of a mapping and at nothing else: decoding
// all of it, as the library does into a struct or a map, compares each key with
// each other one, and 64 KiB of keys take minutes and gigabytes.
func readFrontMatter(front string) (skillText, error) {
	var document yaml.Node
	if err := yaml.Unmarshal([]byte(front), &document); err != nil {
		return skillText{}, fmt.Errorf("parse front matter: %w", err)
	}
	if document.IsZero() {
		return skillText{}, nil
	}
	mapping := document.Content[0]
	if mapping.Kind != yaml.MappingNode {
		return skillText{}, errNoMapping
	}
	members := map[string]string{"name": "", "description": ""}
	seen := map[string]bool{}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		key, value := mapping.Content[i], resolved(mapping.Content[i+1])
		if _, wanted := members[key.Value]; !wanted || key.Kind != yaml.ScalarNode {
			continue
		}
		if seen[key.Value] {
			return skillText{}, fmt.Errorf("%s is given twice", key.Value)
		}
		seen[key.Value] = true
		if value.Kind != yaml.ScalarNode {
			return skillText{}, fmt.Errorf("%s must be a text", key.Value)
		}
		if value.Tag != "!!null" {
			members[key.Value] = value.Value
		}
	}
	return skillText{name: members["name"], description: strings.TrimSpace(members["description"])}, nil
}

var errNoMapping = errors.New("there are no members in it")

func resolved(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

func (p *problems) checkSkill(text skillText, body string) {
	switch {
	case text.name == "":
		p.skill("name", `the front matter must have a name`)
	case len(text.name) > maxSkillName:
		p.skill("name", fmt.Sprintf("the name must have at most %d bytes", maxSkillName))
	case !skillName.MatchString(text.name):
		p.skill("name", "the name must be lower case letters and digits with single hyphens between them")
	case len(text.description) > maxSkillDescription:
		p.skill("description", fmt.Sprintf("the description must have at most %d bytes", maxSkillDescription))
	case strings.ContainsRune(text.description, 0): // YAML can spell what the text may not hold
		p.skill("description", "the description must not contain NUL characters")
	case strings.TrimSpace(body) == "":
		p.skill("body", "the body behind the front matter is empty")
	}
}

func (p *problems) skill(rule, detail string) { p.add("content", rule, detail) }

// cutFrontMatter splits a text at the lines "---" around its front matter. The
// line ends of any system will do.
func cutFrontMatter(s string) (front, body string, ok bool) {
	s = strings.TrimPrefix(s, "\ufeff") // some editors begin a text so
	first, rest, ok := strings.Cut(s, "\n")
	if !ok || !isFence(first) {
		return "", "", false
	}
	for at := 0; at < len(rest); {
		line, _, more := strings.Cut(rest[at:], "\n")
		if isFence(line) {
			return rest[:at], strings.TrimPrefix(rest[at+len(line):], "\n"), true
		}
		if !more {
			break
		}
		at += len(line) + 1
	}
	return "", "", false
}

func isFence(line string) bool { return strings.TrimRight(line, " \t\r") == "---" }

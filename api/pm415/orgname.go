package pm415

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/rosterhq/roster/commands"
)

const (
	maxSlug    = 32
	suffixSize = 8 // hexadecimal digits that tell names apart
)

// newOrganization reads the name of an organization. PM415's names are free text;
// it is kept as the display name, and the name that addresses need is made from it.
func newOrganization(title, label string) (commands.CreateOrganization, error) {
	title = strings.TrimSpace(title)
	switch {
	case title == "":
		return commands.CreateOrganization{}, problem(label, "is not allowed to be empty")
	case len(title) > maxOrgName: // bytes, which Roster counts
		return commands.CreateOrganization{}, problem(label, fmt.Sprintf("length must be less than or equal to %d characters long", maxOrgName))
	}
	return commands.CreateOrganization{Name: slug(title), DisplayName: title}, nil
}

// slug makes a name from a title: lower case, with hyphens for blanks and the like.
// Titles that lose more than that, or that would be reserved names, get an ending of
// their own, always the same for one title, so that equal titles still collide.
func slug(title string) string {
	folded := strings.ToLower(title)
	var b strings.Builder
	lost := false
	for _, c := range folded {
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
			b.WriteRune(c)
		case c < 0x80:
			b.WriteByte('-')
		default:
			lost = true
			b.WriteByte('-')
		}
	}
	name := strings.Join(strings.FieldsFunc(b.String(), func(c rune) bool { return c == '-' }), "-")
	if name != "" && !lost && len(name) <= maxSlug && !slices.Contains([]string{"new", "create", "default"}, name) {
		return name
	}
	sum := sha256.Sum256([]byte(folded))
	suffix := hex.EncodeToString(sum[:])[:suffixSize]
	name = strings.Trim(name[:min(len(name), maxSlug-suffixSize-1)], "-")
	return strings.TrimPrefix(name+"-"+suffix, "-")
}

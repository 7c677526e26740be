package coder

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query"
)

// maxQuery bounds q in bytes: nobody searches for more.
const maxQuery = 2048

// parseUserQuery reads the search language of the users list. It reports
// everything that is wrong at once.
func parseUserQuery(q string) (query.UserSearch, error) {
	u := userQuery{values: map[string][]string{}}
	switch {
	case len(q) > maxQuery:
		u.refuse("q", fmt.Sprintf("Query must have at most %d bytes", maxQuery))
	case !utf8.ValidString(q) || strings.IndexByte(q, 0) >= 0:
		u.refuse("q", "Query must be UTF-8 text without NUL characters")
	default:
		u.split(strings.ToLower(q))
	}
	if len(u.invalid) > 0 { // the elements are not known
		return query.UserSearch{}, u.err()
	}
	search := u.search()
	return search, u.err()
}

// userQuery is a q taken apart: the values of each key, in their order. All bare
// words make one value of "search".
type userQuery struct {
	values  map[string][]string
	invalid []validation
}

const searchKey = "search"

func (u *userQuery) refuse(field, detail string) {
	u.invalid = append(u.invalid, validation{Field: field, Detail: detail})
}

func (u *userQuery) err() error {
	if len(u.invalid) == 0 {
		return nil
	}
	return refuse(http.StatusBadRequest, "Invalid user search query.", "", u.invalid...)
}

func (u *userQuery) split(q string) {
	var words []string
	place := 0 // of the bare words among the values of search: the first value counts
	for _, element := range splitOutside(q, ' ') {
		switch parts := splitOutside(element, ':'); {
		case unquoted(element, ':') == 0:
			if words = append(words, element); len(words) == 1 {
				place = len(u.values[searchKey])
			}
		case strings.HasPrefix(element, ":") || strings.HasSuffix(element, ":"):
			u.refuse("q", fmt.Sprintf("Query element %q cannot start or end with ':'", element))
		case unquoted(element, ':') > 1:
			u.refuse("q", fmt.Sprintf("Query element %q can only contain 1 ':'", element))
		default:
			key := strings.Trim(parts[0], `"`)
			u.values[key] = append(u.values[key], strings.Trim(parts[1], `"`))
		}
	}
	if len(words) > 0 {
		u.values[searchKey] = slices.Insert(u.values[searchKey], place, strings.Join(words, " "))
	}
}

// splitOutside splits at a separator that is not inside quotes, and keeps the
// quotes. There are no empty parts.
func splitOutside(s string, separator rune) []string {
	quoted := false
	return strings.FieldsFunc(s, func(c rune) bool {
		if c == '"' {
			quoted = !quoted
		}
		return c == separator && !quoted
	})
}

func unquoted(s string, wanted rune) int {
	quoted, n := false, 0
	for _, c := range s {
		switch {
		case c == '"':
			quoted = !quoted
		case c == wanted && !quoted:
			n++
		}
	}
	return n
}

// search reads the values of every key.
func (u *userQuery) search() query.UserSearch {
	s := query.UserSearch{
		Text:           u.scalar(searchKey),
		Name:           u.scalar("name"),
		Statuses:       oneOf(u, "status", events.StatusActive, events.StatusDormant, events.StatusSuspended),
		Roles:          u.roles(),
		LoginTypes:     oneOf(u, "login_type", events.LoginPassword, events.LoginGitHub, events.LoginOIDC, events.LoginToken, events.LoginNone),
		ServiceAccount: u.boolean("service_account"),
		LastSeenBefore: u.moment("last_seen_before"),
		LastSeenAfter:  u.moment("last_seen_after"),
		CreatedBefore:  u.moment("created_before"),
		CreatedAfter:   u.moment("created_after"),
		GitHubUserID:   u.integer("github_com_user_id"),
	}
	for _, key := range slices.Sorted(maps.Keys(u.values)) { // what nobody has taken
		u.refuse(key, fmt.Sprintf("Query param %q is not a valid query param", key))
	}
	return s
}

func (u *userQuery) take(key string) []string {
	values := u.values[key]
	delete(u.values, key)
	return values
}

// scalar is the first value of a key; "" is as good as none.
func (u *userQuery) scalar(key string) string {
	if values := u.take(key); len(values) > 0 {
		return values[0]
	}
	return ""
}

func (u *userQuery) list(key string) []string {
	var out []string
	for _, value := range u.take(key) {
		for item := range strings.SplitSeq(value, ",") {
			if item = strings.TrimSpace(item); value != "" && !slices.Contains(out, item) {
				out = append(out, item)
			}
		}
	}
	return out
}

// oneOf is a list of known words.
func oneOf[T ~string](u *userQuery, key string, known ...T) []T {
	var out []T
	var bad []string
	for _, item := range u.list(key) {
		if slices.Contains(known, T(item)) {
			out = append(out, T(item))
		} else {
			bad = append(bad, item)
		}
	}
	if len(bad) > 0 {
		u.refuse(key, fmt.Sprintf("Query param %q has invalid values: %s", key, strings.Join(bad, ",")))
	}
	return out
}

// roles: everybody is a member, so asking for members asks for nothing.
func (u *userQuery) roles() []events.Role {
	names := u.list("role")
	if len(names) == 0 || slices.Contains(names, implicitRole) {
		return nil
	}
	out := make([]events.Role, len(names))
	for i, name := range names {
		out[i] = events.Role(name)
	}
	return out
}

func (u *userQuery) boolean(key string) *bool {
	value := u.scalar(key)
	if value == "" {
		return nil
	}
	b, err := strconv.ParseBool(value)
	if err != nil {
		u.refuse(key, fmt.Sprintf("Query param %q must be a valid boolean (%q is none)", key, printable(value)))
	}
	return &b
}

func (u *userQuery) integer(key string) int64 {
	value := u.scalar(key)
	if value == "" {
		return 0
	}
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		u.refuse(key, notInteger(key, err))
	}
	return n
}

// moment reads a time, whose letters were made small with the rest of q.
func (u *userQuery) moment(key string) *time.Time {
	value := u.scalar(key)
	if value == "" {
		return nil
	}
	t, err := time.Parse(time.RFC3339Nano, strings.ToUpper(value))
	if err != nil {
		u.refuse(key, fmt.Sprintf("Query param %q must be a valid date format (%s): %q is none", key, time.RFC3339Nano, printable(value)))
		return nil
	}
	return &t
}

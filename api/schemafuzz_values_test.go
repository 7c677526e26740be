package api_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"pgregory.net/rapid"

	"github.com/rosterhq/roster/api/apitest"
)

// mostKept bounds what is remembered under one name, so that what is new is used.
const mostKept = 24

// values draws from schemas, and remembers what the system answered so that some
// values name what there is.
type values struct {
	*rand.Rand
	seen map[string][]any
}

// remember keeps what an answer holds under the names it has there.
func (v *values) remember(name string, value any) {
	switch value := value.(type) {
	case object:
		for _, k := range sortedKeys(value) {
			v.remember(strings.ToLower(k), value[k])
		}
	case []any:
		for _, one := range value[:min(len(value), 4)] {
			v.remember(name, one)
		}
	case string, float64:
		if len(v.seen[name]) >= mostKept {
			v.seen[name][v.IntN(mostKept)] = value
			return
		}
		v.seen[name] = append(v.seen[name], value)
	}
}

func sortedKeys(m object) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// chance is true once in n times.
func (v *values) chance(n int) bool { return v.IntN(n) == 0 }

func pick[T any](v *values, of ...T) T { return of[v.IntN(len(of))] }

// known is something the system once answered under one of the names.
func (v *values) known(names ...string) (any, bool) {
	for _, i := range v.Perm(len(names)) {
		if seen := v.seen[strings.ToLower(names[i])]; len(seen) > 0 {
			return pick(v, seen...), true
		}
	}
	return nil, false
}

// otherNames are under which names something for a parameter or member is known.
var otherNames = map[string][]string{ //nolint:gochecknoglobals // a constant table
	"user": {"user"}, "user_id": {"number", "user"}, "organization": {"organization"}, "organizationname": {"organization"},
	"orgId": {"orgid", "id", "organization"}, "group": {"group"}, "workspace": {"workspace"}, "key": {"key", "id"},
	"keyid": {"key", "id"}, "keyname": {"key", "token_name"}, "token_id": {"id", "token_id"}, "id": {"number", "id"},
	"organization_ids": {"organization"}, "owner": {"user"}, "usersId": {"id", "number"}, "refresh": {"refresh_token", "refresh"},
}

func namesOf(name string) []string {
	if names, ok := otherNames[name]; ok {
		return names
	}
	return []string{name}
}

// of draws a value that the schema allows, as far as a schema says; name is that of
// the member or parameter.
func (v *values) of(ref *openapi3.SchemaRef, name string, depth int) any {
	if ref == nil || ref.Value == nil || depth > 6 {
		return v.anything(depth)
	}
	s := ref.Value
	switch {
	case s.Nullable && v.chance(6):
		return nil
	case len(s.Enum) > 0:
		return pick(v, s.Enum...)
	case len(s.AllOf) > 0:
		return v.allOf(s, name, depth)
	case len(s.OneOf) > 0:
		return v.of(pick(v, s.OneOf...), name, depth+1)
	case len(s.AnyOf) > 0:
		return v.of(pick(v, s.AnyOf...), name, depth+1)
	case s.Type.Is("object") || len(s.Properties) > 0:
		return v.object(s, depth)
	case s.Type.Is("array"):
		return v.array(s, name, depth)
	case s.Type.Is("integer"), s.Type.Is("number"):
		return v.number(s, name)
	case s.Type.Is("boolean"):
		return v.chance(2)
	case s.Type.Is("string"):
		return v.text(s, name)
	}
	return v.anything(depth)
}

func (v *values) allOf(s *openapi3.Schema, name string, depth int) any {
	all := object{}
	for _, part := range s.AllOf {
		one, ok := v.of(part, name, depth+1).(object)
		if !ok {
			return one
		}
		for k, value := range one {
			all[k] = value
		}
	}
	return all
}

func (v *values) object(s *openapi3.Schema, depth int) any {
	out := object{}
	names := make([]string, 0, len(s.Properties))
	for name := range s.Properties {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if slices.Contains(s.Required, name) || v.chance(2) {
			out[name] = v.of(s.Properties[name], name, depth+1)
		}
	}
	if more := s.AdditionalProperties.Schema; more != nil || len(names) == 0 {
		for range v.IntN(3) {
			out[v.word()] = v.of(more, "", depth+1)
		}
	}
	return out
}

func (v *values) array(s *openapi3.Schema, name string, depth int) any {
	most := 3
	if s.MaxItems != nil {
		most = min(most, int(*s.MaxItems))
	}
	out := make([]any, max(int(s.MinItems), v.IntN(most+1)))
	for i := range out {
		out[i] = v.of(s.Items, name, depth+1)
	}
	return out
}

func (v *values) number(s *openapi3.Schema, name string) any {
	if found, ok := v.known(namesOf(name)...); ok && v.chance(2) {
		if n, ok := found.(float64); ok {
			return n
		}
	}
	low, high := 0.0, 100.0
	if s.Min != nil {
		low, high = *s.Min, *s.Min+100
	}
	if s.Max != nil {
		high = *s.Max
	}
	switch {
	case v.chance(6):
		return low
	case v.chance(6):
		return high
	}
	return math.Floor(low + v.Float64()*(high-low))
}

// text draws a string: something known, by the name, by the format or pattern, or any.
func (v *values) text(s *openapi3.Schema, name string) any {
	if found, ok := v.known(namesOf(name)...); ok && v.chance(3) {
		return fmt.Sprint(found)
	}
	if s.Pattern != "" {
		return rapid.StringMatching(s.Pattern).Example(v.IntN(1 << 20))
	}
	switch s.Format {
	case "uuid":
		if found, ok := v.known("id", "user_id"); ok && v.chance(2) {
			return fmt.Sprint(found)
		}
		return v.uuid()
	case "email":
		return v.word() + "@example.com"
	case "date-time":
		return v.moment().Format(time.RFC3339)
	case "date":
		return v.moment().Format(time.DateOnly)
	case "uri":
		return "https://example.com/" + v.word()
	}
	return v.bounded(s, v.named(strings.ToLower(name)))
}

// named draws what somebody would write under a name.
func (v *values) named(name string) string {
	switch {
	case strings.Contains(name, "email"):
		return v.word() + "@example.com"
	case strings.Contains(name, "password"), name == "confirmation":
		return pick(v, apitest.Password, apitest.Password, "password-of-"+v.word()+"-42")
	case strings.Contains(name, "url"), name == "avatar", name == "icon":
		return "https://example.com/" + v.word()
	case strings.Contains(name, "name"), v.chance(2):
		return v.word()
	}
	return pick(v, "", "me", "default", "ünïcödé ✓ 名前", "<b>&amp;</b>", "'; DROP TABLE users; --", "%s%n", "../../etc/passwd", "\u202eabc", "a\tb\nc", strings.Repeat("x", 300))
}

func (v *values) bounded(s *openapi3.Schema, text string) string {
	for len(text) < int(s.MinLength) {
		text += "x"
	}
	if s.MaxLength != nil {
		runes := []rune(text)
		return string(runes[:min(len(runes), int(*s.MaxLength))])
	}
	return text
}

func (v *values) word() string { return fmt.Sprintf("w%x", v.Uint32()) }

func (v *values) uuid() string {
	return fmt.Sprintf("%08x-%04x-7%03x-a%03x-%012x", v.Uint32(), v.IntN(1<<16), v.IntN(1<<12), v.IntN(1<<12), v.Int64N(1<<48))
}

func (v *values) moment() time.Time {
	return time.Unix(pick(v, 0, 951782400, 1700000000, 4102444800, v.Int64N(4102444800)), 0).UTC()
}

// anything draws a JSON value of any form.
func (v *values) anything(depth int) any {
	if depth > 6 {
		return nil
	}
	switch v.IntN(9) {
	case 0:
		return nil
	case 1:
		return v.chance(2)
	case 2:
		return pick(v, 0, -1, 1.5, 1e308, -1e-308, 9007199254740993, float64(math.MaxInt64), 4294967296)
	case 3:
		return []any{v.anything(depth + 1), v.anything(depth + 1)}
	case 4:
		return object{v.word(): v.anything(depth + 1), "": v.anything(depth + 1)}
	case 5:
		return []any{}
	case 6:
		return object{}
	}
	return v.named("")
}

package pm415

import (
	"encoding/json"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/rosterhq/roster/api/gate"
)

// readMembers returns the members of a JSON object or of a form. No body holds
// none.
func readMembers(w http.ResponseWriter, r *http.Request) (gate.Object, error) {
	raw, err := gate.ReadBody(w, r, gate.MaxBody)
	if err != nil {
		return nil, err
	}
	if isForm(r) {
		return formMembers(string(raw))
	}
	if len(raw) == 0 {
		return gate.Object{}, nil
	}
	return gate.ParseObject(raw)
}

func isForm(r *http.Request) bool {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && kind == "application/x-www-form-urlencoded"
}

// maxFormMembers is how many members a form may have: as many as body-parser takes.
const maxFormMembers = 1000

// index is what follows the name of an array's element in a form.
var index = regexp.MustCompile(`\[\d*\]$`)

// formMembers reads a form: a name that comes twice, or ends in [] or [0], is an
// array.
func formMembers(raw string) (gate.Object, error) {
	if strings.Count(raw, "&") >= maxFormMembers {
		return nil, errTooLarge
	}
	form, err := url.ParseQuery(raw)
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "The body is not a valid form")
	}
	arrays, texts := map[string][]string{}, gate.Object{}
	for name, values := range form {
		if !plain(name) || !plain(values...) {
			return nil, refuse(http.StatusBadRequest, "The body must be valid UTF-8 without NUL characters")
		}
		plainName := index.ReplaceAllString(name, "")
		if len(values) > 1 || plainName != name {
			arrays[plainName] = append(arrays[plainName], values...)
			continue
		}
		texts[name] = encoded(values[0])
	}
	for name, values := range arrays {
		texts[name] = encoded(values)
	}
	return texts, nil
}

func plain(texts ...string) bool {
	for _, s := range texts {
		if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
			return false
		}
	}
	return true
}

// encoded is the JSON of a text or of texts, which always have one.
func encoded(v any) json.RawMessage {
	raw, err := json.Marshal(v)
	if err != nil {
		return json.RawMessage("null")
	}
	return raw
}

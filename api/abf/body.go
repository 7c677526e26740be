package abf

import (
	"encoding/json"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/rosterhq/roster/api/gate"
)

// readMembers returns what a write holds under name ("user"): the members of
// {"user":{...}}, or user[member]=value of a form, or, for JSON without that
// member, those at the top. No body, and one without such members, holds nothing.
func readMembers(w http.ResponseWriter, r *http.Request, name string, topLevel bool) (gate.Object, error) {
	raw, err := gate.ReadBody(w, r, gate.MaxBody)
	if err != nil {
		return nil, err
	}
	if len(raw) == 0 {
		return gate.Object{}, nil
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err == nil && kind == "application/x-www-form-urlencoded" {
		return formMembers(raw, name)
	}
	outer, err := gate.ParseObject(raw)
	if err != nil {
		return nil, err
	}
	inner, wrapped := outer[name]
	if !wrapped {
		if topLevel {
			return outer, nil
		}
		return gate.Object{}, nil
	}
	if string(inner) == "null" || string(inner) == `""` {
		return gate.Object{}, nil
	}
	return gate.ParseObject(inner)
}

// formMembers reads name[member]=value; the last of a repeated one counts, as in
// Rails.
func formMembers(raw []byte, name string) (gate.Object, error) {
	form, err := url.ParseQuery(string(raw))
	if err != nil {
		return nil, errBadRequest
	}
	out := gate.Object{}
	for key, values := range form {
		member, ok := strings.CutPrefix(key, name+"[")
		if !ok || !strings.HasSuffix(member, "]") {
			continue
		}
		value := values[len(values)-1]
		if !utf8.ValidString(value) || strings.Contains(value, "\x00") {
			return nil, errBadRequest
		}
		encoded, err := json.Marshal(value)
		if err != nil {
			return nil, errBadRequest
		}
		out[strings.TrimSuffix(member, "]")] = encoded
	}
	return out, nil
}

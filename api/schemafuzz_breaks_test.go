package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// attempt is a request before it is sent.
type attempt struct {
	method  string
	path    string // escaped
	query   string // escaped
	headers map[string]string
	kind    string // of the content, "" without a body
	body    []byte
	tree    any // the body before it was encoded; nil where there is none
}

// breaks are the ways in which a request is made wrong, or odd.
var breaks = map[string]func(*values, *attempt){ //nolint:gochecknoglobals // a constant table
	"another type": func(v *values, a *attempt) {
		a.encode(v.replaced(a.tree, func(any) any { return v.anything(0) }))
	},
	"a member is missing": func(v *values, a *attempt) {
		if m, ok := a.tree.(object); ok && len(m) > 0 {
			delete(m, pick(v, sortedKeys(m)...))
		}
		a.encode(a.tree)
	},
	"an unknown member": func(v *values, a *attempt) {
		if m, ok := a.tree.(object); ok {
			m[pick(v, "__proto__", "id", "roles", "isAdmin", "", "\x00", v.word())] = v.anything(0)
		}
		a.encode(a.tree)
	},
	"a member twice": func(v *values, a *attempt) {
		m, ok := a.tree.(object)
		if !ok || len(m) == 0 {
			return
		}
		name := pick(v, sortedKeys(m)...)
		if a.kind == "application/x-www-form-urlencoded" {
			a.body = append(a.body, ("&" + url.QueryEscape(name) + "=")...)
			return
		}
		a.body = append(fmt.Appendf(nil, "{%s:null,", mustJSON(name)), a.body[1:]...)
	},
	"a huge number": func(v *values, a *attempt) {
		a.encode(v.replaced(a.tree, func(any) any {
			return json.RawMessage(pick(v, "1e400", "-1e400", strings.Repeat("9", 400), "9223372036854775808", "-9223372036854775809", "1e-400", "0."+strings.Repeat("1", 400), "-0"))
		}))
	},
	"NUL": func(v *values, a *attempt) {
		a.encode(v.replaced(a.tree, func(any) any { return pick(v, "\x00", "a\x00b", "name\x00") }))
	},
	"a lone surrogate": func(v *values, a *attempt) {
		a.encode(v.replaced(a.tree, func(any) any { return json.RawMessage(pick(v, `"\ud800"`, `"a\udfffb"`)) }))
	},
	"invalid UTF-8": func(v *values, a *attempt) {
		a.encode(v.replaced(a.tree, func(any) any { return "@@" }))
		a.body = bytes.Replace(a.body, []byte("@@"), []byte(pick(v, "\xff\xfe", "\xc0\x80", "a\xed\xa0\x80", "\xf4\x90\x80\x80")), 1)
	},
	"a long string": func(v *values, a *attempt) {
		a.encode(v.replaced(a.tree, func(any) any { return strings.Repeat(pick(v, "x", "é", "😀", " "), 40_000) }))
	},
	"deep nesting": func(v *values, a *attempt) {
		n := pick(v, 100, 5_000, 20_000)
		deep := json.RawMessage(strings.Repeat("[", n) + strings.Repeat("]", n))
		if v.chance(2) {
			deep = json.RawMessage(strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n))
		}
		a.body = bytes.Replace(mustJSON(v.replaced(a.tree, func(any) any { return "@@" })), []byte(`"@@"`), deep, 1)
	},
	"cut short": func(v *values, a *attempt) {
		if len(a.body) > 0 {
			a.body = a.body[:v.IntN(len(a.body))]
		}
	},
	"bytes changed": func(v *values, a *attempt) {
		for range min(3, len(a.body)) {
			a.body[v.IntN(len(a.body))] = byte(v.IntN(256))
		}
	},
	"something behind the body": func(v *values, a *attempt) {
		a.body = append(a.body, pick(v, "}", "{}", "null", ",", "\x00", "\n\n")...)
	},
	"another root": func(v *values, a *attempt) {
		a.body = []byte(pick(v, "", "null", "[]", "1", `"x"`, "true", " ", "\xef\xbb\xbf{}", "[{}]", "{}"))
	},
	"too large": func(v *values, a *attempt) {
		a.body = append(bytes.Repeat([]byte(" "), pick(v, 1<<20, 3<<20)), a.body...)
	},
	"another content type": func(v *values, a *attempt) {
		a.headers["Content-Type"] = pick(v, "", "text/plain", "application/xml", "multipart/form-data", "multipart/form-data; boundary=x", "application/json; charset=utf-16",
			"application/x-www-form-urlencoded", "application/json;;", "application/x-ndjson", "*/*", "application/json, text/html", "json", "application/merge-patch+json")
	},
	"another method": func(v *values, a *attempt) {
		a.method = pick(v, http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodHead, http.MethodOptions, http.MethodTrace, "PROPFIND", "get", "X")
	},
	"another path": func(v *values, a *attempt) {
		parts := strings.Split(a.path, "/")
		i := 1 + v.IntN(len(parts)-1)
		switch v.IntN(4) {
		case 0:
			parts[len(parts)-1] += pick(v, "/", "//", "/.", "/..", "/%2e%2e", ".json", "%00", "%2F", ";a=b", "/ö")
		case 1:
			parts[i] = pick(v, oddParts...)
		case 2:
			parts[i] += pick(v, oddParts...)
		case 3:
			parts[i] = strings.ToUpper(parts[i])
		}
		a.path = strings.Join(parts, "/")
	},
	"another query": func(v *values, a *attempt) {
		odd := pick(v, "%zz", "a=%", "a;b=c", "=", "&&&", "limit=-1", "limit=99999999999999999999", "limit=1e3", "page=0", "page=-9223372036854775808", "offset=9223372036854775807",
			"cursor=%00", "cursor=AAAA", "q=%00", "q=%ff%fe", "limit=1&limit=2", "at=9999999999999999999", "at=-1", "from=x", "to=0001-01-01T00:00:00Z", "type=%f0%9f%98%80",
			"q="+strings.Repeat("x", 6000), "%00=%00", "after_id=%27", "query=%25", "per_page=0", "days=99999999999", "follow=maybe", "page_size=0", "page-size=-1")
		a.query = strings.Trim(a.query+"&"+odd, "&")
	},
	"a parameter of another type": func(v *values, a *attempt) {
		query, _ := url.ParseQuery(a.query)
		for name := range query {
			query.Set(name, pick(v, "", "\x00", "-1", "1e400", "[]", "{}", "null", "true", "\xff", "99999999999999999999", "0x10", " 1", "١", strings.Repeat("9", 500), v.named("")))
		}
		a.query = query.Encode()
	},
	"odd headers": func(v *values, a *attempt) {
		for range 1 + v.IntN(3) {
			a.headers[pick(v, oddHeaders...)] = pick(v, "", " ", "x", "\xff\xfe", strings.Repeat("h", 5000), "-1", "0", "99999999999999999999", "null", "*", `"`, `W/"x"`,
				"bytes=0-1,2-3", "gzip", "Bearer", "Basic", "Basic !!!", "Basic Og==", "Bearer a.b.c", "a=b; a=c; =", "http://evil.example", "null", "text/html", "*/*;q=0", "application/json;q=x",
				"127.0.0.1, ::1, x", "1970-01-01", "Thu, 01 Jan 1970 00:00:00 GMT", "coder_session_token=x; next-auth.session-token=x")
		}
	},
}

var oddParts = []string{ //nolint:gochecknoglobals // a constant table
	"%00", "%2F", "%2f..%2f", "%ff", "%C0%AF", "%2e%2e", "..", ".", "", "%20", "%0a", "%0d%0a", "%25", "%25zz", "+", "*", "-1", "0", "99999999999999999999", "9223372036854775807", "me", "ME",
	"null", "00000000-0000-0000-0000-000000000000", "%F0%9F%98%80", "a%00b", "{user}", "%7Buser%7D", "1.5", "1e3", "..;", strings.Repeat("a", 4000), "%3F", "%23", "'", "%22", "%5C", "default",
}

var oddHeaders = []string{ //nolint:gochecknoglobals // a constant table
	"Idempotency-Key", "Last-Event-Id", "Accept", "If-None-Match", "If-Match", "If-Modified-Since", "Range", "Authorization", "Cookie", "Content-Encoding", "Accept-Encoding", "X-Forwarded-For",
	"X-Forwarded-Proto", "X-Forwarded-Host", "Origin", "Referer", "Accept-Language", "X-Request-Id", "Coder-Session-Token", "X-Http-Method-Override", "Traceparent", "Roster-At", "User-Agent",
	"X-CSRF-Token", "Prefer", "Forwarded", "Access-Control-Request-Method", "Content-Language", "Date",
}

// encode writes the tree as the kind of the content wants it.
func (a *attempt) encode(tree any) {
	if a.kind == "" {
		return
	}
	a.tree, a.body = tree, mustJSON(tree)
	members, isObject := tree.(object)
	list, isList := tree.([]any)
	switch {
	case a.kind == "application/x-www-form-urlencoded" && isObject:
		a.body = []byte(form("", members).Encode())
	case a.kind == "application/x-ndjson" && isList:
		a.body = nil
		for _, one := range list {
			a.body = append(append(a.body, mustJSON(one)...), '\n')
		}
	}
}

// form writes an object as the members of a form, nested ones in brackets.
func form(prefix string, members object) url.Values {
	out := url.Values{}
	for name, value := range members {
		if prefix != "" {
			name = prefix + "[" + name + "]"
		}
		if inner, ok := value.(object); ok {
			for k, values := range form(name, inner) {
				out[k] = values
			}
			continue
		}
		out.Set(name, fmt.Sprint(value))
	}
	return out
}

func mustJSON(tree any) []byte {
	raw, err := json.Marshal(tree)
	if err != nil {
		panic(fmt.Sprintf("encode a generated body: %v", err))
	}
	return raw
}

// replaced gives the tree with one of its values replaced, the root seldom.
func (v *values) replaced(tree any, by func(any) any) any {
	switch t := tree.(type) {
	case object:
		if len(t) > 0 && !v.chance(12) {
			name := pick(v, sortedKeys(t)...)
			t[name] = v.replaced(t[name], by)
			return t
		}
	case []any:
		if len(t) > 0 && !v.chance(4) {
			i := v.IntN(len(t))
			t[i] = v.replaced(t[i], by)
			return t
		}
	}
	return by(tree)
}

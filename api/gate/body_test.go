package gate_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/gate"
)

func TestReadObject(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body  string
		code  gate.BodyCode
		field string
	}{
		"good":               {body: ` {"a":{"b":[1,"x",null,true]},"c":1e999} `},
		"empty":              {body: " \n", code: gate.Empty},
		"not JSON":           {body: "{a:1}", code: gate.NotJSON},
		"unfinished":         {body: `{"a":`, code: gate.NotJSON},
		"trailing":           {body: `{}x`, code: gate.NotJSON},
		"two":                {body: `{}{}`, code: gate.NotJSON},
		"array":              {body: `[]`, code: gate.NotObject},
		"null":               {body: `null`, code: gate.NotObject},
		"invalid UTF-8":      {body: "{\"a\":\"\xc3\"}", code: gate.InvalidUTF8},
		"duplicate":          {body: `{"a":{"b":1,"b":2}}`, code: gate.Duplicate, field: "a.b"},
		"hidden duplicate":   {body: `{"a":1,"\u0061":2}`, code: gate.Duplicate, field: "a"},
		"NUL":                {body: `{"a":[0,"x\u0000"]}`, code: gate.NUL, field: "a[1]"},
		"deep":               {body: strings.Repeat(`{"a":`, 33) + "1" + strings.Repeat("}", 33), code: gate.TooDeep},
		"as deep as allowed": {body: strings.Repeat(`{"a":`, 32) + "1" + strings.Repeat("}", 32)},
		"too large":          {body: `{"a":"` + strings.Repeat("x", 1024) + `"}`, code: gate.TooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(c.body))
			_, err := gate.ReadObject(httptest.NewRecorder(), r, 1024)
			if c.code == "" {
				require.NoError(t, err)
				again, err := io.ReadAll(r.Body)
				require.NoError(t, err)
				require.Equal(t, c.body, string(again), "the body stays readable")
				return
			}
			refused, ok := gate.AsBodyError(err)
			require.True(t, ok, "%v", err)
			require.Equal(t, c.code, refused.Code)
			if c.field != "" {
				require.Equal(t, c.field, refused.Field)
			}
		})
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("gone") }

func TestUnreadableBodies(t *testing.T) {
	t.Parallel()
	_, err := gate.ReadBody(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/", broken{}), 10)
	refused, _ := gate.AsBodyError(err)
	require.Equal(t, gate.Unreadable, refused.Code)
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("x"))
	r.Header.Set("Content-Encoding", "gzip")
	_, err = gate.ReadBody(httptest.NewRecorder(), r, 10)
	refused, _ = gate.AsBodyError(err)
	require.Equal(t, gate.BadEncoding, refused.Code)
}

// FuzzCheckJSON: what passes is what encoding/json takes too, holds no NUL and
// no member twice; nothing panics.
func FuzzCheckJSON(f *testing.F) {
	for _, seed := range []string{`{}`, `{"a":[1,{"b":"\u0000"}]}`, `{"a":1,"a":2}`, "[[[[", `"\ud800"`, `1e999`, "\xff", `{"a":1}}`, `{"":{}}`, `[1,]`, `{"a" 1}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		err := gate.CheckJSON(raw)
		if err != nil {
			if _, ok := gate.AsBodyError(err); !ok {
				t.Fatalf("%T", err)
			}
			if refused, _ := gate.AsBodyError(err); refused.Code == gate.NotJSON && json.Valid(raw) {
				t.Fatalf("valid JSON refused: %q: %v", raw, err)
			}
			return
		}
		if !json.Valid(raw) || !utf8.Valid(raw) {
			t.Fatalf("passed: %q", raw)
		}
		var v any
		d := json.NewDecoder(strings.NewReader(string(raw)))
		d.UseNumber()
		if d.Decode(&v) != nil {
			t.Fatalf("not decodable: %q", raw)
		}
		if hasNUL(v) {
			t.Fatalf("NUL passed: %q", raw)
		}
	})
}

func hasNUL(v any) bool {
	switch t := v.(type) {
	case string:
		return strings.Contains(t, "\x00")
	case []any:
		for _, e := range t {
			if hasNUL(e) {
				return true
			}
		}
	case map[string]any:
		for k, e := range t {
			if hasNUL(k) || hasNUL(e) {
				return true
			}
		}
	}
	return false
}

// FuzzHeaders: parsers of headers never panic and never let control characters through.
func FuzzHeaders(f *testing.F) {
	f.Add("Bearer aB3dE6gH9j-aB3dE6gH9jaB3dE6gH9jaB", "key", "r1,a2", "agent", "id")
	f.Add("bearer", "\x00", "r", "\xff\x00", "")
	f.Fuzz(func(t *testing.T, authorization, key, position, agent, id string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header["Authorization"] = []string{authorization}
		r.Header["Idempotency-Key"] = []string{key}
		r.Header["Roster-Min-Position"] = []string{position}
		r.Header["User-Agent"] = []string{agent}
		r.Header["X-Request-Id"] = []string{id}
		r.Header["Cookie"] = []string{authorization}
		token, _ := gate.CoderForms().Find(r)
		if id, secret, err := gate.ParseToken(token); err == nil && (len(id) != 10 || len(secret) != 22 || strings.ContainsRune(id+secret, 0)) {
			t.Fatalf("token passed: %q", token)
		}
		if k, err := gate.IdempotencyKey(r); err == nil && (k == "" || len(k) > 255) {
			t.Fatalf("key passed: %q", k)
		}
		_, _ = gate.WithMinPosition(r)
		if a := gate.UserAgent(r); !utf8.ValidString(a) || len(a) > 255 || strings.ContainsAny(a, "\x00\r\n") {
			t.Fatalf("agent passed: %q", a)
		}
		if n := gate.NewRequestID(r); n == "" || len(n) > 64 || strings.ContainsAny(n, "\x00\r\n <>") {
			t.Fatalf("request id passed: %q", n)
		}
	})
}

package gate

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// MaxDepth is how deep JSON may be nested.
const MaxDepth = 32

// Object is a JSON object whose members are not decoded yet.
type Object map[string]json.RawMessage

// ParseObject reads one JSON object and checks it by CheckJSON.
func ParseObject(raw []byte) (Object, error) {
	if err := CheckJSON(raw); err != nil {
		return nil, err
	}
	trimmed := bytes.TrimLeft(raw, " \t\r\n")
	if trimmed[0] != '{' {
		return nil, &BodyError{Code: NotObject, Detail: "the body must be a JSON object"}
	}
	var o Object
	if err := jsonv2.Unmarshal(raw, &o, jsontext.AllowInvalidUTF8(true)); err != nil { // half of a surrogate pair is passed on
		return nil, &BodyError{Code: NotJSON, Detail: syntaxDetail(err)}
	}
	return o, nil
}

// CheckJSON says what is wrong with a JSON text: syntax, trailing data, invalid
// UTF-8, nesting, and duplicate members or NUL characters at any depth, which
// encoding/json lets pass and the read models can not hold. Its errors are *BodyError.
func CheckJSON(raw []byte) error {
	if len(bytes.TrimSpace(raw)) == 0 {
		return &BodyError{Code: Empty, Detail: "the body is empty"}
	}
	if !utf8.Valid(raw) {
		return &BodyError{Code: InvalidUTF8, Detail: "the body is not valid UTF-8"}
	}
	if wellFormed(raw) {
		return nil
	}
	return checkClosely(raw)
}

func checkClosely(raw []byte) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	w := walker{decoder: d}
	if err := w.value("", 0); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return &BodyError{Code: NotJSON, Detail: "there is something after the JSON value"}
	}
	return nil
}

// walker goes through a JSON text token by token.
type walker struct{ decoder *json.Decoder }

func (w *walker) value(path string, depth int) error {
	token, err := w.decoder.Token()
	if err != nil {
		return &BodyError{Code: NotJSON, Detail: syntaxDetail(err)}
	}
	switch t := token.(type) {
	case string:
		return checkText(t, path)
	case json.Delim:
		if depth == MaxDepth {
			return &BodyError{Code: TooDeep, Field: path, Detail: "nested deeper than " + strconv.Itoa(MaxDepth) + " levels"}
		}
		if t == '{' {
			return w.object(path, depth+1)
		}
		return w.array(path, depth+1)
	default:
		return nil
	}
}

func (w *walker) object(path string, depth int) error {
	seen := map[string]struct{}{}
	for w.decoder.More() {
		token, err := w.decoder.Token()
		if err != nil {
			return &BodyError{Code: NotJSON, Detail: syntaxDetail(err)}
		}
		name, ok := token.(string)
		if !ok {
			return &BodyError{Code: NotJSON, Detail: "a member has no name"}
		}
		member := join(path, name)
		if err := checkText(name, member); err != nil {
			return err
		}
		if _, twice := seen[name]; twice {
			return &BodyError{Code: Duplicate, Field: member, Detail: "given more than once"}
		}
		seen[name] = struct{}{}
		if err := w.value(member, depth); err != nil {
			return err
		}
	}
	return w.end()
}

func (w *walker) array(path string, depth int) error {
	for i := 0; w.decoder.More(); i++ {
		if err := w.value(path+"["+strconv.Itoa(i)+"]", depth); err != nil {
			return err
		}
	}
	return w.end()
}

func (w *walker) end() error {
	if _, err := w.decoder.Token(); err != nil {
		return &BodyError{Code: NotJSON, Detail: syntaxDetail(err)}
	}
	return nil
}

func checkText(text, path string) error {
	if strings.IndexByte(text, 0) >= 0 {
		return &BodyError{Code: NUL, Field: strings.ReplaceAll(path, "\x00", "\\u0000"), Detail: "must not contain NUL characters"}
	}
	return nil
}

const maxPath = 128

func join(path, name string) string {
	if len(path)+len(name) > maxPath { // a path is for people: a hostile one is not repeated whole
		return path
	}
	if path == "" {
		return name
	}
	return path + "." + name
}

// syntaxDetail describes a syntax error without repeating the body.
func syntaxDetail(err error) string {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return syntax.Error() + " at byte " + strconv.FormatInt(syntax.Offset, 10)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return "unexpected end of JSON input"
	}
	return "malformed JSON"
}

package gate

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"unicode/utf8"

	"github.com/rosterhq/roster/api/crowd"
	"github.com/rosterhq/roster/commands"
)

// BodyCode is the closed set of things that can be wrong with a body.
type BodyCode string

// What can be wrong with a body. TooLarge is a 413, the others a 400.
const (
	TooLarge    BodyCode = "too-large"
	Empty       BodyCode = "empty"
	InvalidUTF8 BodyCode = "invalid-utf8"
	NotJSON     BodyCode = "not-json"    // malformed, or something after the value
	NotObject   BodyCode = "not-object"  // JSON, but no object
	Duplicate   BodyCode = "duplicate"   // a member twice; Field names it
	NUL         BodyCode = "nul"         // a NUL character in a text; Field names it
	TooDeep     BodyCode = "too-deep"    // nested deeper than MaxDepth
	Unreadable  BodyCode = "unreadable"  // the connection broke, or the framing is wrong
	BadEncoding BodyCode = "bad-charset" // a Content-Encoding that is not offered
)

// BodyError says why a body was refused. Detail is for people.
type BodyError struct {
	Code   BodyCode
	Field  string // path of the member, "" for the whole body
	Detail string
}

// Error implements error.
func (e *BodyError) Error() string {
	if e.Field != "" {
		return "read body: " + string(e.Code) + ": " + e.Field + ": " + e.Detail
	}
	return "read body: " + string(e.Code) + ": " + e.Detail
}

// AsBodyError returns the *BodyError in err, if it is one.
func AsBodyError(err error) (*BodyError, bool) {
	var e *BodyError
	ok := errors.As(err, &e)
	return e, ok
}

// MaxBody is the usual limit of a body in bytes.
const MaxBody = 1 << 20

// readBody is a body that was read: it stays readable, and Request finds its
// bytes here for the request hash.
type readBody struct {
	bytes.Reader
	raw []byte
}

func (b *readBody) Close() error { return nil }

// ReadBody reads the whole body, at most limit bytes, as UTF-8. An empty body
// is no error here. Where there is no room for it, the error is *commands.Error.
func ReadBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	if b, ok := r.Body.(*readBody); ok {
		return b.raw, nil
	}
	if r.Body == nil {
		return nil, nil
	}
	if e := r.Header.Get("Content-Encoding"); e != "" && e != "identity" {
		return nil, &BodyError{Code: BadEncoding, Detail: "a compressed body is not accepted here"}
	}
	raw, err := io.ReadAll(http.MaxBytesReader(w, crowd.Held(r.Context(), r.Body), limit))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, &BodyError{Code: TooLarge, Detail: "the body is larger than this endpoint accepts"}
	case errors.Is(err, crowd.ErrFull):
		return nil, &commands.Error{Code: commands.Unavailable, Reason: "busy", Message: "too many large requests at once, try again"}
	case err != nil:
		return nil, &BodyError{Code: Unreadable, Detail: "the body could not be read to its end"}
	case !utf8.Valid(raw):
		return nil, &BodyError{Code: InvalidUTF8, Detail: "the body is not valid UTF-8"}
	}
	kept := &readBody{raw: raw}
	kept.Reset(raw)
	r.Body = kept
	return raw, nil
}

// ReadObject reads a body that must be one JSON object.
func ReadObject(w http.ResponseWriter, r *http.Request, limit int64) (Object, error) {
	raw, err := ReadBody(w, r, limit)
	if err != nil {
		return nil, err
	}
	return ParseObject(raw)
}

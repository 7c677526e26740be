package v1

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/rosterhq/roster/api/gate"
)

// Limits of one recording.
const (
	maxItems     = 100_000
	maxLine      = 128 << 10
	maxArrayBody = 8 << 20
)

// item is one activity as it was sent; wrong is set when it can not even be
// decoded.
type item struct {
	index int
	raw   []byte // nil when wrong; not to be kept beyond the next item
	wrong *gate.BodyError
}

// items hands out one item after the other, io.EOF at the end, and
// errTooManyItems when there are more than maxItems.
type items interface{ next() (item, error) }

// readError is a body that broke off.
type readError struct{ cause error }

func (e *readError) Error() string { return e.cause.Error() }
func (e *readError) Unwrap() error { return e.cause }

var errTooManyItems = errors.New("too many items")

// lines are the items of NDJSON. Memory is bounded by the longest line allowed:
// of a longer one only its end is looked for.
type lines struct {
	reader *bufio.Reader
	index  int
	count  int
}

func newLines(r io.Reader) *lines { return &lines{reader: bufio.NewReaderSize(r, maxLine)} }

func (l *lines) next() (item, error) {
	for {
		line, err := l.reader.ReadSlice('\n')
		tooLong := errors.Is(err, bufio.ErrBufferFull)
		if tooLong {
			err = l.skipLine()
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return item{}, &readError{fmt.Errorf("read line %d: %w", l.index, err)}
		}
		blank := !tooLong && len(bytes.TrimSpace(line)) == 0
		if blank && err != nil {
			return item{}, io.EOF
		}
		index := l.index
		l.index++
		if l.index > 10*maxItems { // blank lines are no way around the limit
			return item{}, errTooManyItems
		}
		if blank {
			continue
		}
		if l.count++; l.count > maxItems {
			return item{}, errTooManyItems
		}
		if tooLong {
			return item{index: index, wrong: &gate.BodyError{Code: gate.TooLarge, Detail: "the line is longer than 128 KiB"}}, nil
		}
		return item{index: index, raw: line}, nil
	}
}

func (l *lines) skipLine() error {
	for {
		_, err := l.reader.ReadSlice('\n')
		if !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}

// values are the items of a JSON array, or one object.
type values struct {
	decoder *json.Decoder // nil for one object
	single  []byte
	index   int
}

// newValues reads a body that must be one object or one array, whole, so that
// nothing is kept of an array that breaks off.
func newValues(w http.ResponseWriter, r *http.Request) (*values, error) {
	raw, err := gate.ReadBody(w, r, maxArrayBody)
	if err != nil {
		return nil, err
	}
	raw = bytes.TrimSpace(raw)
	switch {
	case len(raw) == 0:
		return nil, &gate.BodyError{Code: gate.Empty, Detail: "the body is empty"}
	case raw[0] == '{':
		if err := gate.CheckJSON(raw); err != nil {
			return nil, err
		}
		return &values{single: raw}, nil
	case raw[0] != '[':
		return nil, &gate.BodyError{Code: gate.NotObject, Detail: "the body must be a JSON object, an array of objects, or NDJSON with Content-Type: application/x-ndjson"}
	case !json.Valid(raw):
		return nil, arraySyntax(raw)
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	if _, err := d.Token(); err != nil {
		return nil, fmt.Errorf("read array: %w", err)
	}
	return &values{decoder: d}, nil
}

func arraySyntax(raw []byte) error {
	err := gate.CheckJSON(raw)
	if e, ok := gate.AsBodyError(err); ok && e.Code == gate.NotJSON {
		return e
	}
	return &gate.BodyError{Code: gate.NotJSON, Detail: "malformed JSON"}
}

func (v *values) next() (item, error) {
	index := v.index
	v.index++
	if v.decoder == nil {
		if index > 0 {
			return item{}, io.EOF
		}
		return item{raw: v.single}, nil
	}
	if !v.decoder.More() {
		return item{}, io.EOF
	}
	if index >= maxItems {
		return item{}, errTooManyItems
	}
	var raw json.RawMessage
	if err := v.decoder.Decode(&raw); err != nil {
		return item{}, fmt.Errorf("read item %d: %w", index, err)
	}
	return item{index: index, raw: raw}, nil
}

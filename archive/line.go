package archive

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/rosterhq/roster/events"
)

// line is a message of the log on a line of its own.
type line struct {
	Stream   events.Stream  `json:"stream"`
	Sequence uint64         `json:"sequence"`
	Subject  string         `json:"subject"`
	Headers  events.Headers `json:"headers,omitempty"`
	Body     string         `json:"body,omitempty"`       // as stored
	Base64   []byte         `json:"bodyBase64,omitempty"` // of a body that is no UTF-8
}

var errNoLine = errors.New("not a line of an archive")

// AppendLine appends a message's line, its end included. The same message always
// gives the same bytes.
func AppendLine(to []byte, m events.Stored) ([]byte, error) {
	l := line{Stream: m.Stream, Sequence: m.Sequence, Subject: m.Subject, Headers: m.Headers}
	if utf8.Valid(m.Data) {
		l.Body = string(m.Data)
	} else {
		l.Base64 = m.Data
	}
	return appendJSON(to, l)
}

// ParseLine reads what AppendLine wrote.
func ParseLine(text []byte) (events.Stored, error) {
	var l line
	if err := json.Unmarshal(text, &l); err != nil {
		return events.Stored{}, fmt.Errorf("%w: %w", errNoLine, err)
	}
	if l.Sequence == 0 || l.Subject == "" {
		return events.Stored{}, fmt.Errorf("%w: no sequence or subject", errNoLine)
	}
	m := events.Stored{Stream: l.Stream, Sequence: l.Sequence, Subject: l.Subject, Headers: l.Headers, Data: l.Base64}
	if l.Body != "" {
		m.Data = []byte(l.Body)
	}
	return m, nil
}

func appendJSON(to []byte, v any) ([]byte, error) {
	out := bytes.NewBuffer(to)
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false) // for people who read it
	if err := e.Encode(v); err != nil {
		return to, fmt.Errorf("encode a line of an archive: %w", err)
	}
	return out.Bytes(), nil
}

// digest of a message: of its line.
func digest(m events.Stored) (string, error) {
	text, err := AppendLine(nil, m)
	if err != nil {
		return "", err
	}
	return sum(text), nil
}

func sum(text []byte) string {
	s := sha256.Sum256(text)
	return hex.EncodeToString(s[:])
}

// place is the position of a message as people read it.
func place(stream events.Stream, sequence uint64) string {
	if p := (events.Position{Stream: stream, Sequence: sequence}).String(); p != "" {
		return p
	}
	return fmt.Sprintf("%s %d", stream, sequence)
}

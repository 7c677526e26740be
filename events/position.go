package events

import (
	"fmt"
	"strconv"
	"strings"
)

// Position is a place in one stream. Clients treat its text as opaque:
// "r1042" (ROSTER) or "a77" (ACTIVITY).
type Position struct {
	Stream   Stream
	Sequence uint64
}

// String returns the text form, or "" for the zero position.
func (p Position) String() string {
	switch p.Stream {
	case Roster:
		return "r" + strconv.FormatUint(p.Sequence, 10)
	case Activity:
		return "a" + strconv.FormatUint(p.Sequence, 10)
	default:
		return ""
	}
}

// Append appends the text form.
func (p Position) Append(to []byte) []byte {
	switch p.Stream {
	case Roster:
		to = append(to, 'r')
	case Activity:
		to = append(to, 'a')
	default:
		return to
	}
	return strconv.AppendUint(to, p.Sequence, 10)
}

// ParsePosition reads the text of one position.
func ParsePosition(s string) (Position, error) {
	if len(s) < 2 || len(s) > 21 {
		return Position{}, fmt.Errorf("parse position %q: want a letter and a number", s)
	}
	var stream Stream
	switch s[0] {
	case 'r':
		stream = Roster
	case 'a':
		stream = Activity
	default:
		return Position{}, fmt.Errorf("parse position %q: unknown stream", s)
	}
	seq, err := strconv.ParseUint(s[1:], 10, 64)
	if err != nil {
		return Position{}, fmt.Errorf("parse position %q: %w", s, err)
	}
	return Position{Stream: stream, Sequence: seq}, nil
}

// ParsePositions reads a list of positions separated by commas, at most one of
// each stream. An empty text is an empty list.
func ParsePositions(s string) ([]Position, error) {
	if strings.TrimSpace(s) == "" {
		return nil, nil
	}
	parts := strings.Split(s, ",")
	if len(parts) > 2 {
		return nil, fmt.Errorf("parse positions %q: at most one of each stream", s)
	}
	out := make([]Position, 0, len(parts))
	for _, part := range parts {
		p, err := ParsePosition(strings.TrimSpace(part))
		if err != nil {
			return nil, err
		}
		if len(out) == 1 && out[0].Stream == p.Stream {
			return nil, fmt.Errorf("parse positions %q: at most one of each stream", s)
		}
		out = append(out, p)
	}
	return out, nil
}

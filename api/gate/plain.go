package gate

import (
	"bytes"
	"encoding/json"
)

// plainMembers is how many members an object may have to be looked at quickly.
const plainMembers = 32

// plainObject says that raw is the usual body: a correct JSON object of texts,
// numbers and literals, without escapes, members of its own or anything else that
// has to be looked at closely. False says nothing: the thorough check, which costs
// ten times as much, finds what is wrong, if anything is.
func plainObject(raw []byte) bool {
	// Escapes could make two names equal, or a NUL.
	if bytes.IndexByte(raw, '\\') >= 0 || !json.Valid(raw) {
		return false
	}
	// What is valid begins with its brace, and texts end with the next quote.
	rest := bytes.TrimLeft(raw, " \t\r\n")
	if rest[0] != '{' {
		return false
	}
	var names [plainMembers][]byte
	for count := 0; ; count++ {
		begin := bytes.IndexByte(rest, '"')
		if begin < 0 {
			return count == 0
		}
		rest = rest[begin+1:]
		end := bytes.IndexByte(rest, '"')
		name := rest[:end]
		if count == plainMembers || taken(names[:count], name) {
			return false
		}
		names[count] = name
		var ended, ok bool
		if rest, ended, ok = afterValue(rest[end+1:]); ended || !ok {
			return ok
		}
	}
}

func taken(names [][]byte, name []byte) bool {
	for _, n := range names {
		if bytes.Equal(n, name) {
			return true
		}
	}
	return false
}

// afterValue goes past a member's colon and value. It is not ok where the value is
// an object or a list; ended says that the object ends there.
func afterValue(rest []byte) (after []byte, ended, ok bool) {
	text := false
	for i, c := range rest {
		switch {
		case c == '"':
			text = !text
		case text:
		case c == '{' || c == '[':
			return nil, false, false
		case c == ',':
			return rest[i+1:], false, true
		case c == '}':
			return nil, true, true
		}
	}
	return nil, false, false
}

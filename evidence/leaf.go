package evidence

import (
	"crypto/sha256"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/rosterhq/roster/events"
)

// leafPrefix makes a leaf's hash differ from an inner node's (RFC 6962, 2.1).
const leafPrefix = 0x00

// leaves turns messages into the hashes of their leaves. It is for one goroutine.
type leaves struct {
	text  []byte
	names []string
}

// hash returns a message's leaf. The message is as a copy of the log keeps it: without
// the subject's prefix and the headers of the transport.
//
// What is hashed are netstrings (4:body,) of stream, position, subject, number of header
// lines, name and value of each (sorted by name, the values of one name in their order),
// and body: everything that a stored message says, in one way only. JSON, which an archive
// has, would bind the hashes for ever to how one library escapes text.
func (l *leaves) hash(m events.Stored) tlog.Hash {
	l.begin(m.Stream, m.Sequence)
	l.add(m.Subject)
	l.names = l.names[:0]
	lines := 0
	for name, values := range m.Headers {
		l.names = append(l.names, name)
		lines += len(values)
	}
	slices.Sort(l.names)
	l.add(strconv.Itoa(lines))
	for _, name := range l.names {
		for _, value := range m.Headers[name] {
			l.add(name)
			l.add(value)
		}
	}
	l.text = append(strconv.AppendInt(l.text, int64(len(m.Data)), 10), ':')
	l.text = append(append(l.text, m.Data...), ',')
	return sha256.Sum256(l.text)
}

// gap is the leaf of a position without a message, which a restore fills with a filler.
func (l *leaves) gap(stream events.Stream, sequence uint64) tlog.Hash {
	l.begin(stream, sequence)
	for _, s := range []string{strings.ToLower(string(stream)) + ".filler", "0", ""} {
		l.add(s)
	}
	return sha256.Sum256(l.text)
}

func (l *leaves) begin(stream events.Stream, sequence uint64) {
	l.text = append(l.text[:0], leafPrefix)
	l.add(string(stream))
	l.add(strconv.FormatUint(sequence, 10))
}

func (l *leaves) add(s string) {
	l.text = append(strconv.AppendInt(l.text, int64(len(s)), 10), ':')
	l.text = append(append(l.text, s...), ',')
}

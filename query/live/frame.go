package live

import (
	"bytes"
	"fmt"
	"strconv"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query"
)

// frame is one activity as bytes, made once for all clients.
type frame struct {
	sequence  uint64
	user      string
	kind      events.ActivityType
	project   string
	workspace string

	sent []byte // as a server-sent event
	line []byte // the part of it that is a line of NDJSON
}

// Render makes the JSON of an activity, without line breaks.
type Render func(query.Activity) ([]byte, error)

func frameOf(a query.Activity, c Config) (*frame, error) {
	body, err := c.Render(a)
	if err != nil {
		return nil, fmt.Errorf("render activity %d: %w", a.Sequence, err)
	}
	if bytes.ContainsAny(body, "\r\n") {
		return nil, fmt.Errorf("render activity %d: a line break in its JSON", a.Sequence)
	}
	name := "activity"
	if a.Type == events.AccountActivity && !c.OneName {
		name = "account"
	}
	f := &frame{sequence: a.Sequence, user: a.UserID, kind: a.Type, project: a.ProjectID, workspace: a.Workspace}
	buf := make([]byte, 0, len(body)+64)
	buf = append(buf, "id: "...)
	buf = appendPosition(buf, a.Sequence)
	buf = append(buf, "\nevent: "...)
	buf = append(buf, name...)
	buf = append(buf, "\ndata: "...)
	from := len(buf)
	buf = append(buf, body...)
	buf = append(buf, '\n')
	f.line = buf[from:len(buf):len(buf)]
	f.sent = append(buf, '\n')
	return f, nil
}

func appendPosition(to []byte, sequence uint64) []byte {
	return strconv.AppendUint(append(to, 'a'), sequence, 10)
}

func (f *frame) bytes(lines bool) []byte {
	if lines {
		return f.line
	}
	return f.sent
}

// The words of both forms that are no activity.

// beatBytes keeps a connection alive: a comment, or an empty line.
func beatBytes(lines bool) []byte {
	if lines {
		return []byte("\n")
	}
	return []byte(":\n\n")
}

// retryBytes says how long to wait before coming back.
func retryBytes(milliseconds int) []byte {
	return fmt.Appendf(nil, "retry: %d\n\n", milliseconds)
}

// placeBytes gives a client that has no position yet one to come back with.
func placeBytes(lines bool, sequence uint64) []byte {
	if lines {
		return append(appendPosition([]byte(`{"event":"position","id":"`), sequence), "\"}\n"...)
	}
	return append(appendPosition([]byte("id: "), sequence), "\n\n"...)
}

// wordBytes is an event about the stream itself. A reset takes the client's
// position away.
func wordBytes(lines bool, event, reason, message string) []byte {
	rest := fmt.Sprintf(`"reason":%q,"message":%q}`, reason, message) // constants of this package: plain text
	if lines {
		return fmt.Appendf(nil, "{\"event\":%q,%s\n", event, rest)
	}
	place := ""
	if event == resetEvent {
		place = "id:\n"
	}
	return fmt.Appendf(nil, "%sevent: %s\ndata: {%s\n\n", place, event, rest)
}

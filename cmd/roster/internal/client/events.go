package client

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/url"
	"time"

	"github.com/rosterhq/roster/archive"
	"github.com/rosterhq/roster/events"
)

// EventsQuery selects events. Empty members select everything.
type EventsQuery struct {
	Filters  url.Values // user, aggregate, type, actor, dialect
	Stream   events.Stream
	From, To string // positions or times, both included
	Personal bool
	Follow   bool // stay open for what comes
}

func (q EventsQuery) values() url.Values {
	v := url.Values{"format": {"ndjson"}}
	for name, values := range q.Filters {
		v[name] = values
	}
	if q.Stream != "" {
		v.Set("stream", logName(q.Stream))
	}
	for name, value := range map[string]string{"from": q.From, "to": q.To} {
		if value != "" {
			v.Set(name, value)
		}
	}
	for name, on := range map[string]bool{"personal": q.Personal, "follow": q.Follow} {
		if on {
			v.Set(name, "true")
		}
	}
	return v
}

// EventLines are events on their way, each the JSON of a CloudEvent. Close them.
type EventLines struct {
	// Reached is up to where the answer goes, also where filters leave events out.
	Reached []events.Position

	server string
	body   io.ReadCloser
	lines  *bufio.Scanner
	quiet  *time.Timer // ends an answer that follows and says nothing; nil for one that has an end
	end    context.CancelFunc
}

// eventBuffer holds many events, so that the network is read in large pieces.
const eventBuffer = 256 << 10

// Events asks for events.
func (c *Client) Events(ctx context.Context, q EventsQuery) (*EventLines, error) {
	var out *EventLines
	err := c.patiently(ctx, func() error {
		ctx, end := context.WithCancel(ctx)
		body, header, err := c.openStream(ctx, "/v1/events?"+q.values().Encode(), "application/x-ndjson")
		if err != nil {
			end()
			return err
		}
		out = &EventLines{server: c.base, body: body, lines: bufio.NewScanner(body), end: end}
		out.lines.Buffer(make([]byte, 0, eventBuffer), maxLine)
		out.lines.Split(archive.WholeLines)
		if q.Follow {
			out.quiet = time.AfterFunc(silence, end)
		}
		out.Reached, _ = events.ParsePositions(header.Get("Roster-Position")) // an answer that follows has none
		return nil
	})
	return out, err
}

// Next returns the next event, valid until the next call; io.EOF when all came, and
// a *ConnectionError when the answer was cut off.
func (l *EventLines) Next() ([]byte, error) {
	for l.lines.Scan() {
		if l.quiet != nil {
			l.quiet.Reset(silence)
		}
		if line := l.lines.Bytes(); len(line) > 0 {
			return line, nil
		}
	}
	if err := l.lines.Err(); err != nil {
		return nil, &ConnectionError{Server: l.server, Err: err}
	}
	return nil, io.EOF
}

// Close ends them.
func (l *EventLines) Close() {
	if l.quiet != nil {
		l.quiet.Stop()
	}
	l.end()
	_ = l.body.Close()
}

// encoding is what is asked for: to compress costs more than it gives where no
// network lies between.
func (c *Client) encoding() string {
	u, err := url.Parse(c.base)
	if err == nil && (u.Hostname() == "localhost" || net.ParseIP(u.Hostname()).IsLoopback()) {
		return "identity"
	}
	return "zstd"
}

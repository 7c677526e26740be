package eventlog

import (
	"context"
	"fmt"
	"sort"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/rosterhq/roster/events"
)

// disorder is by how much the times of two events may contradict their order. Times
// are those of the processes that decided, just before they appended.
const disorder = time.Hour

// atOnce is how many messages are asked for by their sequence at once.
const atOnce = 64

// Before returns a sequence before which no event of a stream has a time of t or
// later, near the first one that has: the head's successor where none has. It asks
// for some twenty messages, whatever the stream's length. It takes for granted that
// an event whose time is more than an hour before another's comes before it.
func (l *Log) Before(ctx context.Context, s events.Stream, t time.Time) (uint64, error) {
	head, err := l.Head(ctx, s)
	if err != nil {
		return 0, err
	}
	from := t.Add(-disorder)
	var failed error
	n := sort.Search(int(head), func(i int) bool {
		if failed != nil {
			return true
		}
		e, err := l.next(ctx, s, uint64(i)+1)
		if err != nil {
			failed = err
		}
		return err != nil || e.sequence == 0 || !timeOf(e).Before(from)
	})
	if failed != nil {
		return 0, unavailable("look for a time in "+string(s), failed)
	}
	return uint64(n) + 1, nil
}

// Behind returns a sequence from which on no event of a stream has a time of t or
// earlier, near the last one that has. What Before says of its cost and of times
// holds here too.
func (l *Log) Behind(ctx context.Context, s events.Stream, t time.Time) (uint64, error) {
	return l.Before(ctx, s, t.Add(2*disorder+1))
}

func timeOf(e stored) time.Time {
	if v := e.header[events.HeaderTime]; len(v) > 0 {
		if t, err := time.Parse(time.RFC3339Nano, v[0]); err == nil {
			return t
		}
	}
	return time.Time{}
}

// next returns the first event at or behind a sequence.
func (l *Log) next(ctx context.Context, s events.Stream, from uint64) (stored, error) {
	filter := l.names.eventFilter(s)
	if filter == "" {
		filter = ">"
	}
	for {
		e, err := l.read.direct(ctx, l.names.streamOf(s), `{"seq":`+strconv.FormatUint(from, 10)+`,"next_by_subj":`+strconv.Quote(filter)+`}`)
		if err != nil || e.sequence == 0 || len(e.header[events.HeaderTime]) > 0 {
			return e, err
		}
		from = e.sequence + 1 // a counter
	}
}

// direct asks any server for one message.
func (r *reader) direct(ctx context.Context, stream, request string) (stored, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	m, err := r.request(ctx, r.api+"DIRECT.GET."+stream, []byte(request))
	if err != nil {
		return stored{}, fmt.Errorf("message of %s: %w", stream, err)
	}
	s, _, err := directAnswer(m)
	if err != nil {
		return stored{}, fmt.Errorf("message of %s: %w", stream, err)
	}
	return s, nil
}

// At returns the events at some sequences of a stream, in the order asked for,
// still sealed. What is gone from the stream, or is no event, is left out.
func (l *Log) At(ctx context.Context, s events.Stream, sequences []uint64) ([]events.Stored, error) {
	out := make([]events.Stored, 0, len(sequences))
	for len(sequences) > 0 {
		n := min(atOnce, len(sequences))
		found, err := l.some(ctx, s, sequences[:n])
		if err != nil {
			return nil, unavailable(fmt.Sprintf("read %d events of %s", n, s), err)
		}
		out, sequences = append(out, found...), sequences[n:]
	}
	return out, nil
}

// some asks for all at once and takes the answers in order.
func (l *Log) some(ctx context.Context, s events.Stream, sequences []uint64) ([]events.Stored, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	subject := l.read.api + "DIRECT.GET." + l.names.streamOf(s)
	ctx, done := l.read.refused.during(ctx, subject)
	defer done()
	answers := make([]*nats.Subscription, 0, len(sequences))
	defer func() {
		for _, a := range answers {
			_ = a.Unsubscribe()
		}
	}()
	for _, sequence := range sequences {
		inbox := l.read.nc.NewRespInbox()
		sub, err := l.read.nc.SubscribeSync(inbox)
		if err != nil {
			return nil, err
		}
		answers = append(answers, sub)
		request := `{"seq":` + strconv.FormatUint(sequence, 10) + `}`
		if err := l.read.nc.PublishRequest(subject, inbox, []byte(request)); err != nil {
			return nil, err
		}
	}
	out := make([]events.Stored, 0, len(sequences))
	for _, a := range answers {
		m, err := a.NextMsgWithContext(ctx)
		if err != nil {
			return nil, refusalOr(ctx, err)
		}
		found, _, err := directAnswer(m)
		if err != nil {
			return nil, err
		}
		if e, ok := eventOf(s, found); ok {
			out = append(out, e)
		}
	}
	return out, nil
}

// eventOf makes an event of a message that was asked for directly.
func eventOf(s events.Stream, m stored) (events.Stored, bool) {
	if m.sequence == 0 || len(m.header[events.HeaderType]) == 0 {
		return events.Stored{}, false
	}
	for _, name := range []string{"Nats-Stream", "Nats-Sequence", "Nats-Subject", "Nats-Time-Stamp", "Nats-Num-Pending", "Nats-Last-Sequence"} {
		delete(m.header, name)
	}
	meta, err := events.DecodeMeta(events.Headers(m.header))
	if err != nil {
		return events.Stored{}, false
	}
	return events.Stored{Meta: meta, Stream: s, Sequence: m.sequence, Headers: events.Headers(m.header), Data: m.data}, true
}

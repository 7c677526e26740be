package eventlog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// requestTimeout bounds a read whose context has no deadline.
const requestTimeout = 5 * time.Second

// pageSize is how many messages of a subject are asked for at once.
const pageSize = 256

// subjectsAtOnce is how many last messages are asked for at once: the server
// refuses more than 1,024.
const subjectsAtOnce = 1000

// stored is a message as a stream holds it; sequence 0 means that there is none.
type stored struct {
	sequence uint64
	header   nats.Header
	data     []byte
}

// reader reads messages of streams by subject: directly from any server that
// has them (which may lag), or from the stream's leader (which does not).
//
// It speaks the server's API itself: the client library's iterator takes a
// time-out in the middle for the end, and makes room for 64 Ki messages each time.
type reader struct {
	nc  *nats.Conn
	api string // "$JS.API.", or that of the client's domain

	refused *refusals
}

func newReader(nc *nats.Conn, js jetstream.JetStream) *reader {
	r := &reader{nc: nc, api: "$JS.API.", refused: watchRefusals(nc)}
	switch o := js.Options(); {
	case o.APIPrefix != "":
		r.api = strings.TrimSuffix(o.APIPrefix, ".") + "."
	case o.Domain != "":
		r.api = "$JS." + o.Domain + ".API."
	}
	return r
}

func bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, requestTimeout)
}

// last returns a subject's last message, directly.
func (r *reader) last(ctx context.Context, stream, subject string) (stored, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	m, err := r.request(ctx, r.api+"DIRECT.GET."+stream+"."+subject, nil)
	if err != nil {
		return stored{}, fmt.Errorf("last message of %s: %w", subject, err)
	}
	s, _, err := directAnswer(m)
	if err != nil {
		return stored{}, fmt.Errorf("last message of %s: %w", subject, err)
	}
	return s, nil
}

// request sends a request, and returns its answer, or that it was refused.
func (r *reader) request(ctx context.Context, subject string, data []byte) (*nats.Msg, error) {
	ctx, done := r.refused.during(ctx, subject)
	defer done()
	m, err := r.nc.RequestWithContext(ctx, subject, data)
	return m, refusalOr(ctx, err)
}

// lasts returns the last message of each of many subjects, directly, in order.
// It asks for all in one request, which the server answers five times faster
// than as many requests where most subjects have no message.
func (r *reader) lasts(ctx context.Context, stream string, subjects []string) ([]stored, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	found := make(map[string]stored, len(subjects))
	for chunk := range slices.Chunk(subjects, subjectsAtOnce) {
		if err := r.multiLast(ctx, stream, chunk, found); err != nil {
			return nil, fmt.Errorf("last messages of %d subjects: %w", len(subjects), err)
		}
	}
	out := make([]stored, len(subjects))
	for i, subject := range subjects {
		out[i] = found[subject]
	}
	return out, nil
}

func (r *reader) multiLast(ctx context.Context, stream string, subjects []string, found map[string]stored) error {
	request, err := json.Marshal(map[string]any{"multi_last": subjects})
	if err != nil {
		return err
	}
	whole := false
	err = r.stream(ctx, stream, request, len(subjects)+1, func(m *nats.Msg, s stored, end bool) bool {
		if s.sequence != 0 {
			found[m.Header.Get(jetstream.SubjectHeader)] = s
			return false
		}
		// The same status says that there are none and that one could not be
		// read; an end with some pending, that they were too many bytes.
		whole = end && pendingOf(m) == 0 || !end && m.Header.Get("Description") == "No Results"
		return true
	})
	if err != nil || whole {
		return err
	}
	for _, subject := range subjects {
		if _, ok := found[subject]; ok {
			continue
		}
		if found[subject], err = r.last(ctx, stream, subject); err != nil {
			return err
		}
	}
	return nil
}

// stream sends one request for many messages and hands over the answers until
// each returns true.
func (r *reader) stream(ctx context.Context, stream string, request []byte, answers int, each func(m *nats.Msg, s stored, end bool) bool) error {
	subject := r.api + "DIRECT.GET." + stream
	ctx, done := r.refused.during(ctx, subject)
	defer done()
	inbox := r.nc.NewRespInbox()
	received := make(chan *nats.Msg, answers)
	sub, err := r.nc.ChanSubscribe(inbox, received)
	if err != nil {
		return err
	}
	defer func() { _ = sub.Unsubscribe() }()
	if err := r.nc.PublishRequest(subject, inbox, request); err != nil {
		return err
	}
	for {
		select {
		case m := <-received:
			s, end, err := directAnswer(m)
			if err != nil {
				return err
			}
			if each(m, s, end) {
				return nil
			}
		case <-ctx.Done():
			return refusalOr(ctx, ctx.Err())
		}
	}
}

func pendingOf(m *nats.Msg) uint64 {
	n, _ := strconv.ParseUint(m.Header.Get("Nats-Num-Pending"), 10, 64) // absent: none
	return n
}

// from returns a subject's messages from a sequence on, directly, in order.
func (r *reader) from(ctx context.Context, stream, subject string, sequence uint64) ([]stored, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	var out []stored
	for sequence = max(sequence, 1); ; {
		page, pending, err := r.page(ctx, stream, subject, sequence)
		if err != nil {
			return nil, fmt.Errorf("messages of %s from %d: %w", subject, sequence, err)
		}
		out = append(out, page...)
		if pending == 0 || len(page) == 0 {
			return out, nil
		}
		sequence = page[len(page)-1].sequence + 1
	}
}

// page reads one page; pending is how many messages there are beyond it.
func (r *reader) page(ctx context.Context, stream, subject string, from uint64) (page []stored, pending uint64, err error) {
	request := `{"seq":` + strconv.FormatUint(from, 10) + `,"next_by_subj":` + strconv.Quote(subject) +
		`,"batch":` + strconv.Itoa(pageSize) + `}`
	err = r.stream(ctx, stream, []byte(request), pageSize+1, func(m *nats.Msg, s stored, _ bool) bool {
		if s.sequence == 0 {
			pending = pendingOf(m)
			return true
		}
		page = append(page, s)
		return false
	})
	return page, pending, err
}

// directAnswer reads the answer to a direct get: a message, none (sequence 0),
// or the end of a page.
func directAnswer(m *nats.Msg) (s stored, end bool, err error) {
	switch status := m.Header.Get("Status"); status {
	case "":
	case "404":
		return stored{}, false, nil
	case "204":
		return stored{}, true, nil
	case "503":
		return stored{}, false, nats.ErrNoResponders
	default:
		return stored{}, false, fmt.Errorf("server answered %s %s", status, m.Header.Get("Description"))
	}
	sequence, err := strconv.ParseUint(m.Header.Get(jetstream.SequenceHeader), 10, 64)
	if err != nil {
		return stored{}, false, fmt.Errorf("answer without a sequence: %w", err)
	}
	return stored{sequence: sequence, header: m.Header, data: m.Data}, false, nil
}

// leaderLast returns a subject's last message, from the leader.
func (r *reader) leaderLast(ctx context.Context, stream, subject string) (stored, error) {
	return r.leader(ctx, stream, `{"last_by_subj":`+strconv.Quote(subject)+`}`)
}

// leaderNext returns a subject's first message at or after a sequence, from the leader.
func (r *reader) leaderNext(ctx context.Context, stream, subject string, from uint64) (stored, error) {
	return r.leader(ctx, stream, `{"seq":`+strconv.FormatUint(max(from, 1), 10)+`,"next_by_subj":`+strconv.Quote(subject)+`}`)
}

func (r *reader) leader(ctx context.Context, stream, request string) (stored, error) {
	var body struct {
		Error   *jetstream.APIError `json:"error"`
		Message *struct {
			Sequence uint64 `json:"seq"`
			Header   []byte `json:"hdrs"`
			Data     []byte `json:"data"`
		} `json:"message"`
	}
	if err := r.ask(ctx, "STREAM.MSG.GET."+stream, request, &body); err != nil {
		return stored{}, fmt.Errorf("ask leader of %s: %w", stream, err)
	}
	if body.Error != nil {
		if body.Error.ErrorCode == codeNoMessage {
			return stored{}, nil
		}
		return stored{}, fmt.Errorf("ask leader of %s: %w", stream, body.Error)
	}
	if body.Message == nil {
		return stored{}, fmt.Errorf("ask leader of %s: answer without a message", stream)
	}
	s := stored{sequence: body.Message.Sequence, data: body.Message.Data}
	if len(body.Message.Header) == 0 {
		return s, nil
	}
	header, err := nats.DecodeHeadersMsg(body.Message.Header)
	if err != nil {
		return stored{}, fmt.Errorf("ask leader of %s: headers: %w", stream, err)
	}
	s.header = header
	return s, nil
}

// head returns a stream's last sequence, from the leader.
func (r *reader) head(ctx context.Context, stream string) (uint64, error) {
	state, err := r.state(ctx, stream)
	return state.Last, err
}

// streamState is what a stream holds.
type streamState struct {
	First    uint64 `json:"first_seq"` // one behind the last where it holds nothing
	Last     uint64 `json:"last_seq"`
	Subjects int    `json:"num_subjects"` // that have a message
}

// state asks a stream's leader.
func (r *reader) state(ctx context.Context, stream string) (streamState, error) {
	var body struct {
		Error *jetstream.APIError `json:"error"`
		State streamState         `json:"state"`
	}
	if err := r.ask(ctx, "STREAM.INFO."+stream, "", &body); err != nil {
		return streamState{}, fmt.Errorf("state of %s: %w", stream, err)
	}
	if body.Error != nil {
		return streamState{}, fmt.Errorf("state of %s: %w", stream, body.Error)
	}
	return body.State, nil
}

// secureDelete overwrites a message's bytes.
func (r *reader) secureDelete(ctx context.Context, stream string, sequence uint64) error {
	var body struct {
		Error *jetstream.APIError `json:"error"`
	}
	request := `{"seq":` + strconv.FormatUint(sequence, 10) + `}` // no "no_erase": the bytes go
	if err := r.ask(ctx, "STREAM.MSG.DELETE."+stream, request, &body); err != nil {
		return fmt.Errorf("delete message %d of %s: %w", sequence, stream, err)
	}
	if body.Error != nil && body.Error.ErrorCode != codeNoMessage {
		return fmt.Errorf("delete message %d of %s: %w", sequence, stream, body.Error)
	}
	return nil
}

// ask sends an API request. A cluster that elects a leader answers nobody for
// a moment, so it asks again while there is time.
func (r *reader) ask(ctx context.Context, subject, request string, into any) error {
	ctx, cancel := bounded(ctx)
	defer cancel()
	for {
		m, err := r.request(ctx, r.api+subject, []byte(request))
		if errors.Is(err, nats.ErrNoResponders) && pause(ctx, 50*time.Millisecond) == nil {
			continue
		}
		if err != nil {
			return err
		}
		return json.Unmarshal(m.Data, into)
	}
}

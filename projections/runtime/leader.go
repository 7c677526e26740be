package runtime

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/rosterhq/roster/events"
)

const (
	leaderWait    = 5 * time.Second
	codeNoMessage = 10037
)

// at returns the mark of the message at a sequence; zero when there is none.
func (s source) at(ctx context.Context, sequence uint64) (mark, error) {
	return s.leader(ctx, `{"seq":`+strconv.FormatUint(sequence, 10)+`}`)
}

// after returns the mark of the first message after a sequence that passes the
// filter; zero when there is none.
func (s source) after(ctx context.Context, sequence uint64) (mark, error) {
	return s.leader(ctx, `{"seq":`+strconv.FormatUint(sequence+1, 10)+`,"next_by_subj":`+strconv.Quote(s.filter)+`}`)
}

// leader asks the stream's leader for a message. The client library would ask any
// server that has the stream, which may lag behind.
func (s source) leader(ctx context.Context, request string) (mark, error) {
	ctx, cancel := context.WithTimeout(ctx, leaderWait)
	defer cancel()
	answer, err := s.js.Conn().RequestWithContext(ctx, apiPrefix(s.js.Options())+"STREAM.MSG.GET."+s.stream, []byte(request))
	if err != nil {
		return mark{}, fmt.Errorf("ask for a message of %s: %w", s.stream, err)
	}
	var body struct {
		Error   *jetstream.APIError `json:"error"`
		Message *struct {
			Subject  string `json:"subject"`
			Sequence uint64 `json:"seq"`
			Header   []byte `json:"hdrs"`
			Data     []byte `json:"data"`
		} `json:"message"`
	}
	if err := json.Unmarshal(answer.Data, &body); err != nil {
		return mark{}, fmt.Errorf("ask for a message of %s: %w", s.stream, err)
	}
	switch m := body.Message; {
	case body.Error != nil && body.Error.ErrorCode == codeNoMessage:
		return mark{}, nil
	case body.Error != nil:
		return mark{}, fmt.Errorf("ask for a message of %s: %w", s.stream, body.Error)
	case m == nil:
		return mark{}, fmt.Errorf("ask for a message of %s: the answer has none", s.stream)
	default:
		header, err := decodeHeader(m.Header)
		if err != nil {
			return mark{}, fmt.Errorf("header of message %d of %s: %w", m.Sequence, s.stream, err)
		}
		return mark{sequence: m.Sequence, id: identify(m.Subject, header, m.Data)}, nil
	}
}

func decodeHeader(raw []byte) (events.Headers, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	h, err := nats.DecodeHeadersMsg(raw)
	return events.Headers(h), err
}

func apiPrefix(o jetstream.JetStreamOptions) string {
	switch {
	case o.APIPrefix != "":
		return o.APIPrefix
	case o.Domain != "":
		return "$JS." + o.Domain + ".API."
	default:
		return jetstream.DefaultAPIPrefix
	}
}

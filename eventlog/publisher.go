package eventlog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"
)

// ackTimeout is how long a publish waits for the server before its outcome
// counts as unknown.
const ackTimeout = 5 * time.Second

// publisher is the seam between the committer and the server. Tests put faults
// into it.
type publisher interface {
	// plain publishes messages one by one without waiting between them, and
	// returns when each has its answer.
	plain(ctx context.Context, msgs []*nats.Msg, acks []ack)
	// batch publishes messages all or nothing; last is the sequence of the
	// last one, and they are contiguous.
	batch(ctx context.Context, msgs []*nats.Msg) (last uint64, err error)
	close()
}

// ack is the answer to one plain publish.
type ack struct {
	sequence uint64
	err      error
	answered bool
}

// natsPublisher is for one goroutine at a time. Its answers come over one
// subscription: futures of the client library cost a channel, a timer and a
// lock for each message.
type natsPublisher struct {
	nc     *nats.Conn
	js     jetstream.JetStream
	prefix string // of reply subjects
	sub    *nats.Subscription
	acks   chan *nats.Msg
	round  uint64 // answers to an earlier round that timed out are dropped
	reply  []byte

	under   string // what all subjects begin with
	refused *refusals
}

func newPublisher(nc *nats.Conn, js jetstream.JetStream, window int) (*natsPublisher, error) {
	p := &natsPublisher{nc: nc, js: js, prefix: nc.NewRespInbox() + ".", acks: make(chan *nats.Msg, 2*window)}
	sub, err := nc.ChanSubscribe(p.prefix+">", p.acks)
	if err != nil {
		return nil, fmt.Errorf("subscribe to answers: %w", err)
	}
	p.sub = sub
	return p, nil
}

func (p *natsPublisher) close() { _ = p.sub.Unsubscribe() }

func (p *natsPublisher) plain(ctx context.Context, msgs []*nats.Msg, acks []ack) {
	ctx, done := p.refused.during(ctx, p.under)
	defer done()
	p.round++
	p.reply = append(strconv.AppendUint(append(p.reply[:0], p.prefix...), p.round, 10), '.')
	round := len(p.reply)
	waiting := 0
	for i, m := range msgs {
		p.reply = strconv.AppendInt(p.reply[:round], int64(i), 10)
		m.Reply = string(p.reply)
		if err := p.nc.PublishMsg(m); err != nil {
			acks[i] = ack{err: err, answered: true}
			continue
		}
		waiting++
	}
	p.collect(ctx, string(p.reply[:round]), waiting, acks)
	for i := range acks {
		if !acks[i].answered {
			acks[i].err = nats.ErrTimeout
		}
	}
}

// collect takes the answers of one round.
func (p *natsPublisher) collect(ctx context.Context, round string, waiting int, acks []ack) {
	timer := time.NewTimer(ackTimeout)
	defer timer.Stop()
	for waiting > 0 {
		select {
		case m := <-p.acks:
			index, ok := strings.CutPrefix(m.Subject, round)
			i, err := strconv.Atoi(index)
			if !ok || err != nil || i < 0 || i >= len(acks) || acks[i].answered {
				continue
			}
			acks[i] = readAck(m)
			waiting--
		case <-timer.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

var errBadAck = errors.New("answer to a publish is malformed")

func readAck(m *nats.Msg) ack {
	if len(m.Data) == 0 {
		return ack{err: nats.ErrNoResponders, answered: true}
	}
	var body struct {
		Error    *jetstream.APIError `json:"error"`
		Sequence uint64              `json:"seq"`
	}
	switch err := json.Unmarshal(m.Data, &body); {
	case err != nil:
		return ack{err: fmt.Errorf("%w: %w", errBadAck, err), answered: true}
	case body.Error != nil:
		return ack{err: body.Error, answered: true}
	case body.Sequence == 0:
		return ack{err: errBadAck, answered: true}
	}
	return ack{sequence: body.Sequence, answered: true}
}

func (p *natsPublisher) batch(ctx context.Context, msgs []*nats.Msg) (uint64, error) {
	ctx, done := p.refused.during(ctx, p.under)
	defer done()
	last, err := publishBatch(ctx, p.js, msgs)
	return last, refusalOr(ctx, err)
}

func publishBatch(ctx context.Context, js jetstream.JetStream, msgs []*nats.Msg) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, ackTimeout)
	defer cancel()
	// Waiting for the first answer would add a round trip and open the
	// server's limit of batches in flight.
	done, err := jetstreamext.PublishMsgBatch(ctx, js, msgs, jetstreamext.BatchFlowControl{AckFirst: false, AckTimeout: ackTimeout})
	if err != nil {
		return 0, err
	}
	return done.Sequence, nil
}

// unbatch takes away what an earlier batch left in a message's headers.
func unbatch(m *nats.Msg) {
	delete(m.Header, jetstreamext.BatchIDHeader)
	delete(m.Header, jetstreamext.BatchSeqHeader)
	delete(m.Header, jetstreamext.BatchCommitHeader)
}

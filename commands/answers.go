package commands

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/rosterhq/roster/events"
)

// answers is the kind under which answers are kept; nothing is decided on them.
const answers events.Kind = "answer"

const (
	answerFormat = 1
	// maxAnswerBytes bounds what is kept of one answer.
	maxAnswerBytes = 128 << 10
)

// answerRecord is a kept answer.
type answerRecord struct {
	RequestHash string
	Body        []byte
	At          time.Time
}

// Remembered returns what a request was answered that came under the same
// idempotency key within the last 24 hours, or false. requestHash is asked for
// only then: it may cost reading the whole request. The same key with another
// request is KeyReused.
//
// It is for commands whose effects need no key to be done once, such as activities
// with ids of their own: an answer that was lost with a crash costs a repeat that
// changes nothing.
func (s *Service) Remembered(ctx context.Context, r Request, requestHash func() (string, error)) ([]byte, bool, error) {
	if r.IdempotencyKey == "" {
		return nil, false, nil
	}
	kept, ok, err := s.answer(ctx, s.answerOf(r))
	if !ok || err != nil {
		return nil, false, refusal(err)
	}
	hash, err := requestHash()
	if err != nil {
		return nil, false, err
	}
	if s.log.KeyedHash("request", hash) != kept.RequestHash {
		return nil, false, errKeyReused()
	}
	return kept.Body, true, nil
}

// Remember keeps an answer for 24 hours, some time soon. It may be lost.
func (s *Service) Remember(r Request, requestHash string, body []byte) error {
	if r.IdempotencyKey == "" || len(body) > maxAnswerBytes {
		return nil
	}
	a := s.answerOf(r)
	record := answerRecord{RequestHash: s.log.KeyedHash("request", requestHash), Body: body, At: s.now()}
	data, err := json.Marshal(record)
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	s.answers.Add(a.ID, record)
	s.log.KeepSnapshot(a, events.Snapshot{
		Tip: events.Tip{Sequence: 1}, Format: answerFormat, SealedFor: r.Actor.UserID, Data: data, Life: rememberedFor,
	})
	return nil
}

func (s *Service) answerOf(r Request) events.Aggregate {
	return events.Aggregate{Kind: answers, ID: s.log.KeyedHash("command", r.Actor.UserID+"\x00"+r.IdempotencyKey)}
}

func (s *Service) answer(ctx context.Context, a events.Aggregate) (answerRecord, bool, error) {
	kept, ok := s.answers.Get(a.ID)
	if !ok {
		snapshot, err := s.log.Snapshot(ctx, a)
		if err != nil {
			return answerRecord{}, false, fmt.Errorf("read kept answer: %w", err)
		}
		if snapshot.Format != answerFormat {
			return answerRecord{}, false, nil
		}
		if err := json.Unmarshal(snapshot.Data, &kept); err != nil {
			return answerRecord{}, false, fmt.Errorf("decode kept answer: %w", err)
		}
	}
	return kept, s.now().Sub(kept.At) < rememberedFor, nil
}

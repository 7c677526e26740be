package projtest

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/rosterhq/roster/events"
)

// Keys is a keyring in memory.
type Keys struct {
	mu     sync.Mutex
	keys   map[string]*events.DataKey
	erased map[string]bool
	fail   error
	failed int
}

// NewKeys returns an empty keyring.
func NewKeys() *Keys { return &Keys{keys: map[string]*events.DataKey{}, erased: map[string]bool{}} }

// Ensure returns a user's key and makes it if need be.
func (k *Keys) Ensure(user string) *events.DataKey {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.keys[user] == nil {
		key, err := events.NewDataKey(events.NewRawKey())
		if err != nil {
			panic(err) // the size is right
		}
		k.keys[user] = key
	}
	return k.keys[user]
}

// Put gives a user this key.
func (k *Keys) Put(user string, key *events.DataKey) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.keys[user] = key
}

// Erase destroys a user's key.
func (k *Keys) Erase(user string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.erased[user] = true
}

// Fail lets every answer be an error, until it is called with nil.
func (k *Keys) Fail(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.fail = err
}

// Failures says how often an answer was an error by Fail.
func (k *Keys) Failures() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.failed
}

// DataKey implements runtime.Keyring.
func (k *Keys) DataKey(_ context.Context, user string) (*events.DataKey, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.fail != nil {
		k.failed++
		return nil, k.fail
	}
	if k.erased[user] {
		return nil, events.ErrErased
	}
	key, ok := k.keys[user]
	if !ok {
		return nil, fmt.Errorf("no data key of %s", user)
	}
	return key, nil
}

// PrefetchKeys implements runtime.Keyring.
func (k *Keys) PrefetchKeys(context.Context, []string) error { return nil }

// Recorder appends activities once by their source id, as the log does.
type Recorder struct{ env *Env }

// Record implements runtime.Recorder.
func (r *Recorder) Record(ctx context.Context, drafts []events.Draft) ([]events.Recording, error) {
	acks := make([]jetstream.PubAckFuture, len(drafts))
	for i, d := range drafts {
		key, err := r.env.Keys.DataKey(ctx, d.Meta.SealedFor)
		if errors.Is(err, events.ErrErased) && events.NothingToSeal(d.Payload) {
			d.Meta.SealedFor, err = "", nil
		}
		if err != nil {
			return nil, fmt.Errorf("record: %w", err)
		}
		headers, data, err := events.Encode(&d.Meta, d.Payload, key)
		if err != nil {
			return nil, fmt.Errorf("record: %w", err)
		}
		msg := &nats.Msg{Subject: subject(d), Header: nats.Header(headers), Data: data}
		if acks[i], err = r.env.JS.PublishMsgAsync(msg, jetstream.WithExpectLastSequencePerSubject(0)); err != nil {
			return nil, fmt.Errorf("record: %w: %w", events.ErrUnavailable, err)
		}
	}
	out := make([]events.Recording, len(drafts))
	for i, ack := range acks {
		var err error
		if out[i], err = recording(ctx, ack); err != nil {
			return nil, fmt.Errorf("record: %w", err)
		}
	}
	return out, nil
}

func recording(ctx context.Context, ack jetstream.PubAckFuture) (events.Recording, error) {
	var api *jetstream.APIError
	select {
	case a := <-ack.Ok():
		return events.Recording{Sequence: a.Sequence}, nil
	case err := <-ack.Err():
		if errors.As(err, &api) && api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence {
			return events.Recording{Duplicate: true}, nil
		}
		return events.Recording{}, fmt.Errorf("%w: %w", events.ErrUnavailable, err)
	case <-ctx.Done():
		return events.Recording{}, ctx.Err()
	}
}

package eventlog

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/rosterhq/roster/eventlog/internal/vault"
	"github.com/rosterhq/roster/eventlog/internal/wire"
	"github.com/rosterhq/roster/events"
)

// Headers of a kept state.
const (
	headerStateSequence = "Roster-Sequence"
	headerStateEvent    = "Roster-Event"
	headerStateFormat   = "Roster-Format"
	headerStateSealed   = "Roster-Sealed-For"
)

const (
	// keepEvery is how long snapshots gather, so that an aggregate that
	// changes often is written once.
	keepEvery = 100 * time.Millisecond
	// keepAtMost bounds what gathers; beyond it snapshots are dropped.
	keepAtMost = 16 << 10
)

// stateKeeper writes snapshots in the background. Losing one costs reading an
// aggregate's events from the one before.
type stateKeeper struct {
	js     jetstream.JetStream
	names  names
	keys   *keyring
	logger *zap.Logger

	mu      sync.Mutex
	pending map[events.Aggregate]events.Snapshot
	closed  bool
	wake    chan struct{}

	ctx    context.Context // ends when close gives up waiting
	cancel context.CancelFunc
	stop   chan struct{}
	done   chan struct{}
}

func newStateKeeper(js jetstream.JetStream, n names, keys *keyring, logger *zap.Logger) *stateKeeper {
	k := &stateKeeper{
		js: js, names: n, keys: keys, logger: logger,
		pending: map[events.Aggregate]events.Snapshot{},
		wake:    make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{}),
	}
	k.ctx, k.cancel = context.WithCancel(context.Background())
	return k
}

// KeepSnapshot keeps a state, some time soon, if nothing newer comes first. The
// data must not change any more.
func (l *Log) KeepSnapshot(a events.Aggregate, s events.Snapshot) { l.state.keep(a, s) }

func (k *stateKeeper) keep(a events.Aggregate, s events.Snapshot) {
	k.mu.Lock()
	defer k.mu.Unlock()
	old, waiting := k.pending[a]
	if k.closed || old.Sequence > s.Sequence || (!waiting && len(k.pending) >= keepAtMost) {
		return
	}
	k.pending[a] = s
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// run gathers and writes until close.
func (k *stateKeeper) run() {
	defer close(k.done)
	for {
		select {
		case <-k.wake:
		case <-k.stop:
			k.flush()
			return
		}
		timer := time.NewTimer(keepEvery)
		select {
		case <-timer.C:
		case <-k.stop:
			timer.Stop()
		}
		k.flush()
	}
}

// flush writes all that gathered. The last one is written with an answer: when
// it comes, the server has them all, and it holds us back when it is busy.
func (k *stateKeeper) flush() {
	k.mu.Lock()
	batch := k.pending
	k.pending = make(map[events.Aggregate]events.Snapshot, len(batch))
	k.mu.Unlock()

	var held *nats.Msg
	for a, s := range batch {
		m, err := k.message(a, s)
		if errors.Is(err, events.ErrErased) {
			continue // there is nothing to keep of an erased person
		}
		if err != nil {
			k.logger.Warn("state not kept", zap.String("aggregate", a.String()), zap.Error(err))
			continue
		}
		if held != nil {
			if err := k.js.Conn().PublishMsg(held); err != nil {
				k.logger.Warn("state not kept", zap.Error(err))
			}
		}
		held = m
	}
	if held == nil {
		return
	}
	ctx, cancel := context.WithTimeout(k.ctx, requestTimeout)
	defer cancel()
	if _, err := k.js.PublishMsg(ctx, held); err != nil {
		k.logger.Warn("state may not be kept", zap.Int("aggregates", len(batch)), zap.Error(err))
	}
}

func (k *stateKeeper) message(a events.Aggregate, s events.Snapshot) (*nats.Msg, error) {
	key, err := k.keyOf(k.ctx, a, s.SealedFor)
	if err != nil {
		return nil, err
	}
	data := vault.SealSnapshot(key, a, s)
	if len(data) > wire.MaxMessage-1024 {
		return nil, fmt.Errorf("state of %d bytes: %w", len(data), events.ErrTooLarge)
	}
	h := nats.Header{
		headerStateSequence: {strconv.FormatUint(s.Sequence, 10)},
		headerStateEvent:    {s.EventID},
		headerStateFormat:   {strconv.Itoa(s.Format)},
	}
	if s.SealedFor != "" {
		h[headerStateSealed] = []string{s.SealedFor}
	}
	if s.Life > 0 {
		h[jetstream.MsgTTLHeader] = []string{s.Life.String()}
	}
	return &nats.Msg{Subject: k.names.snapshot(a), Data: data, Header: h}, nil
}

// keyOf returns the key that seals an aggregate's state: nil for those that
// hold nothing personal.
func (k *stateKeeper) keyOf(ctx context.Context, a events.Aggregate, sealedFor string) (*events.DataKey, error) {
	switch {
	case a.Kind == events.User:
		return k.keys.log.DataKey(ctx, a.ID)
	case sealedFor != "":
		return k.keys.log.DataKey(ctx, sealedFor)
	}
	return nil, nil
}

// forget removes what is kept of an aggregate's state.
func (k *stateKeeper) forget(ctx context.Context, a events.Aggregate) error {
	k.mu.Lock()
	delete(k.pending, a)
	k.mu.Unlock()
	stream, err := k.js.Stream(ctx, k.names.state)
	if err != nil {
		return unavailable("look up the states", err)
	}
	ctx, done := k.keys.log.read.refused.during(ctx, k.keys.log.read.api+"STREAM.PURGE."+k.names.state)
	defer done()
	if err := stream.Purge(ctx, jetstream.WithPurgeSubject(k.names.snapshot(a))); err != nil {
		return unavailable("forget the state of "+a.String(), refusalOr(ctx, err))
	}
	return nil
}

func (k *stateKeeper) close(ctx context.Context) error {
	k.mu.Lock()
	already := k.closed
	k.closed = true
	k.mu.Unlock()
	if !already {
		close(k.stop)
	}
	defer k.cancel()
	select {
	case <-k.done:
		return nil
	case <-ctx.Done():
		k.cancel()
		<-k.done
		return fmt.Errorf("keep states: %w", ctx.Err())
	}
}

// Snapshot returns the kept state of an aggregate, or a zero one: when there is
// none, and when what there is does not open (a cache is never an obstacle).
func (l *Log) Snapshot(ctx context.Context, a events.Aggregate) (events.Snapshot, error) {
	last, err := l.read.last(ctx, l.names.state, l.names.snapshot(a))
	if err != nil {
		return events.Snapshot{}, unavailable("state of "+a.String(), err)
	}
	if last.sequence == 0 {
		return events.Snapshot{}, nil
	}
	key, err := l.state.keyOf(ctx, a, last.header.Get(headerStateSealed))
	if errors.Is(err, events.ErrUnavailable) {
		return events.Snapshot{}, fmt.Errorf("state of %s: %w", a, err)
	}
	if err != nil {
		return events.Snapshot{}, nil //nolint:nilerr // erased, say: then there is no state either
	}
	s, err := readSnapshot(a, key, last)
	if err != nil {
		l.logger.Warn("kept state thrown away", zap.String("aggregate", a.String()), zap.Error(err))
		return events.Snapshot{}, nil
	}
	return s, nil
}

func readSnapshot(a events.Aggregate, key *events.DataKey, m stored) (events.Snapshot, error) {
	var s events.Snapshot
	var err error
	s.EventID, s.SealedFor = m.header.Get(headerStateEvent), m.header.Get(headerStateSealed)
	if s.Sequence, err = strconv.ParseUint(m.header.Get(headerStateSequence), 10, 64); err != nil {
		return s, fmt.Errorf("sequence: %w", err)
	}
	if s.Format, err = strconv.Atoi(m.header.Get(headerStateFormat)); err != nil {
		return s, fmt.Errorf("format: %w", err)
	}
	s.Data = m.data
	s.Data, err = vault.OpenSnapshot(key, a, s)
	return s, err
}

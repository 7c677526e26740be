package live

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"go.uber.org/zap"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query"
)

const (
	// newest is how many activities a stream without a position begins with.
	newest = 20
	// replayPage is how many activities are read at once.
	replayPage = 200
	// modelPatience is how long to wait for the read model before looking again
	// whether the hub has what is missing.
	modelPatience = time.Second
)

// errEnded ends a replay: the stream has, or its client is gone.
var errEnded = errors.New("stream ended")

// replay brings the client to where live begins, and joins. It writes, so the
// caller has made the stream busy.
func (s *Stream) replay(ctx context.Context) {
	if !s.request.Lines && !s.put(retryBytes(retryAfter())) {
		return
	}
	after, err := s.begin(ctx)
	if err != nil {
		return
	}
	for {
		joined, need := s.hub.join(ctx, s, after)
		if joined || ctx.Err() != nil {
			return
		}
		if after, err = s.page(ctx, after, need); err != nil {
			return
		}
	}
}

// retryAfter spreads the clients of a process that ended.
func retryAfter() int { return 1000 + rand.IntN(2000) }

// begin sends what comes before everything else, and returns the position behind
// which the rest begins.
func (s *Stream) begin(ctx context.Context) (after uint64, err error) {
	switch s.request.After {
	case "":
		return s.latest(ctx)
	case Earliest:
		return 0, nil
	}
	after, reason, message, err := s.position(ctx)
	if err != nil {
		return 0, err
	}
	if reason == "" {
		return after, nil
	}
	if !s.put(wordBytes(s.request.Lines, resetEvent, reason, message)) {
		return 0, errEnded
	}
	return s.latest(ctx)
}

// position reads the client's. A reason says why it can not be used.
func (s *Stream) position(ctx context.Context) (after uint64, reason, message string, err error) {
	p, err := events.ParsePosition(s.request.After)
	switch {
	case err != nil:
		return 0, "malformed", "the position is none that a stream gives", nil //nolint:nilerr // the client is told
	case p.Stream != events.Activity:
		return 0, "unknown", "the position is not one of activities", nil
	}
	if seen, _ := s.hub.config.Source.Current(events.Activity); p.Sequence <= seen {
		return p.Sequence, "", "", nil
	}
	var head uint64
	err = s.insist(ctx, "ask for the head of the log", func() (err error) {
		head, err = s.hub.config.Reads.Head(ctx, events.Activity)
		return err
	})
	if err == nil && p.Sequence > head {
		return 0, "unknown", "the position is beyond the log", nil
	}
	return p.Sequence, "", "", err
}

// latest sends the newest activities.
func (s *Stream) latest(ctx context.Context) (after uint64, err error) {
	var items []query.Activity
	err = s.insist(ctx, "read the newest activities", func() (err error) {
		items, after, err = s.hub.config.Reads.Latest(ctx, s.request.Filter.history(), newest)
		return err
	})
	if err != nil {
		return 0, err
	}
	if len(items) == 0 && !s.put(placeBytes(s.request.Lines, after)) {
		return 0, errEnded
	}
	return after, s.send(items)
}

// page sends the next part of the past. When the read model has no more, it
// waits until it has, for what the hub asks.
func (s *Stream) page(ctx context.Context, after, need uint64) (through uint64, err error) {
	var items []query.Activity
	err = s.insist(ctx, "read activities in order", func() (err error) {
		items, through, err = s.hub.config.Reads.History(ctx, s.request.Filter.history(), after, replayPage)
		return err
	})
	if err != nil {
		return 0, err
	}
	if err := s.send(items); err != nil {
		return 0, err
	}
	if through > after || through >= need {
		return through, nil
	}
	bounded, cancel := context.WithTimeout(ctx, modelPatience)
	defer cancel()
	if err := s.hub.config.Reads.AwaitActivities(bounded, after+1); err != nil && ctx.Err() != nil {
		return 0, errEnded
	}
	return through, s.keepAlive()
}

// send writes a part of the past; each activity is authorized.
func (s *Stream) send(items []query.Activity) error {
	buf := buffers.Get().(*[]byte) //nolint:forcetypeassert // the pool holds nothing else
	defer release(buf)
	out := (*buf)[:0]
	for _, item := range items {
		f, err := frameOf(item, s.hub.config)
		if err != nil {
			s.hub.config.Logger.Error("an activity can not be sent", zap.Error(err))
			continue
		}
		if s.may(item.UserID) && s.request.Filter.wants(f) {
			out = append(out, f.bytes(s.request.Lines)...)
		}
		if len(out) >= keptBuffer/2 {
			if !s.put(out) {
				return errEnded
			}
			out = out[:0]
		}
	}
	*buf = out
	if len(out) > 0 && !s.put(out) {
		return errEnded
	}
	return s.keepAlive()
}

func (s *Stream) may(user string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.request.May(user)
}

// keepAlive sends a heartbeat that is due.
func (s *Stream) keepAlive() error {
	s.mu.Lock()
	due := s.beat
	s.beat = false
	s.mu.Unlock()
	if due && !s.put(beatBytes(s.request.Lines)) {
		return errEnded
	}
	return nil
}

// put writes, unless the stream has ended. A failure is the end.
func (s *Stream) put(p []byte) bool {
	s.mu.Lock()
	ended := s.ending != nil
	s.mu.Unlock()
	if ended {
		return false
	}
	if s.sink.Write(p) != nil {
		s.end(endGone)
		return false
	}
	return true
}

// insist tries until it works or the stream ends.
func (s *Stream) insist(ctx context.Context, what string, try func() error) error {
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		err := try()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return errEnded
		}
		s.hub.config.Logger.Warn("a stream waits for its past", zap.String("to", what), zap.Error(err))
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return errEnded
		}
		if err := s.keepAlive(); err != nil {
			return err
		}
	}
}

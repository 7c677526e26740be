package eventlog

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/rosterhq/roster/eventlog/internal/wire"
	"github.com/rosterhq/roster/events"
)

// Activities may leave their stream once they are in an archive. What makes each of
// them be stored once for ever is its subject, which goes with it; so the hashes of
// those that left lie in a stream of their own, RETIRED, which is made when the first
// leaves. It says of each where it stood, and nothing else.
const retiredStream events.Stream = "RETIRED"

const (
	retiredHash   = 16              // bytes of an activity's hash
	retiredEntry  = retiredHash + 8 // and of its sequence
	retiredAtOnce = 50_000          // that are gathered before they are written
	retiredBatch  = 500             // messages of an atomic batch
)

// Errors of RetireActivities.
var (
	// ErrLastStays says that the newest activity can not leave: readers know the log
	// again by it.
	ErrLastStays = errors.New("the newest activity stays in the log")
	// ErrNothingLeaves says that the stream was made by a release whose streams never
	// let anything go.
	ErrNothingLeaves = errors.New("this stream lets nothing go, since an early release made it: " +
		"archive it, and restore it into an empty installation")
)

// retiredConfig is the stream of hashes: what is in it stays.
func (n names) retiredConfig(prefix string, replicas int) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: StreamName(prefix, retiredStream), Description: "Hashes of activities that left the log", Subjects: []string{n.root + "retired.>"},
		Storage: jetstream.FileStorage, Retention: jetstream.LimitsPolicy, Discard: jetstream.DiscardOld,
		Replicas: replicas, AllowDirect: true, AllowAtomicPublish: true, DenyDelete: true, DenyPurge: true, MaxMsgSize: wire.MaxMessage,
	}
}

// retiredSubject has the hashes that begin with the same three digits: one in 4,096.
func (n names) retiredSubject(hash string) string { return n.root + "retired.of." + hash[:3] }

func (n names) retiredMark() string { return n.root + "retired.mark" }

// RetireActivities lets the activities up to a sequence leave the log for good, and
// says how many did. Whoever calls it has them elsewhere. Their positions stay, and
// none of them is ever recorded again. Interrupted anywhere, it may be called again.
// Errors: ErrLastStays, ErrNothingLeaves, events.ErrUnavailable.
func (l *Log) RetireActivities(ctx context.Context, upTo uint64) (left uint64, err error) {
	js, err := jetstream.New(l.nc)
	if err != nil {
		return 0, fmt.Errorf("retire activities: %w", err)
	}
	stream, err := js.Stream(ctx, l.names.activity)
	if err != nil {
		return 0, unavailable("retire activities", err)
	}
	info := stream.CachedInfo()
	switch {
	case upTo >= info.State.LastSeq:
		return 0, fmt.Errorf("retire activities up to %d: %w", upTo, ErrLastStays)
	case upTo < info.State.FirstSeq:
		return 0, nil
	case info.Config.DenyPurge:
		return 0, fmt.Errorf("retire activities: %w", ErrNothingLeaves)
	}
	if _, err := ensureStream(ctx, js, l.names.retiredConfig(l.prefix, info.Config.Replicas), info.Config.Replicas); err != nil {
		return 0, unavailable("retire activities: stream of hashes", err)
	}
	if err := l.keepHashes(ctx, js, info.State.FirstSeq, upTo); err != nil {
		return 0, err
	}
	// What came meanwhile stays: the server is told where to end, not how much to keep.
	if err := stream.Purge(ctx, jetstream.WithPurgeSequence(upTo+1)); err != nil {
		return 0, unavailable("retire activities", err)
	}
	return upTo - info.State.FirstSeq + 1, nil
}

// keepHashes writes the hashes of a range, but of those that an earlier call wrote.
func (l *Log) keepHashes(ctx context.Context, js jetstream.JetStream, from, to uint64) error {
	mark, _, err := l.retiredMark(ctx)
	if err != nil {
		return err
	}
	g := retiring{log: l, js: js, of: map[string][]byte{}}
	if from = max(from, mark+1); from > to {
		return nil
	}
	err = l.ScanMessages(ctx, events.Activity, from, to, func(m events.Stored) error { return g.add(ctx, m) })
	if err == nil {
		err = g.flush(ctx)
	}
	if err != nil {
		return fmt.Errorf("keep the hashes of activities: %w", err)
	}
	return nil
}

// retiredMark is up to where hashes were written; there is none where nothing ever left.
func (l *Log) retiredMark(ctx context.Context) (mark uint64, some bool, err error) {
	m, err := l.read.leaderLast(ctx, StreamName(l.prefix, retiredStream), l.names.retiredMark())
	if noStream(err) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, unavailable("how far activities left", err)
	}
	if m.sequence == 0 {
		return 0, false, nil
	}
	mark, err = strconv.ParseUint(string(m.data), 10, 64)
	if err != nil {
		return 0, false, fmt.Errorf("how far activities left: %w", err)
	}
	return mark, true, nil
}

// retiring gathers hashes by subject.
type retiring struct {
	log   *Log
	js    jetstream.JetStream
	of    map[string][]byte
	count int
	last  uint64
}

func (g *retiring) add(ctx context.Context, m events.Stored) error {
	if m.Subject == g.log.names.filler(events.Activity).Subject {
		return nil
	}
	hash := m.Subject[strings.LastIndexByte(m.Subject, '.')+1:]
	raw, err := hex.DecodeString(hash)
	if err != nil || len(raw) != retiredHash { // it would be taken for new if it left
		return fmt.Errorf("%s lies under %s, which is no activity's", m.Position(), m.Subject)
	}
	subject := g.log.names.retiredSubject(hash)
	g.of[subject] = binary.BigEndian.AppendUint64(append(g.of[subject], raw...), m.Sequence)
	g.last = m.Sequence
	if g.count++; g.count < retiredAtOnce {
		return nil
	}
	return g.flush(ctx)
}

// flush writes what was gathered, and then how far that goes.
func (g *retiring) flush(ctx context.Context) error {
	if g.count == 0 {
		return nil
	}
	msgs := make([]*nats.Msg, 0, len(g.of)+1)
	for _, subject := range slices.Sorted(maps.Keys(g.of)) {
		msgs = append(msgs, &nats.Msg{Subject: subject, Header: nats.Header{}, Data: g.of[subject]})
	}
	msgs = append(msgs, &nats.Msg{
		Subject: g.log.names.retiredMark(), Header: nats.Header{}, Data: strconv.AppendUint(nil, g.last, 10),
	})
	for some := range slices.Chunk(msgs, retiredBatch) {
		if _, err := publishBatch(ctx, g.js, some); err != nil {
			return unavailable("write hashes", err)
		}
	}
	g.of, g.count = map[string][]byte{}, 0
	return nil
}

// lookRetired answers the open activities that left the stream. It looks behind look,
// which no longer saw what left before it: hashes are there first.
func (r *recording) lookRetired(ctx context.Context) error {
	if len(r.open) == 0 {
		return nil
	}
	state, err := r.log.read.state(ctx, r.log.names.activity)
	if err != nil {
		return unavailable("look for activities that left", err)
	}
	if state.First <= 1 {
		return nil
	}
	if _, some, err := r.log.retiredMark(ctx); err != nil || !some {
		return err
	}
	known := map[string][]byte{}
	open := r.open[:0]
	for _, i := range r.open {
		hash := r.subjects[i][strings.LastIndexByte(r.subjects[i], '.')+1:]
		subject := r.log.names.retiredSubject(hash)
		entries, ok := known[subject]
		if !ok {
			if entries, err = r.log.retired(ctx, subject); err != nil {
				return err
			}
			known[subject] = entries
		}
		if at := retiredIn(entries, hash); at > 0 {
			r.out[i] = events.Recording{Sequence: at, Duplicate: true}
			continue
		}
		open = append(open, i)
	}
	r.open = open
	return nil
}

// retired returns the entries under a subject.
func (l *Log) retired(ctx context.Context, subject string) ([]byte, error) {
	stream := StreamName(l.prefix, retiredStream)
	var out []byte
	if !l.floors.needed() {
		found, err := l.read.from(ctx, stream, subject, 1)
		for _, m := range found {
			out = append(out, m.data...)
		}
		if err != nil {
			return nil, unavailable("activities that left", err)
		}
		return out, nil
	}
	for from := uint64(1); ; { // another server may lag behind the leader
		m, err := l.read.leaderNext(ctx, stream, subject, from)
		if err != nil {
			return nil, unavailable("activities that left", err)
		}
		if m.sequence == 0 {
			return out, nil
		}
		out, from = append(out, m.data...), m.sequence+1
	}
}

// retiredIn is where an activity stood, or 0.
func retiredIn(entries []byte, hash string) uint64 {
	raw, err := hex.DecodeString(hash)
	if err != nil {
		return 0
	}
	for e := range slices.Chunk(entries, retiredEntry) {
		if string(e[:retiredHash]) == string(raw) {
			return binary.BigEndian.Uint64(e[retiredHash:])
		}
	}
	return 0
}

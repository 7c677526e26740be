package eventlog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/rosterhq/roster/eventlog/internal/vault"
	"github.com/rosterhq/roster/events"
)

// Options of a log.
type Options struct {
	// Prefix keeps installations on one server apart; empty for one alone.
	Prefix string
	// Replicas of each stream; 0 leaves existing streams as they are and makes
	// new ones with one.
	Replicas int
	// MasterKey is 32 bytes; it wraps the installation's keys.
	MasterKey []byte
	// MoreMasterKeys returns other keys that may have wrapped some of them, while the
	// master key is changed. It is asked at Open and whenever a key opens under none
	// that is known; nil for none.
	MoreMasterKeys func() ([][]byte, error)
	// SyncWithin is how long the server may keep an acknowledged message before it is
	// on disk; 0 where it is there at once, or other servers have it.
	SyncWithin time.Duration
	// BatchMessages is how many messages the server takes in an atomic batch; 0 stands
	// for 1,000, which servers take unless they are told otherwise.
	BatchMessages int
	// MadeElsewhere says that another process makes the streams and the installation's
	// secret: Open waits for them until its context ends, and changes nothing.
	MadeElsewhere bool
	// Logger may be nil.
	Logger *zap.Logger
}

// Log is the event log on JetStream. It is safe for concurrent use.
type Log struct {
	nc        *nats.Conn
	prefix    string
	names     names
	read      *reader
	catalogue *events.Catalogue
	logger    *zap.Logger
	secrets   *vault.Secrets
	keys      *keyring
	state     *stateKeeper
	floors    *floors
	roster    *committer
	activity  *committer
	keyMaker  *committer
	reserving chan struct{} // 1: writers of this process queue for counters

	syncWithin time.Duration
}

// defaultBatch is how many messages a server takes in a batch by default.
const defaultBatch = 1000

// committerLimits are those of a log's committers, whose groups stay a tenth below
// what the server takes in a batch.
func committerLimits(batch int) (roster, activity limits) {
	if batch <= 0 {
		batch = defaultBatch
	}
	messages := batch * 9 / 10
	roster = limits{queue: 1024, units: messages / 3, messages: messages, linger: 200 * time.Microsecond}
	activity = limits{queue: 8192, units: messages, messages: messages, linger: 200 * time.Microsecond}
	return roster, activity
}

// Open connects to the streams of an installation, creates what is missing, and
// checks the master key (ErrWrongMasterKey). Several processes may open at
// once. The connection stays the caller's: close it after the log.
func Open(ctx context.Context, nc *nats.Conn, o Options) (*Log, error) {
	ring, err := vault.NewRing(o.MasterKey, o.MoreMasterKeys)
	if err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	l := &Log{
		nc: nc, prefix: o.Prefix, names: newNames(o.Prefix), read: newReader(nc, js), catalogue: events.Released(),
		logger: o.Logger, reserving: make(chan struct{}, 1), syncWithin: o.SyncWithin,
	}
	if l.logger == nil {
		l.logger = zap.NewNop()
	}
	if err := l.findStreams(ctx, js, o); err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	if err := l.startCommitters(ctx, nc, js, o.BatchMessages); err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	l.keys = newKeyring(l, ring, time.Now)
	if l.secrets, err = openSecrets(ctx, l, o.MasterKey); err != nil {
		return nil, errors.Join(fmt.Errorf("open log: %w", err), l.closeCommitters(ctx))
	}
	l.state = newStateKeeper(js, l.names, l.keys, l.logger)
	go l.state.run() //nolint:contextcheck // outlives the context of Open; Close ends it
	return l, nil
}

// findStreams makes the streams, or waits for who does.
func (l *Log) findStreams(ctx context.Context, js jetstream.JetStream, o Options) error {
	if !o.MadeElsewhere {
		replicas, err := ensureStreams(ctx, js, l.names, o.Replicas)
		l.floors = newFloors(replicas)
		return err
	}
	replicas, err := awaitStreams(ctx, js, l.names, l.logger)
	if err != nil {
		return err
	}
	l.floors = newFloors(replicas)
	return l.awaitSecret(ctx)
}

func (l *Log) startCommitters(ctx context.Context, nc *nats.Conn, js jetstream.JetStream, batch int) error {
	roster, activity := committerLimits(batch)
	for _, c := range []struct {
		into   **committer
		stream string
		under  string
		limits limits
	}{
		{&l.roster, l.names.roster, "roster", roster},
		{&l.activity, l.names.activity, "activity", activity},
		{&l.keyMaker, l.names.keys, "keys", roster},
	} {
		pub, err := newPublisher(nc, js, c.limits.messages)
		if err != nil {
			return errors.Join(err, l.closeCommitters(ctx))
		}
		pub.under, pub.refused = l.names.root+c.under, l.read.refused
		*c.into = newCommitter(pub, c.limits, l.lastSequences(c.stream))
		go (*c.into).run()
	}
	return nil
}

func (l *Log) lastSequences(stream string) func(context.Context, []string) ([]uint64, error) {
	return func(ctx context.Context, subjects []string) ([]uint64, error) {
		lasts, err := l.read.lasts(ctx, stream, subjects)
		if err != nil {
			return nil, err
		}
		out := make([]uint64, len(lasts))
		for i := range lasts {
			out[i] = lasts[i].sequence
		}
		return out, nil
	}
}

// Secret returns the installation's secret for a purpose: 32 bytes, random in
// origin and the same for ever in every process.
func (l *Log) Secret(purpose string) []byte { return l.secrets.Secret(purpose) }

// KeyedHash returns a keyed hash (32 bytes, hexadecimal) that is the same in
// every process of the installation.
func (l *Log) KeyedHash(purpose, value string) string { return l.secrets.KeyedHash(purpose, value) }

// Head returns the last sequence of a stream, from its leader; 0 for an empty one.
func (l *Log) Head(ctx context.Context, s events.Stream) (uint64, error) {
	head, err := l.read.head(ctx, l.names.streamOf(s))
	if err != nil {
		return 0, unavailable("head", err)
	}
	return head, nil
}

// Close lets the commits that wait go out, keeps the snapshots that were handed
// over, and stops. After it every append is events.ErrUnavailable.
func (l *Log) Close(ctx context.Context) error {
	err := l.closeCommitters(ctx)
	return errors.Join(err, l.state.close(ctx))
}

// closeCommitters stops those that feed others last.
func (l *Log) closeCommitters(ctx context.Context) error {
	var err error
	for _, c := range []*committer{l.roster, l.activity, l.keyMaker} {
		if c != nil {
			err = errors.Join(err, c.close(ctx))
		}
	}
	return err
}

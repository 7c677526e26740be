package live

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query"
)

// Source is the one live reader of the log; query.Tail is one.
type Source interface {
	Subscribe(s events.Stream, f func(events.Stored)) (unsubscribe func())
	Current(s events.Stream) (sequence uint64, ok bool)
}

// Reads is what is asked for what happened before; *query.Queries is one.
type Reads interface {
	History(ctx context.Context, f query.HistoryFilter, after uint64, limit int) (items []query.Activity, through uint64, err error)
	Latest(ctx context.Context, f query.HistoryFilter, limit int) (items []query.Activity, through uint64, err error)
	AwaitActivities(ctx context.Context, sequence uint64) error
	Head(ctx context.Context, s events.Stream) (uint64, error)
	OpenEvent(ctx context.Context, e events.Stored) (events.Recorded, error)
}

// Config is what a hub is made of. Source, Reads and Render are needed.
type Config struct {
	Source   Source
	Reads    Reads
	Render   Render
	Logger   *zap.Logger           // nil for none
	Clock    func() time.Time      // of credentials that expire; nil means time.Now
	Registry prometheus.Registerer // nil means that nobody sees the metrics

	Buffer    int           // activities that a slow client may be behind; 0 means 256
	Heartbeat time.Duration // 0 means 15 s
	Most      int           // streams at once; 0 means what the limit of open files allows

	// OneName calls every event "activity"; else changes of accounts are "account".
	OneName bool
	// Room is shared with other hubs, in the stead of Most.
	Room *Room
}

// Room bounds the streams of several hubs together.
type Room struct{ free atomic.Int64 }

// NewRoom makes room for so many streams at once; 0 means what the limit of open
// files allows.
func NewRoom(most int) *Room {
	if most <= 0 {
		most = mostStreams()
	}
	r := &Room{}
	r.free.Store(int64(most))
	return r
}

func (r *Room) enter() bool {
	if r.free.Add(-1) >= 0 {
		return true
	}
	r.leave()
	return false
}

func (r *Room) leave() { r.free.Add(1) }

const (
	defaultBuffer    = 256
	defaultHeartbeat = 15 * time.Second
)

func (c Config) withDefaults() Config {
	if c.Logger == nil {
		c.Logger = zap.NewNop()
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Buffer <= 0 {
		c.Buffer = defaultBuffer
	}
	if c.Heartbeat <= 0 {
		c.Heartbeat = defaultHeartbeat
	}
	if c.Room == nil {
		c.Room = NewRoom(c.Most)
	}
	return c
}

// Errors of Open.
var (
	// ErrFull says that this process has as many streams as it can have.
	ErrFull = errors.New("too many streams")
	// ErrClosed says that the process is about to end.
	ErrClosed = errors.New("streams are closed")
)

// Request is what a client asks for, and on whose behalf.
type Request struct {
	Caller  string    // user id
	Key     string    // id of the session or key
	Expires time.Time // of the key; zero for never

	// May says whether the caller may read a user's activities, "" for everybody's.
	May func(userID string) bool
	// Rights makes May anew after the caller's roles changed.
	Rights func([]events.Role) func(userID string) bool
	// Check looks the credential up again. An error says that nobody knows.
	Check func(context.Context) (Standing, error)
	// CheckedAs tells apart the streams of one key whose Check differs.
	CheckedAs string

	Filter Filter
	After  string // a position, Earliest, or "" for the newest and what comes
	Lines  bool   // NDJSON instead of server-sent events
}

// Standing is what became of a credential.
type Standing struct {
	Reason  string // why it is no good any more; "" while it is
	May     func(userID string) bool
	Expires time.Time // sessions that are used live longer
}

// Earliest asks for everything.
const Earliest = "earliest"

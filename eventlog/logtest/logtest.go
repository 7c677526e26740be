// Package logtest states what every event log guarantees, as tests. The log on
// JetStream (one server, a cluster of three) and the one in memory pass it.
package logtest

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/events"
)

// Log is what the suite needs: all that commands, projections and queries use.
type Log interface {
	Tip(ctx context.Context, a events.Aggregate) (events.Tip, error)
	LeaderTip(ctx context.Context, a events.Aggregate) (events.Tip, error)
	Read(ctx context.Context, a events.Aggregate, from uint64) ([]events.Recorded, error)
	Append(ctx context.Context, c events.Commit) (first uint64, err error)
	NewUsers(ctx context.Context, n int64) ([]string, error)
	Claim(ctx context.Context, c events.Claim) (events.ClaimState, error)
	Reserve(ctx context.Context, counter string, n int64) (first int64, err error)
	SetAside(ctx context.Context, counter string, upTo int64) ([]events.Numbers, error)
	Snapshot(ctx context.Context, a events.Aggregate) (events.Snapshot, error)
	KeepSnapshot(a events.Aggregate, s events.Snapshot)
	Record(ctx context.Context, drafts []events.Draft) ([]events.Recording, error)
	KeepUsage(u events.Usage) error
	Usage(ctx context.Context, keyID string) (events.Usage, error)
	KeyedHash(purpose, value string) string
	Secret(purpose string) []byte
	DataKey(ctx context.Context, userID string) (*events.DataKey, error)
	PrefetchKeys(ctx context.Context, userIDs []string) error
	EraseKey(ctx context.Context, userID string) error
	Head(ctx context.Context, s events.Stream) (uint64, error)
	Follow(ctx context.Context, s events.Stream, from uint64, f events.Follower) error
	Scan(ctx context.Context, s events.Stream, from, to uint64, f func(events.Stored) error) error
	ScanMessages(ctx context.Context, s events.Stream, from, to uint64, f func(events.Stored) error) error
	Open(ctx context.Context, e events.Stored) (events.Recorded, error)
	Close(ctx context.Context) error
}

// Run runs the suite. open returns a log that is empty and only the test's, and
// closes it when the test ends.
func Run(t *testing.T, open func(t *testing.T) Log) {
	t.Helper()
	for _, group := range []map[string]func(*testing.T, Log){commits, races, claims, keys, activities, states, follows, scans} {
		for name, test := range group {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				test(t, open(t))
			})
		}
	}
}

// at is the time of all events here: the log has no use for it.
var at = time.Date(2026, 3, 5, 10, 0, 0, 0, time.UTC)

func newUser() events.Aggregate { return events.Aggregate{Kind: events.User, ID: uuid.NewString()} }

func draft(of events.Aggregate, p events.Payload, sealed bool) events.Draft {
	d := events.Draft{Payload: p, Meta: events.Meta{
		ID: uuid.NewString(), Type: p.EventType(), Source: "/roster", Time: at, Aggregate: of,
		Actor: "system", CommandID: uuid.NewString(),
	}}
	if sealed {
		d.Meta.SealedFor = of.ID
	}
	return d
}

func registered(of events.Aggregate, username, email string) events.Draft {
	return draft(of, &events.UserRegistered{
		Number: 1, Status: events.StatusActive, LoginType: events.LoginNone,
		Sealed: events.Seal(events.UserRegisteredPrivate{Username: username, Email: email}),
	}, true)
}

// renamed carries a username in its sealed part, to tell events apart.
func renamed(of events.Aggregate, username string) events.Draft {
	return draft(of, &events.UserUsernameChanged{
		Sealed: events.Seal(events.UserUsernameChangedPrivate{Username: username}),
	}, true)
}

func registration(of events.Aggregate, username, email string) events.Commit {
	return events.Commit{
		Aggregate: of, Events: []events.Draft{registered(of, username, email)},
		Claims: []events.ClaimChange{
			{Claim: events.Claim{Kind: "username", Value: username}, Holder: of.ID},
			{Claim: events.Claim{Kind: "email", Value: email}, Holder: of.ID},
		},
	}
}

// register puts a user without claims into the log.
func register(t *testing.T, l Log) (events.Aggregate, uint64) {
	t.Helper()
	user := newUser()
	first, err := l.Append(t.Context(), events.Commit{Aggregate: user, Events: []events.Draft{registered(user, "ada", "")}})
	require.NoError(t, err)
	return user, first
}

func head(t *testing.T, l Log, s events.Stream) uint64 {
	t.Helper()
	n, err := l.Head(t.Context(), s)
	require.NoError(t, err)
	return n
}

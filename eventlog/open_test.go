package eventlog_test

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/eventlog"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/internal/natsserver"
	"github.com/rosterhq/roster/internal/testenv"
)

const secretName = "countess-of-lovelace"

func register(t *testing.T, l *eventlog.Log) (events.Aggregate, uint64) {
	t.Helper()
	user := events.Aggregate{Kind: events.User, ID: uuid.NewString()}
	p := &events.UserRegistered{Sealed: events.Seal(events.UserRegisteredPrivate{Username: secretName})}
	first, err := l.Append(t.Context(), events.Commit{
		Aggregate: user,
		Events: []events.Draft{{Payload: p, Meta: events.Meta{
			ID: uuid.NewString(), Type: p.EventType(), Source: "/roster", Time: time.Unix(1e9, 0).UTC(), SealedFor: user.ID,
		}}},
		Claims: []events.ClaimChange{{Claim: events.Claim{Kind: "username", Value: secretName + user.ID}, Holder: user.ID}},
	})
	require.NoError(t, err)
	return user, first
}

func TestAWrongMasterKeyIsRefused(t *testing.T) {
	t.Parallel()
	nc := testenv.NATS(t)
	open(t, nc, eventlog.Options{})
	_, err := eventlog.Open(t.Context(), nc, eventlog.Options{MasterKey: bytes.Repeat([]byte{9}, 32)})
	require.ErrorIs(t, err, eventlog.ErrWrongMasterKey)
	_, err = eventlog.Open(t.Context(), nc, eventlog.Options{MasterKey: []byte("short")})
	require.ErrorContains(t, err, "want 32")
	open(t, nc, eventlog.Options{Prefix: "other", MasterKey: bytes.Repeat([]byte{9}, 32)})
}

func TestManyProcessesMayOpenAtOnce(t *testing.T) {
	t.Parallel()
	nc := testenv.NATS(t)
	const n = 12
	logs, errs := make([]*eventlog.Log, n), make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			logs[i], errs[i] = eventlog.Open(t.Context(), nc, eventlog.Options{MasterKey: testenv.MasterKey()})
		})
	}
	wg.Wait()
	for i := range n {
		require.NoError(t, errs[i])
		defer func() { require.NoError(t, logs[i].Close(context.Background())) }()
		require.Equal(t, logs[0].KeyedHash("p", "v"), logs[i].KeyedHash("p", "v"))
		require.Equal(t, logs[0].Secret("jwt"), logs[i].Secret("jwt"))
	}
	user, first := register(t, logs[0])
	for _, l := range logs[1:] {
		got, err := l.Read(t.Context(), user, 0)
		require.NoError(t, err)
		require.Equal(t, first, got[0].Sequence)
		require.Equal(t, secretName, got[0].Payload.(*events.UserRegistered).Private.Username)
		numbers, err := l.Reserve(t.Context(), "user", 16)
		require.NoError(t, err)
		require.EqualValues(t, 1, numbers%16)
	}
}

func TestStreamsKeepTheirRules(t *testing.T) {
	t.Parallel()
	nc := testenv.NATS(t)
	open(t, nc, eventlog.Options{Prefix: "acme"})
	open(t, nc, eventlog.Options{Prefix: "acme"}) // brings nothing out of order
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	for _, s := range []events.Stream{"ROSTER", "ACTIVITY", "KEYS", "STATE", "USAGE"} {
		stream, err := js.Stream(t.Context(), eventlog.StreamName("acme", s))
		require.NoError(t, err)
		c := stream.CachedInfo().Config
		kept := s == events.Roster || s == events.Activity
		cache := s == "STATE" || s == "USAGE"
		require.Equal(t, kept, c.DenyDelete, s)
		require.Equal(t, !cache && s != events.Activity, c.DenyPurge, s)
		require.Equal(t, !cache, c.AllowAtomicPublish, s)
		require.Equal(t, cache, c.PersistMode == jetstream.AsyncPersistMode, s)
		require.Equal(t, cache, c.MaxMsgsPerSubject == 1, s)
		require.True(t, c.AllowDirect, s)
		require.EqualValues(t, 512<<10, c.MaxMsgSize, s)
		require.False(t, c.AllowRollup, s)
		require.Zero(t, c.MaxAge, s)
	}
}

// Nothing personal may be found in the files of any stream, and an erased key
// leaves no copy of itself.
func TestFilesHoldNothingPersonalAndErasedKeysAreGone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := natsserver.Start(natsserver.Options{Dir: dir})
	require.NoError(t, err)
	t.Cleanup(s.Stop)
	nc, err := s.Connect()
	require.NoError(t, err)
	defer nc.Close()
	l, err := eventlog.Open(t.Context(), nc, eventlog.Options{MasterKey: testenv.MasterKey()})
	require.NoError(t, err)
	user, first := register(t, l)
	l.KeepSnapshot(user, events.Snapshot{Tip: events.Tip{Sequence: first}, Data: []byte(secretName)})
	skill := events.Aggregate{Kind: events.Skill, ID: user.ID}
	l.KeepSnapshot(skill, events.Snapshot{Tip: events.Tip{Sequence: first}, SealedFor: user.ID, Data: []byte(secretName)})
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	keys, err := js.Stream(t.Context(), "KEYS")
	require.NoError(t, err)
	wrapped, err := keys.GetLastMsgForSubject(t.Context(), "keys.user."+user.ID)
	require.NoError(t, err)
	require.NoError(t, l.Close(t.Context()))
	state, err := js.Stream(t.Context(), "STATE")
	require.NoError(t, err)
	require.EqualValues(t, 2, state.CachedInfo().State.Msgs, "close keeps what was handed over")
	require.True(t, inFiles(t, dir, wrapped.Data), "the search finds what is there")

	l, err = eventlog.Open(t.Context(), nc, eventlog.Options{MasterKey: testenv.MasterKey()})
	require.NoError(t, err)
	require.NoError(t, l.EraseKey(t.Context(), user.ID))
	require.NoError(t, l.Close(t.Context()))
	nc.Close()
	s.Stop()
	require.False(t, inFiles(t, dir, []byte(secretName)))
	require.False(t, inFiles(t, dir, wrapped.Data))
	require.False(t, inFiles(t, dir, testenv.MasterKey()))
}

func inFiles(t *testing.T, dir string, what []byte) bool {
	t.Helper()
	found := false
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		found = found || bytes.Contains(content, what)
		return err
	}))
	return found
}

func TestAnErasedKeyIsGoneForOthersToo(t *testing.T) {
	t.Parallel()
	nc := testenv.NATS(t)
	one, two := open(t, nc, eventlog.Options{}), open(t, nc, eventlog.Options{})
	user, _ := register(t, one)
	require.NoError(t, one.EraseKey(t.Context(), user.ID))
	_, err := two.DataKey(t.Context(), user.ID)
	require.ErrorIs(t, err, events.ErrErased)
	_, err = two.DataKey(t.Context(), uuid.NewString())
	require.ErrorIs(t, err, eventlog.ErrNoKey)
	require.NoError(t, two.PrefetchKeys(t.Context(), []string{user.ID, uuid.NewString()}))
}

// TestATellingOfAnErasureEndsTheUseOfAKey: the key lies in memory, and is not yet
// destroyed.
func TestATellingOfAnErasureEndsTheUseOfAKey(t *testing.T) {
	t.Parallel()
	nc := testenv.NATS(t)
	one, two := open(t, nc, eventlog.Options{}), open(t, nc, eventlog.Options{})
	user, _ := register(t, one)
	_, err := two.DataKey(t.Context(), user.ID)
	require.NoError(t, err)
	two.KeyErased(user.ID)
	_, err = two.DataKey(t.Context(), user.ID)
	require.ErrorIs(t, err, events.ErrErased)
	require.NoError(t, two.PrefetchKeys(t.Context(), []string{user.ID}))
	_, err = two.DataKey(t.Context(), user.ID)
	require.ErrorIs(t, err, events.ErrErased)
	_, err = one.DataKey(t.Context(), user.ID)
	require.NoError(t, err, "nobody destroyed it yet")
}

package eventlog_test

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/eventlog"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/internal/testenv"
)

func otherMaster() []byte { return bytes.Repeat([]byte{0x6b}, 32) }

// both lets a process open what either master key wrapped, as while it is changed.
func both() eventlog.Options {
	return eventlog.Options{MoreMasterKeys: func() ([][]byte, error) { return [][]byte{otherMaster()}, nil }}
}

// keyMessages are all messages of the stream of keys, by subject.
func keyMessages(t *testing.T, nc *nats.Conn) map[string]int {
	t.Helper()
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	stream, err := js.Stream(t.Context(), "KEYS")
	require.NoError(t, err)
	info, err := stream.Info(t.Context(), jetstream.WithSubjectFilter("keys.>"))
	require.NoError(t, err)
	counts := map[string]int{}
	for subject, n := range info.State.Subjects {
		counts[subject] = int(n)
	}
	return counts
}

func boxes(t *testing.T, l *eventlog.Log) map[string]events.WrappedKey {
	t.Helper()
	_, keys := copied(t, l)
	out := map[string]events.WrappedKey{}
	for _, k := range keys {
		out[k.Name] = k
	}
	return out
}

// requireRotated checks that nothing is left that the old master key opens, and that
// the new one alone opens everything.
func requireRotated(t *testing.T, nc *nats.Conn, users, gone []events.Aggregate) {
	t.Helper()
	for subject, n := range keyMessages(t, nc) {
		require.Equal(t, 1, n, "no copy is left of %s", subject)
	}
	_, err := eventlog.Open(t.Context(), nc, eventlog.Options{MasterKey: testenv.MasterKey()})
	require.ErrorIs(t, err, eventlog.ErrWrongMasterKey)

	l := open(t, nc, eventlog.Options{MasterKey: otherMaster()})
	for name, k := range boxes(t, l) {
		if k.Erased || name == events.InstallationSecret {
			continue
		}
		_, err := l.DataKey(t.Context(), name[len("user."):])
		require.NoError(t, err)
	}
	for _, user := range users {
		opened, err := l.Read(t.Context(), user, 0)
		require.NoError(t, err)
		p, ok := opened[0].Payload.(*events.UserRegistered)
		require.True(t, ok)
		require.Equal(t, secretName, p.Private.Username)
	}
	for _, user := range gone {
		_, err := l.DataKey(t.Context(), user.ID)
		require.ErrorIs(t, err, events.ErrErased)
	}
}

// TestTheMasterKeyChangesUnderLoad has two processes that write and read all the
// while, one of which changes the master key, and one that opens the keys as copies do.
func TestTheMasterKeyChangesUnderLoad(t *testing.T) {
	t.Parallel()
	nc := testenv.NATS(t)
	one, two := open(t, nc, both()), open(t, nc, both())
	id := one.InstallationID()
	gone, _ := register(t, one)
	require.NoError(t, one.EraseKey(t.Context(), gone.ID))
	messages, _ := copied(t, one)

	var (
		mu      sync.Mutex
		users   []events.Aggregate
		writers sync.WaitGroup
		begun   = make(chan struct{}, 2)
		stop    = make(chan struct{})
	)
	for _, l := range []*eventlog.Log{one, two} {
		writers.Go(func() {
			for n := 0; ; n++ {
				user, _ := register(t, l)
				made, err := l.NewUsers(t.Context(), 3) // keys that are made in groups
				require.NoError(t, err)
				mu.Lock()
				users = append(users, user)
				read := users[n%len(users)]
				mu.Unlock()
				_, err = two.DataKey(t.Context(), made[2])
				require.NoError(t, err)
				_, err = one.Read(t.Context(), read, 0)
				require.NoError(t, err)
				if n == 20 {
					begun <- struct{}{}
				}
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	<-begun
	<-begun
	done, err := one.RotateMasterKey(t.Context(), otherMaster(), nil)
	close(stop)
	writers.Wait()
	require.NoError(t, err)
	require.Greater(t, done.Wrapped, uint64(80))
	require.GreaterOrEqual(t, done.Destroyed, done.Wrapped)
	require.Empty(t, done.Unreadable)
	require.Equal(t, done.MasterKey, two.MasterKeyID(), "who makes keys learns of it")

	after, err := two.RotateMasterKey(t.Context(), otherMaster(), nil)
	require.NoError(t, err)
	require.Zero(t, after.Wrapped+after.Destroyed, "once is enough, whoever writes meanwhile")
	require.Equal(t, id, one.InstallationID())
	now, _ := copied(t, one)
	require.Equal(t, messages, now[:len(messages)], "no event is rewritten")
	requireRotated(t, nc, users, []events.Aggregate{gone})
}

// TestAnInterruptedChangeIsFinishedByTheNext ends it at each of its steps.
func TestAnInterruptedChangeIsFinishedByTheNext(t *testing.T) {
	t.Parallel()
	nc := testenv.NATS(t)
	first := open(t, nc, eventlog.Options{})
	var users []events.Aggregate
	for range 12 {
		user, _ := register(t, first)
		users = append(users, user)
	}
	gone, _ := register(t, first)
	for at := 1; at <= 20; at += 3 {
		l := open(t, nc, both())
		ctx, interrupt := context.WithCancel(t.Context())
		steps := make(chan struct{}, 1000)
		_, err := l.RotateMasterKey(ctx, otherMaster(), func(eventlog.Rotation) {
			if steps <- struct{}{}; len(steps) == at {
				interrupt()
			}
		})
		interrupt()
		if err == nil {
			require.Less(t, len(steps), at)
			break
		}
		// With both keys all goes on, whatever each key is wrapped under.
		again := open(t, nc, both())
		for _, user := range users {
			_, err := again.DataKey(t.Context(), user.ID)
			require.NoError(t, err)
		}
		user, _ := register(t, again)
		users = append(users, user)
		if at == 4 {
			require.NoError(t, again.EraseKey(t.Context(), gone.ID))
		}
	}
	_, err := open(t, nc, both()).RotateMasterKey(t.Context(), otherMaster(), nil)
	require.NoError(t, err)
	requireRotated(t, nc, users, []events.Aggregate{gone})
}

// TestAProcessWithoutTheNewMasterKey can not store a key that would be lost, and finds
// the new one as soon as it is there.
func TestAProcessWithoutTheNewMasterKey(t *testing.T) {
	t.Parallel()
	nc := testenv.NATS(t)
	var given [][]byte
	late := open(t, nc, eventlog.Options{MoreMasterKeys: func() ([][]byte, error) { return given, nil }})
	damaged := open(t, nc, eventlog.Options{MoreMasterKeys: func() ([][]byte, error) { return nil, errors.New("no file") }})
	user, _ := register(t, late)

	_, err := open(t, nc, both()).RotateMasterKey(t.Context(), otherMaster(), nil)
	require.NoError(t, err)
	_, err = late.NewUsers(t.Context(), 1)
	require.ErrorIs(t, err, eventlog.ErrWrongMasterKey)
	_, err = damaged.DataKey(t.Context(), user.ID)
	require.ErrorIs(t, err, eventlog.ErrWrongMasterKey)
	require.ErrorContains(t, err, "no file")

	given = [][]byte{otherMaster()}
	_, err = late.NewUsers(t.Context(), 1)
	require.NoError(t, err)
	_, err = late.RotateMasterKey(t.Context(), otherMaster(), nil)
	require.NoError(t, err, "what it stored while it did not know is wrapped anew")
	requireRotated(t, nc, []events.Aggregate{user}, nil)
}

func TestAMasterKeyChangesOnlyWithTheOneBefore(t *testing.T) {
	t.Parallel()
	nc := testenv.NATS(t)
	l := open(t, nc, eventlog.Options{})
	user, _ := register(t, l)
	before := boxes(t, l)
	_, err := l.RotateMasterKey(t.Context(), otherMaster()[1:], nil)
	require.Error(t, err)
	_, err = eventlog.Open(t.Context(), nc, eventlog.Options{MasterKey: otherMaster()})
	require.ErrorIs(t, err, eventlog.ErrWrongMasterKey)
	require.Equal(t, before, boxes(t, l), "nothing changed")

	// A key that nobody can open is named, and stays.
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	_, err = js.Publish(t.Context(), "keys.user.lost", bytes.Repeat([]byte{1}, 61))
	require.NoError(t, err)
	done, err := l.RotateMasterKey(t.Context(), otherMaster(), nil)
	require.NoError(t, err)
	require.Equal(t, []string{"user.lost"}, done.Unreadable)
	require.Equal(t, uint64(2), done.Wrapped)
	require.Equal(t, uint64(2), done.Destroyed)
	require.NotEqual(t, before["user."+user.ID], boxes(t, l)["user."+user.ID])
}

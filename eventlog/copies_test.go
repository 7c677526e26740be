package eventlog_test

import (
	"bytes"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/eventlog"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/internal/testenv"
)

// copied is everything that a copy of a log holds.
func copied(t *testing.T, l *eventlog.Log) (messages []events.Stored, keys []events.WrappedKey) {
	t.Helper()
	require.NoError(t, l.Messages(t.Context(), events.Roster, 0, 0, func(m events.Stored) error {
		messages = append(messages, m)
		return nil
	}))
	require.NoError(t, l.WrappedKeys(t.Context(), func(k events.WrappedKey) error {
		keys = append(keys, k)
		return nil
	}))
	return messages, keys
}

func begin(t *testing.T, nc *nats.Conn, o eventlog.SeedOptions) *eventlog.Seed {
	t.Helper()
	s, err := eventlog.BeginSeed(t.Context(), nc, o)
	require.NoError(t, err)
	return s
}

func TestASeededLogIsTheOneThatWasCopied(t *testing.T) {
	t.Parallel()
	old := open(t, testenv.NATS(t), eventlog.Options{Prefix: "old"})
	user, _ := register(t, old)
	gone, _ := register(t, old)
	require.NoError(t, old.EraseKey(t.Context(), gone.ID))
	messages, keys := copied(t, old)
	require.Len(t, messages, 4, "each with its claim")
	require.Contains(t, keys, events.WrappedKey{Name: "user." + gone.ID, Erased: true})
	for _, m := range messages {
		require.NotContains(t, m.Subject, "old.")
		for name := range m.Headers {
			require.NotContains(t, name, "Nats-")
		}
	}

	// Where it was seeded, sequences begin anew and some are missing.
	for i := range messages {
		messages[i].Sequence = []uint64{3, 4, 8, 9}[i]
	}
	nc := testenv.NATS(t)
	s := begin(t, nc, eventlog.SeedOptions{First: map[events.Stream]uint64{events.Roster: 3}})
	require.NoError(t, s.PutKeys(t.Context(), keys))
	require.NoError(t, s.Put(t.Context(), events.Roster, messages[:1]))
	require.NoError(t, s.Put(t.Context(), events.Roster, messages[1:]))
	require.Error(t, s.Put(t.Context(), events.Roster, messages[:1]), "in order alone")
	_, err := eventlog.Open(t.Context(), nc, eventlog.Options{MasterKey: testenv.MasterKey()})
	require.ErrorIs(t, err, eventlog.ErrUnfinishedSeed)
	require.NoError(t, s.Finish(t.Context()))

	l := open(t, nc, eventlog.Options{})
	require.Equal(t, old.InstallationID(), l.InstallationID())
	list, err := l.Read(t.Context(), user, 0)
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.EqualValues(t, 4, list[0].Sequence)
	require.Equal(t, secretName, list[0].Payload.(*events.UserRegistered).Private.Username)
	list, err = l.Read(t.Context(), gone, 0)
	require.NoError(t, err)
	require.EqualValues(t, 9, list[0].Sequence)
	require.Empty(t, list[0].Payload.(*events.UserRegistered).Private.Username, "erased stays erased")
	claim, err := l.Claim(t.Context(), events.Claim{Kind: "username", Value: secretName + user.ID})
	require.NoError(t, err)
	require.Equal(t, events.ClaimState{Holder: user.ID, Sequence: 3}, claim)

	again, _ := copied(t, l)
	require.Len(t, again, len(messages)+3, "and three fillers")
	n := 0
	for _, m := range again {
		if m.Subject == "roster.filler" {
			continue
		}
		require.Equal(t, messages[n], m)
		n++
	}
	head, err := l.Head(t.Context(), events.Roster)
	require.NoError(t, err)
	require.EqualValues(t, 9, head)
	_, at := register(t, l)
	require.EqualValues(t, 11, at)
	_, err = eventlog.BeginSeed(t.Context(), nc, eventlog.SeedOptions{})
	require.ErrorIs(t, err, eventlog.ErrNotEmpty)
}

// A seed that was given up at any point is begun anew.
func TestASeedThatWasGivenUpIsBegunAnew(t *testing.T) {
	t.Parallel()
	nc := testenv.NATS(t)
	one := events.Stored{Stream: events.Roster, Sequence: 1, Subject: "roster.claim.x.y", Data: []byte("z")}
	first := begin(t, nc, eventlog.SeedOptions{})
	require.NoError(t, first.Put(t.Context(), events.Roster, []events.Stored{one}))
	first.Abandon()

	second := begin(t, nc, eventlog.SeedOptions{})
	require.NoError(t, second.Put(t.Context(), events.Roster, []events.Stored{one}))
	require.NoError(t, second.PutUses(t.Context(), []events.Stored{{Subject: "usage.key.k", Data: []byte("{}")}}))
	half(t, nc)
	_, err := eventlog.Open(t.Context(), nc, eventlog.Options{MasterKey: testenv.MasterKey()})
	require.ErrorIs(t, err, eventlog.ErrUnfinishedSeed)
	second.Abandon()

	third := begin(t, nc, eventlog.SeedOptions{})
	require.NoError(t, third.Finish(t.Context()))
	l := open(t, nc, eventlog.Options{})
	head, err := l.Head(t.Context(), events.Roster)
	require.NoError(t, err)
	require.Zero(t, head)
}

// half releases some of the streams, as a Finish that was killed.
func half(t *testing.T, nc *nats.Conn) {
	t.Helper()
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	for _, name := range []string{"USAGE", "STATE", "KEYS"} {
		stream, err := js.Stream(t.Context(), name)
		require.NoError(t, err)
		config := stream.CachedInfo().Config
		config.Metadata = nil
		_, err = js.UpdateStream(t.Context(), config)
		require.NoError(t, err)
	}
}

func TestWrappedKeysSayWhoseTheyAre(t *testing.T) {
	t.Parallel()
	l := open(t, testenv.NATS(t), eventlog.Options{})
	var secret events.WrappedKey
	require.NoError(t, l.WrappedKeys(t.Context(), func(k events.WrappedKey) error {
		secret = k
		return nil
	}))
	of, err := eventlog.InstallationOf(testenv.MasterKey(), nil, []events.WrappedKey{{Name: "user.1", Erased: true}, secret})
	require.NoError(t, err)
	require.Equal(t, l.InstallationID(), of)
	_, err = eventlog.InstallationOf(bytes.Repeat([]byte{9}, 32), nil, []events.WrappedKey{secret})
	require.ErrorIs(t, err, eventlog.ErrWrongMasterKey)
	_, err = eventlog.InstallationOf(testenv.MasterKey(), nil, []events.WrappedKey{{Name: "user.1", Box: secret.Box}, secret})
	require.ErrorIs(t, err, eventlog.ErrWrongMasterKey, "each key must open, under its name")
	_, err = eventlog.InstallationOf(testenv.MasterKey(), nil, []events.WrappedKey{{Name: "user.1", Erased: true}})
	require.ErrorIs(t, err, eventlog.ErrNoSecret)
}

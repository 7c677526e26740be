package wire_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rosterhq/roster/eventlog/internal/wire"
	"github.com/rosterhq/roster/events"
)

func TestEnvelopeIsFilledIn(t *testing.T) {
	t.Parallel()
	of := events.Aggregate{Kind: events.User, ID: "1"}
	h, _, err := wire.Encode(&events.Draft{Meta: events.Meta{ID: "e"}, Payload: &events.UserSuspended{}}, of, nil)
	require.NoError(t, err)
	m, err := events.DecodeMeta(h)
	require.NoError(t, err)
	require.Equal(t, of, m.Aggregate)
	require.EqualValues(t, "roster.user.suspended.v1", m.Type)
}

func TestWhatIsSealedNeedsAKey(t *testing.T) {
	t.Parallel()
	d := events.Draft{Meta: events.Meta{ID: "e"}, Payload: &events.UserRegistered{
		Sealed: events.Seal(events.UserRegisteredPrivate{Username: "ada"}),
	}}
	_, _, err := wire.Encode(&d, events.Aggregate{Kind: events.User, ID: "1"}, nil)
	require.ErrorIs(t, err, events.ErrNeedsKey)
	d.Meta.SealedFor = "1"
	_, _, err = wire.Encode(&d, events.Aggregate{Kind: events.User, ID: "1"}, func(string) (*events.DataKey, error) {
		return nil, events.ErrErased
	})
	require.ErrorIs(t, err, events.ErrErased)
}

// TestWhatHasNothingToSealIsToldOfErasedPersons: that they are erased, say.
func TestWhatHasNothingToSealIsToldOfErasedPersons(t *testing.T) {
	t.Parallel()
	erased := func(string) (*events.DataKey, error) { return nil, events.ErrErased }
	d := events.Draft{Meta: events.Meta{ID: "e", SealedFor: "1"}, Payload: &events.ActivityRecorded{User: "1", Action: events.ErasedAction}}
	headers, data, err := wire.Encode(&d, events.Aggregate{Kind: events.User, ID: "1"}, erased)
	require.NoError(t, err)
	require.NotContains(t, headers, events.HeaderSealedFor)
	require.NotContains(t, string(data), "sealed")
	require.Equal(t, "1", d.Meta.SealedFor, "the draft is the caller's")
}

func TestSourceAndSourceIDAreKeptApart(t *testing.T) {
	t.Parallel()
	plain := func(purpose, value string) string { return value + "-------------------------------------" }
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.StringN(0, 3, 8)
		a, b := text.Draw(rt, "a"), text.Draw(rt, "b")
		c, d := text.Draw(rt, "c"), text.Draw(rt, "d")
		same := wire.ActivityHash(plain, a, b) == wire.ActivityHash(plain, c, d)
		require.Equal(rt, a == c && b == d, same)
	})
}

func TestRulesOfActivities(t *testing.T) {
	t.Parallel()
	d := events.Draft{Meta: events.Meta{ID: "e", Source: "s"}, Payload: &events.ActivityRecorded{SourceID: "1", User: "u"}}
	_, err := wire.ActivityOf(&d)
	require.NoError(t, err)
	require.Equal(t, "u", d.Meta.SealedFor)
	for _, bad := range []events.Draft{
		{Meta: d.Meta, Payload: &events.UserSuspended{}},
		{Meta: d.Meta, Payload: &events.ActivityRecorded{User: "u"}},
		{Meta: d.Meta, Payload: &events.ActivityRecorded{SourceID: "1"}},
		{Payload: d.Payload},
	} {
		_, err := wire.ActivityOf(&bad)
		require.ErrorIs(t, err, wire.ErrBadCommit)
	}
}

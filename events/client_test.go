package events_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/events"
)

func TestClientLiesSealedInTheEnvelope(t *testing.T) {
	t.Parallel()
	theirs, others := dataKey(t), dataKey(t)
	p := &events.UserSuspended{}
	m := meta(p)
	m.Actor, m.Client = "0190c3a8-0000-7000-8000-00000000000b", "192.0.2.77"
	require.Equal(t, m.Actor, m.ClientOwner())
	require.NoError(t, m.SealClient(theirs))
	h, data, err := events.Encode(&m, p, nil)
	require.NoError(t, err)
	whole, err := json.Marshal(h)
	require.NoError(t, err)
	require.NotContains(t, string(whole)+string(data), "192.0.2.77")
	require.NotContains(t, h, events.HeaderClientOf, "it is the actor")

	got, err := events.DecodeMeta(h)
	require.NoError(t, err)
	require.Empty(t, got.Client)
	require.Equal(t, m.Actor, got.ClientOwner())
	require.ErrorIs(t, got.OpenClient(others), events.ErrMalformed)
	moved := got
	moved.ID = "0190c3a8-0000-7000-8000-0000000000ff"
	require.ErrorIs(t, moved.OpenClient(theirs), events.ErrMalformed, "it is bound to its event")
	require.NoError(t, got.OpenClient(theirs))
	require.Equal(t, "192.0.2.77", got.Client)

	m.ClientOf = m.Aggregate.ID
	h, _, err = events.Encode(&m, p, nil)
	require.NoError(t, err)
	got, err = events.DecodeMeta(h)
	require.NoError(t, err)
	require.Equal(t, m.Aggregate.ID, got.ClientOwner())
}

func TestEventsWithoutAClientAreAsBefore(t *testing.T) {
	t.Parallel()
	p := &events.UserSuspended{}
	m := meta(p)
	h, _, err := events.Encode(&m, p, nil)
	require.NoError(t, err)
	require.NotContains(t, h, events.HeaderClient)
	got, err := events.DecodeMeta(h)
	require.NoError(t, err)
	require.Empty(t, got.ClientOwner())
	require.NoError(t, got.OpenClient(nil))
	require.Empty(t, got.Client)
}

func FuzzOpenClient(f *testing.F) {
	key, err := events.NewDataKey(make([]byte, events.KeySize))
	require.NoError(f, err)
	p := &events.UserSuspended{}
	m := events.Meta{ID: "e", Type: p.EventType(), Client: "::1"}
	require.NoError(f, m.SealClient(key))
	f.Add(m.SealedClient)
	f.Add("=")
	f.Fuzz(func(t *testing.T, sealed string) {
		got := events.Meta{ID: "e", Type: p.EventType(), SealedClient: sealed}
		if got.OpenClient(key) == nil {
			require.Contains(t, []string{"::1", ""}, got.Client)
		}
	})
}

package runtime

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/events"
)

// oneKey is a keyring that counts how often it is asked.
type oneKey struct {
	key   *events.DataKey
	err   error
	asked int
}

func (k *oneKey) DataKey(context.Context, string) (*events.DataKey, error) {
	k.asked++
	return k.key, k.err
}

func (k *oneKey) PrefetchKeys(context.Context, []string) error { return nil }

// TestAnEventIsDecodedOnceForAllHandlers, and opened once; who wants the public
// part alone never sees the private one, whoever came first.
func TestAnEventIsDecodedOnceForAllHandlers(t *testing.T) {
	t.Parallel()
	key, err := events.NewDataKey(events.NewRawKey())
	require.NoError(t, err)
	meta := events.Meta{
		ID: "e1", Type: (&events.UserRegistered{}).EventType(), Source: "/roster", Time: time.Unix(1, 0).UTC(),
		Aggregate: events.Aggregate{Kind: events.User, ID: "u1"}, SealedFor: "u1",
	}
	headers, data, err := events.Encode(&meta, &events.UserRegistered{
		Sealed: events.Seal(events.UserRegisteredPrivate{Username: "ada"}), Number: 7, Roles: []events.Role{events.RoleOwner},
	}, key)
	require.NoError(t, err)
	handle := func(context.Context, Queue, Event, *events.UserRegistered) error { return nil }
	private, public := On(handle), OnPublic(handle)

	for name, order := range map[string][]Handler{
		"public first":  {public, private, public, private},
		"private first": {private, public, private, public},
	} {
		keys := &oneKey{key: key}
		m := &marshaler{catalogue: events.Released(), keys: keys}
		msg := arrive(events.Released(), "roster.user.u1", headers, data, 1)
		msg.readMeta()
		seen := map[bool]events.Payload{}
		for _, h := range order {
			p, err := m.payload(context.Background(), msg, h)
			require.NoError(t, err, name)
			if before, again := seen[h.public]; again {
				require.Same(t, before, p, name)
			}
			seen[h.public] = p
			e, ok := p.(*events.UserRegistered)
			require.True(t, ok, name)
			require.EqualValues(t, 7, e.Number, name)
			require.Equal(t, []events.Role{events.RoleOwner}, e.Roles, name)
			require.Equal(t, h.public, e.Private.Username == "", name)
		}
		require.Equal(t, 1, keys.asked, name)
	}

	// Of an erased person the private part stays empty, and a failure is tried again.
	keys := &oneKey{err: events.ErrUnavailable}
	m := &marshaler{catalogue: events.Released(), keys: keys}
	msg := arrive(events.Released(), "roster.user.u1", headers, data, 1)
	msg.readMeta()
	_, err = m.payload(context.Background(), msg, private)
	require.ErrorIs(t, err, events.ErrUnavailable)
	keys.err = events.ErrErased
	p, err := m.payload(context.Background(), msg, private)
	require.NoError(t, err)
	require.Empty(t, p.(*events.UserRegistered).Private.Username)
}

package events_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/events"
)

// A row tells the whole event: every header and every byte of the body.
func TestARowTellsTheWholeEvent(t *testing.T) {
	t.Parallel()
	key, err := events.NewDataKey(events.NewRawKey())
	require.NoError(t, err)
	user := events.Aggregate{Kind: events.User, ID: "018f4e1c-0000-7000-8000-000000000001"}
	at := time.Date(2026, 5, 3, 10, 0, 0, 123456000, time.UTC)
	for name, m := range map[string]events.Meta{
		"bare":       {Time: at},
		"of oneself": {Time: at, Actor: user.ID, Dialect: "v1", SealedClient: "c2VhbGVk"},
		"of another": {Time: at, Actor: "system", Source: "elsewhere", Reason: "tidying \"up\" ☂", ClientOf: "x", SealedClient: "c2VhbGVk"},
		"nanosecond": {Time: at.Add(1), CommandID: "c", RequestHash: "h", CorrelationID: "r", CausationID: "e"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &events.UserEmailChanged{Sealed: events.Seal(events.UserEmailChangedPrivate{Email: "ada@example.org"})}
			m.ID, m.Type, m.Aggregate, m.SealedFor = "id", p.EventType(), user, user.ID
			headers, data, err := events.Encode(&m, p, key)
			require.NoError(t, err)
			headers["Nats-Expected-Last-Subject-Sequence"] = []string{"7"}
			meta, err := events.DecodeMeta(headers)
			require.NoError(t, err)
			row := events.RowOf(&events.Stored{Meta: meta, Stream: events.Roster, Sequence: 42, Headers: headers, Data: data})
			require.Equal(t, m.Actor == user.ID, row.Actor == nil)
			back, err := row.Stored()
			require.NoError(t, err)
			delete(headers, "Nats-Expected-Last-Subject-Sequence")
			require.Equal(t, events.Stored{Meta: meta, Stream: events.Roster, Sequence: 42, Headers: headers, Data: data}, back)
		})
	}
}

func BenchmarkRowOf(b *testing.B) {
	user := events.Aggregate{Kind: events.User, ID: "018f4e1c-0000-7000-8000-000000000001"}
	m := events.Meta{
		ID: "id", Type: (*events.UserSuspended)(nil).EventType(), Aggregate: user, Time: time.Unix(1e9, 0), Actor: user.ID,
		Dialect: "v1", CommandID: "c", CorrelationID: "r", SealedClient: "c2VhbGVk", Source: "/roster",
	}
	headers, data, err := events.Encode(&m, &events.UserSuspended{}, nil)
	require.NoError(b, err)
	e := &events.Stored{Meta: m, Stream: events.Roster, Sequence: 42, Headers: headers, Data: data}
	for b.Loop() {
		events.RowOf(e)
	}
}

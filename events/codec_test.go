package events_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rosterhq/roster/events"
)

func dataKey(t testing.TB) *events.DataKey {
	t.Helper()
	key, err := events.NewDataKey(events.NewRawKey())
	require.NoError(t, err)
	return key
}

func meta(p events.Payload) events.Meta {
	return events.Meta{
		ID: "0190c3a8-0000-7000-8000-000000000001", Type: p.EventType(), Source: "/roster",
		Time:      time.Date(2026, 5, 3, 10, 0, 0, 123456000, time.UTC),
		Aggregate: events.Aggregate{Kind: events.User, ID: "0190c3a8-0000-7000-8000-00000000000a"},
		Actor:     "system", CommandID: "c1", RequestHash: "h1", CorrelationID: "r1", CausationID: "e0",
		Dialect: "coder", Reason: "test", SealedFor: "0190c3a8-0000-7000-8000-00000000000a",
	}
}

func registered() *events.UserRegistered {
	return &events.UserRegistered{
		Sealed: events.Seal(events.UserRegisteredPrivate{Username: "alice", Email: "alice@example.com", PasswordHash: "$argon2id$x"}),
		Number: 7, LoginType: events.LoginPassword, Status: events.StatusActive, Confirmed: true,
	}
}

func TestRoundTripKeepsEnvelopeAndBody(t *testing.T) {
	t.Parallel()
	key, p := dataKey(t), registered()
	m := meta(p)
	h, data, err := events.Encode(&m, p, key)
	require.NoError(t, err)

	gotMeta, err := events.DecodeMeta(h)
	require.NoError(t, err)
	require.Equal(t, m, gotMeta)

	got, err := events.Released().Decode(&gotMeta, data, key)
	require.NoError(t, err)
	require.Equal(t, p, got)
	require.Nil(t, p.Box, "encoding leaves the payload as it was")
}

func TestNothingPrivateLiesInClear(t *testing.T) {
	t.Parallel()
	key, p := dataKey(t), registered()
	m := meta(p)
	h, data, err := events.Encode(&m, p, key)
	require.NoError(t, err)
	whole, err := json.Marshal(h)
	require.NoError(t, err)
	for _, secret := range []string{"alice", "example.com", "argon2id"} {
		require.NotContains(t, string(data), secret)
		require.NotContains(t, string(whole), secret)
	}
	require.Contains(t, string(data), `"number":7`, "what is not personal can be read by people")
}

func TestErasedKeyLeavesPrivatePartEmpty(t *testing.T) {
	t.Parallel()
	p := registered()
	m := meta(p)
	_, data, err := events.Encode(&m, p, dataKey(t))
	require.NoError(t, err)
	got, err := events.Released().Decode(&m, data, nil)
	require.NoError(t, err)
	u := got.(*events.UserRegistered)
	require.Equal(t, events.UserRegisteredPrivate{}, u.Private)
	require.EqualValues(t, 7, u.Number)
}

func TestSealedPartIsBoundToItsEvent(t *testing.T) {
	t.Parallel()
	key, p := dataKey(t), registered()
	m := meta(p)
	_, data, err := events.Encode(&m, p, key)
	require.NoError(t, err)
	other := m
	other.ID = "0190c3a8-0000-7000-8000-000000000002"
	_, err = events.Released().Decode(&other, data, key)
	require.ErrorIs(t, err, events.ErrMalformed)
	_, err = events.Released().Decode(&m, data, dataKey(t))
	require.ErrorIs(t, err, events.ErrMalformed, "another person's key opens nothing")
}

func TestEncodeRefuses(t *testing.T) {
	t.Parallel()
	p := registered()
	m := meta(p)
	_, _, err := events.Encode(&m, p, nil)
	require.ErrorIs(t, err, events.ErrNeedsKey)
	m.SealedFor = ""
	_, _, err = events.Encode(&m, p, dataKey(t))
	require.ErrorIs(t, err, events.ErrNeedsKey)
	m.Type = "roster.user.suspended.v1"
	_, _, err = events.Encode(&m, p, dataKey(t))
	require.Error(t, err, "envelope and body disagree")
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	p := &events.UserSuspended{}
	m := meta(p)
	h, data, err := events.Encode(&m, p, nil)
	require.NoError(t, err)
	for name, change := range map[string]func(events.Headers){
		"no id":      func(h events.Headers) { delete(h, events.HeaderID) },
		"no type":    func(h events.Headers) { delete(h, events.HeaderType) },
		"no time":    func(h events.Headers) { delete(h, events.HeaderTime) },
		"no subject": func(h events.Headers) { h[events.HeaderSubject] = []string{"user"} },
	} {
		broken := events.Headers{}
		for k, v := range h {
			broken[k] = v
		}
		change(broken)
		_, err := events.DecodeMeta(broken)
		require.ErrorIs(t, err, events.ErrMalformed, name)
	}
	_, err = events.Released().Decode(&m, data[:len(data)-1], nil)
	require.ErrorIs(t, err, events.ErrMalformed)
	m.Type = "roster.user.promoted-to-wizard.v1"
	_, err = events.Released().Decode(&m, data, nil)
	require.ErrorIs(t, err, events.ErrUnknownType)
}

func TestAnyProfileSurvivesTheLog(t *testing.T) {
	t.Parallel()
	key := dataKey(t)
	text := rapid.Ptr(rapid.String(), true)
	rapid.Check(t, func(t *rapid.T) {
		p := &events.UserProfileUpdated{Sealed: events.Seal(events.UserProfileUpdatedPrivate{
			Name: text.Draw(t, "name"), FirstName: text.Draw(t, "first"), Avatar: text.Draw(t, "avatar"),
		})}
		m := meta(p)
		_, data, err := events.Encode(&m, p, key)
		require.NoError(t, err)
		var got events.UserProfileUpdated
		require.NoError(t, events.Released().DecodeInto(&m, data, key, &got))
		require.Equal(t, p, &got)
	})
}

// Two made-up versions show how an old one reaches readers of the new one.
type renamedV1 struct {
	Full string `json:"full"`
}

func (*renamedV1) EventType() events.Type { return "test.renamed.v1" }

type renamedV2 struct {
	First string `json:"first"`
	Last  string `json:"last"`
}

func (*renamedV2) EventType() events.Type { return "test.renamed.v2" }

func TestOldVersionsAreUpcastOnRead(t *testing.T) {
	t.Parallel()
	c := events.NewCatalogue()
	events.Register[renamedV2](c, events.Roster, "new")
	events.RegisterOld(c, "test.renamed.v2", "old", func(old *renamedV1) events.Payload {
		first, last, _ := strings.Cut(old.Full, " ")
		return &renamedV2{First: first, Last: last}
	})
	m := meta(&renamedV1{})
	_, data, err := events.Encode(&m, &renamedV1{Full: "Ada Lovelace"}, nil)
	require.NoError(t, err)

	p, err := c.Decode(&m, data, nil)
	require.NoError(t, err)
	require.Equal(t, &renamedV2{First: "Ada", Last: "Lovelace"}, p)

	var into renamedV2
	require.NoError(t, c.DecodeInto(&m, data, nil, &into))
	require.Equal(t, renamedV2{First: "Ada", Last: "Lovelace"}, into)

	current, ok := c.Current("test.renamed.v1")
	require.True(t, ok)
	require.Equal(t, events.Type("test.renamed.v2"), current)
	require.Panics(t, func() { events.Register[renamedV2](c, events.Roster, "twice") })
}

func FuzzDecode(f *testing.F) {
	key, p := dataKey(f), registered()
	m := meta(p)
	_, data, err := events.Encode(&m, p, key)
	require.NoError(f, err)
	f.Add(string(m.Type), data)
	f.Add("roster.activity.recorded.v1", []byte(`{"user":"u","type":"ticket","sealed":"AAAA"}`))
	f.Fuzz(func(t *testing.T, typ string, data []byte) {
		m := meta(p)
		m.Type = events.Type(typ)
		got, err := events.Released().Decode(&m, data, key)
		if err == nil {
			_, again, err := events.Encode(&m, got, key)
			require.NoError(t, err)
			require.True(t, json.Valid(again))
		}
	})
}

func FuzzParsePositions(f *testing.F) {
	for _, s := range []string{"", "r1", "a77", "r1,a2", "r1,r2", "x9", "r-1", "r99999999999999999999"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		list, err := events.ParsePositions(s)
		if err != nil {
			return
		}
		for _, p := range list {
			again, err := events.ParsePosition(p.String())
			require.NoError(t, err)
			require.Equal(t, p, again)
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	key, p := dataKey(b), registered()
	m := meta(p)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := events.Encode(&m, p, key); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	key, p := dataKey(b), registered()
	m := meta(p)
	h, data, err := events.Encode(&m, p, key)
	require.NoError(b, err)
	c := events.Released()
	b.ReportAllocs()
	for b.Loop() {
		m, err := events.DecodeMeta(h)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := c.Decode(&m, bytes.Clone(data), key); err != nil {
			b.Fatal(err)
		}
	}
}

package eventlog

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/internal/testenv"
)

// lossy loses answers on their way back, or requests on their way there.
type lossy struct {
	publisher
	loseAck, loseRequest atomic.Int32 // how many more
}

func (p *lossy) plain(ctx context.Context, msgs []*nats.Msg, acks []ack) {
	if p.loseRequest.Load() > 0 {
		p.loseRequest.Add(-1)
		for i := range acks {
			acks[i] = ack{err: nats.ErrTimeout}
		}
		return
	}
	p.publisher.plain(ctx, msgs, acks)
	if p.loseAck.Load() > 0 {
		p.loseAck.Add(-1)
		for i := range acks {
			acks[i] = ack{err: nats.ErrTimeout}
		}
	}
}

func (p *lossy) batch(ctx context.Context, msgs []*nats.Msg) (uint64, error) {
	if p.loseRequest.Load() > 0 {
		p.loseRequest.Add(-1)
		return 0, nats.ErrTimeout
	}
	last, err := p.publisher.batch(ctx, msgs)
	if p.loseAck.Load() > 0 {
		p.loseAck.Add(-1)
		return 0, nats.ErrTimeout
	}
	return last, err
}

func openLog(t *testing.T, nc *nats.Conn) *Log {
	t.Helper()
	l, err := Open(t.Context(), nc, Options{MasterKey: testenv.MasterKey()})
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		require.NoError(t, l.Close(ctx))
	})
	return l
}

// lossyLog puts the fault in before the first append: a committer reads its
// publisher only after an append was queued.
func lossyLog(t *testing.T) (l *Log, roster, activity, keys *lossy) {
	t.Helper()
	l = openLog(t, testenv.NATS(t))
	roster, activity, keys = &lossy{publisher: l.roster.pub}, &lossy{publisher: l.activity.pub}, &lossy{publisher: l.keyMaker.pub}
	l.roster.pub, l.activity.pub, l.keyMaker.pub = roster, activity, keys
	return l, roster, activity, keys
}

func event(of events.Aggregate, p events.Payload) events.Draft {
	return events.Draft{Payload: p, Meta: events.Meta{
		ID: uuid.NewString(), Type: p.EventType(), Source: "/roster", Time: time.Unix(1e9, 0).UTC(), Aggregate: of,
		CommandID: uuid.NewString(), SealedFor: of.ID,
	}}
}

func registration(claims ...events.Claim) events.Commit {
	user := events.Aggregate{Kind: events.User, ID: uuid.NewString()}
	c := events.Commit{Aggregate: user, Events: []events.Draft{event(user, &events.UserRegistered{
		Status: events.StatusActive, Sealed: events.Seal(events.UserRegisteredPrivate{Username: "ada-lovelace", Email: "ada@example.org"}),
	})}}
	for _, claim := range claims {
		c.Claims = append(c.Claims, events.ClaimChange{Claim: claim, Holder: user.ID})
	}
	return c
}

func TestALostAnswerIsFoundInTheLog(t *testing.T) {
	t.Parallel()
	for name, claims := range map[string][]events.Claim{
		"plain": nil,
		"batch": {{Kind: "username", Value: "ada"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, roster, _, keys := lossyLog(t)
			roster.loseAck.Store(1)
			keys.loseAck.Store(1)
			c := registration(claims...)
			first, err := l.Append(t.Context(), c)
			require.NoError(t, err)
			require.EqualValues(t, 1+len(claims), first)

			roster.loseRequest.Store(1)
			more := events.Commit{Aggregate: c.Aggregate, Expected: first, Events: []events.Draft{
				event(c.Aggregate, &events.UserUsernameChanged{}),
			}}
			_, err = l.Append(t.Context(), more)
			require.NoError(t, err, "what did not arrive is sent again")
			got, err := l.Read(t.Context(), c.Aggregate, 0)
			require.NoError(t, err)
			require.Len(t, got, 2)
			require.Equal(t, more.Events[0].Meta.ID, got[1].ID)
		})
	}
}

func TestALostAnswerBehindOthersIsFoundToo(t *testing.T) {
	t.Parallel()
	l, _, _, _ := lossyLog(t)
	c := registration()
	first, err := l.Append(t.Context(), c)
	require.NoError(t, err)
	for range 5 {
		tip, err := l.Tip(t.Context(), c.Aggregate)
		require.NoError(t, err)
		_, err = l.Append(t.Context(), events.Commit{Aggregate: c.Aggregate, Expected: tip.Sequence, Events: []events.Draft{
			event(c.Aggregate, &events.UserUsernameChanged{}),
		}})
		require.NoError(t, err)
	}
	again, err := l.Append(t.Context(), c)
	require.NoError(t, err)
	require.Equal(t, first, again)
}

func TestALogThatNeverAnswersIsUnavailable(t *testing.T) {
	t.Parallel()
	l, roster, _, _ := lossyLog(t)
	roster.loseRequest.Store(1 << 20)
	_, err := l.Append(t.Context(), registration())
	require.ErrorIs(t, err, events.ErrUnavailable)
	_, err = l.Reserve(t.Context(), "user", 1)
	require.ErrorIs(t, err, events.ErrUnavailable)
}

func TestARecordingWithALostAnswerIsNoDuplicate(t *testing.T) {
	t.Parallel()
	l, _, activity, _ := lossyLog(t)
	c := registration()
	_, err := l.Append(t.Context(), c)
	require.NoError(t, err)
	drafts := make([]events.Draft, 40)
	for i := range drafts {
		drafts[i] = event(c.Aggregate, &events.ActivityRecorded{SourceID: uuid.NewString(), User: c.Aggregate.ID})
		drafts[i].Meta.Source = "github"
	}
	activity.loseAck.Store(1)
	got, err := l.Record(t.Context(), drafts)
	require.NoError(t, err)
	activity.loseRequest.Store(1)
	for i, r := range got {
		require.Equal(t, events.Recording{Sequence: uint64(i + 1)}, r)
	}
	again, err := l.Record(t.Context(), drafts[:1])
	require.NoError(t, err)
	require.EqualValues(t, 1, again[0].Sequence)
}

func TestReservationsSurviveLostAnswers(t *testing.T) {
	t.Parallel()
	l, roster, _, _ := lossyLog(t)
	for i := range int64(6) {
		roster.loseAck.Store(int32(i % 2))
		first, err := l.Reserve(t.Context(), "user", 10)
		require.NoError(t, err)
		require.Equal(t, 1+10*i, first)
	}
}

// A key that was stored before the connection was lost may not be in the log that is
// behind the next one: it is made again, before anything is sealed with it.
func TestAKeyOfAnEarlierConnectionIsLookedForAgain(t *testing.T) {
	t.Parallel()
	l := openLog(t, testenv.NATS(t))
	ids, err := l.NewUsers(t.Context(), 2)
	require.NoError(t, err)
	first, err := l.read.leaderLast(t.Context(), l.names.keys, l.names.userKey(ids[0]))
	require.NoError(t, err)
	require.NoError(t, l.read.secureDelete(t.Context(), l.names.keys, first.sequence))

	l.keys.era = func() uint64 { return 1 }
	for _, id := range ids {
		user := events.Aggregate{Kind: events.User, ID: id}
		c := events.Commit{Aggregate: user, Events: []events.Draft{event(user, &events.UserRegistered{
			Status: events.StatusActive, Sealed: events.Seal(events.UserRegisteredPrivate{Username: "ada"}),
		})}}
		_, err = l.Append(t.Context(), c)
		require.NoError(t, err)
		l.keys.cache.Purge()
		got, err := l.Read(t.Context(), user, 0)
		require.NoError(t, err, "what it sealed can be opened")
		require.Equal(t, "ada", got[0].Payload.(*events.UserRegistered).Private.Username)
	}
}

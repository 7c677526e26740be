package accountfeed

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/projections/runtime"
)

type recorder struct{ drafts []events.Draft }

func (r *recorder) Queue(string, ...any)  {}
func (r *recorder) Record(d events.Draft) { r.drafts = append(r.drafts, d) }

func event() runtime.Event {
	return runtime.Event{Sequence: 7, Meta: events.Meta{
		ID: "0190c0de-0000-7000-8000-000000000001", Time: time.Date(2026, 3, 4, 5, 6, 7, 8000, time.UTC),
		Aggregate: events.Aggregate{Kind: events.User, ID: "u1"}, Actor: "admin", CorrelationID: "c", Dialect: "coder",
	}}
}

func TestAChangeBecomesAnActivity(t *testing.T) {
	t.Parallel()
	r := &recorder{}
	h := on(RolesAssigned, func(e *events.UserRolesAssigned) detail {
		return detail{more: more{"added": e.Added, "removed": e.Removed}}
	})
	e := &events.UserRolesAssigned{Added: []events.Role{events.RoleOwner}}
	m := event()
	m.Type = e.EventType()
	for range 2 {
		require.NoError(t, h.Do(context.Background(), r, m, e))
	}
	require.Len(t, r.drafts, 2)
	require.Equal(t, r.drafts[0], r.drafts[1], "the same event makes the same activity")
	d := r.drafts[0]
	p, ok := d.Payload.(*events.ActivityRecorded)
	require.True(t, ok)
	require.Equal(t, "roster", d.Meta.Source)
	require.Equal(t, m.ID, p.SourceID)
	require.Equal(t, m.ID, d.Meta.CausationID)
	require.Equal(t, "u1", p.User)
	require.Equal(t, "u1", p.EntityID)
	require.Equal(t, "u1", d.Meta.SealedFor)
	require.Equal(t, "admin", d.Meta.Actor)
	require.Equal(t, events.AccountActivity, p.Type)
	require.Equal(t, "roles_assigned", p.Action)
	require.Equal(t, m.Time, p.OccurredAt)
	require.JSONEq(t, `{"added":["owner"]}`, string(p.Private.Metadata))
	id, err := uuid.Parse(d.Meta.ID)
	require.NoError(t, err)
	require.EqualValues(t, 7, id.Version())
}

// TestEveryAccountEventIsTold fails when a new type of event is forgotten.
func TestEveryAccountEventIsTold(t *testing.T) {
	t.Parallel()
	untold := map[events.Type]bool{ // they say nothing to the person concerned
		(&events.UserPasswordRehashed{}).EventType():  true,
		(&events.UserSessionClosed{}).EventType():     true,
		(&events.UserSessionRefreshed{}).EventType():  true,
		(&events.UserBecameDormant{}).EventType():     true,
		(&events.UserProviderAnswered{}).EventType():  true,
		(&events.UserPasscodeRequested{}).EventType(): true,
		(&events.UserParameterRecorded{}).EventType(): true,
		(&events.UserCredentialsSwept{}).EventType():  true,
	}
	told := map[events.Type]bool{}
	for _, h := range Projection().Handlers {
		told[h.Type()] = true
	}
	c := events.Released()
	for _, typ := range c.Types() {
		if current, _ := c.Current(typ); current == typ && c.Stream(typ) == events.Roster {
			ofUsers := strings.HasPrefix(string(typ), "roster.user.") // what others do is in no user's account
			require.Equal(t, ofUsers && !untold[typ], told[typ], "%s", typ)
		}
	}
}

func TestWhoMovesInIsToldOfOnce(t *testing.T) {
	t.Parallel()
	r, handlers := &recorder{}, map[events.Type]runtime.Handler{}
	for _, h := range Projection().Handlers {
		handlers[h.Type()] = h
	}
	made := time.Date(2019, 5, 3, 10, 0, 0, 0, time.UTC)
	for _, p := range []events.Payload{
		&events.UserRegistered{CreatedAt: made}, &events.UserPreferencesUpdated{}, &events.UserKeyCreated{}, &events.UserReadableKeySet{},
	} {
		m := event()
		m.Type, m.Source = p.EventType(), events.SourceImport
		require.NoError(t, handlers[m.Type].Do(context.Background(), r, m, p))
	}
	require.Len(t, r.drafts, 1)
	told, ok := r.drafts[0].Payload.(*events.ActivityRecorded)
	require.True(t, ok)
	require.Equal(t, Registered, told.Action)
	require.Equal(t, made, told.OccurredAt)
}

package query

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/events"
)

// end appends the end of an organization.
func (l *fakeLog) end(organization string) (sequence uint64) {
	l.change(func() {
		sequence = uint64(len(l.stored[events.Roster]) + 1)
		l.stored[events.Roster] = append(l.stored[events.Roster], events.Stored{
			Stream: events.Roster, Sequence: sequence,
			Meta: events.Meta{
				Type:      (*events.OrganizationDeleted)(nil).EventType(),
				Aggregate: events.Aggregate{Kind: events.Organization, ID: organization},
			},
		})
	})
	return sequence
}

// belonging is known with the user's place in an organization, in both models.
func belonging(t *testing.T) *store {
	t.Helper()
	s := known(t)
	s.exec(`insert into organization_states values ($1, true, 1)`, organizationID(1))
	s.exec(`update accounts set memberships = jsonb_build_array(jsonb_build_object('organization', $1::text, 'roles', array['organization-admin']))`, organizationID(1))
	return s
}

func places(t *testing.T, q *Queries) (ofUser, ofAccount int) {
	t.Helper()
	u, err := q.User(context.Background(), UserRef{ID: userID(1)})
	require.NoError(t, err)
	c, err := q.Credential(context.Background(), "k1")
	require.NoError(t, err)
	return len(u.Organizations), len(c.Account.Memberships)
}

// Whoever learns of an organization's end gives nobody rights in it any more,
// whether they were in memory or not.
func TestAnOrganizationsEndTakesItsRights(t *testing.T) {
	t.Parallel()
	for _, byTail := range []bool{true, false} {
		s := belonging(t)
		l := newFakeLog()
		l.append(events.Roster, userID(1), userSuspended)
		q := s.follow(l, 0)
		for range 2 { // from PostgreSQL, then from memory
			ofUser, ofAccount := places(t, q)
			require.Equal(t, 1, ofUser)
			require.Equal(t, 1, ofAccount)
		}
		if !byTail {
			l.hold(events.Roster, 1)
		}
		at := l.end(organizationID(1))
		if byTail {
			delivered(t, q, events.Roster, at)
		} else {
			q.NoteAny(events.Position{Stream: events.Roster, Sequence: at})
		}
		read := credentialOf(q, "k1")
		waiting(t, q.credentials, 1)
		s.commit("users", int(at), "update organizations set deleted = true")
		s.commit("credentials", int(at), "update organization_states set live = false")
		require.NoError(t, <-read)
		for range 2 {
			ofUser, ofAccount := places(t, q)
			require.Zero(t, ofUser)
			require.Zero(t, ofAccount)
		}
		_, err := q.Organization(context.Background(), OrganizationRef{ID: organizationID(1)})
		require.ErrorIs(t, err, ErrNotFound)
	}
}

func TestWithoutTheEndOfAnOrganizationNobodyIsLetIn(t *testing.T) {
	t.Parallel()
	s := belonging(t)
	q := s.open(nil)
	q.NoteAny(events.Position{Stream: events.Roster, Sequence: 9})
	require.ErrorIs(t, <-credentialOf(q, "k1"), ErrUnavailable)
}

func TestOrganizations(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	for i, name := range []string{"coder", "Beta", "gone"} {
		s.exec(`insert into organizations values ($1, $2, $3, 'D', 'about', '/icon', $4, $5, $6, $6, 1)`,
			organizationID(i+1), i+1, name, i == 0, name == "gone", day(1))
	}
	q, ctx := s.open(nil), context.Background()
	want := Organization{
		ID: organizationID(1), Number: 1, Name: "coder", DisplayName: "D", Description: "about", Icon: "/icon", Default: true,
		CreatedAt: day(1), UpdatedAt: day(1),
	}
	for _, ref := range []OrganizationRef{{ID: organizationID(1)}, {Name: "CODER"}, {Number: 1}, {Default: true}} {
		o, err := q.Organization(ctx, ref)
		require.NoError(t, err)
		require.Equal(t, want, o)
	}
	for _, ref := range []OrganizationRef{{}, {ID: organizationID(3)}, {ID: "coder"}, {Name: "gone"}, {Name: "\x00"}, {Number: 3}} {
		_, err := q.Organization(ctx, ref)
		require.ErrorIs(t, err, ErrNotFound, "%+v", ref)
	}
	all, err := q.Organizations(ctx)
	require.NoError(t, err)
	require.Len(t, all, 2)
	require.Equal(t, "Beta", all[0].Name)

	some, err := q.OrganizationsOf(ctx, []string{organizationID(2), "coder", organizationID(3), organizationID(1), organizationID(9)})
	require.NoError(t, err)
	require.Equal(t, []string{"coder", "Beta"}, []string{some[0].Name, some[1].Name}, "by number")
	some, err = q.OrganizationsOf(ctx, []string{"coder"})
	require.NoError(t, err)
	require.Empty(t, some)
}

func TestPossessions(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	s.exec(`insert into ssh_keys values ($1, 'ssh-ed25519 AAAA', $2, $3, 1)`, userID(1), day(1), day(2))
	s.exec(`insert into parameters values ($1, 't1', 'b', '2', 1), ($1, 't1', 'a', '1', 1), ($1, 't2', 'c', '3', 1)`, userID(1))
	s.exec(`insert into provider_claims values ($1, 'oidc', '{"sub": 1.0}', 1), ($1, 'github', '{}', 1)`, userID(1))
	s.exec(`insert into skills values ($1, $2, 'b', 'd', 'text', $3, $3, 1), ($2, $2, 'a', '', 'x', $3, $3, 1)`, userID(10), userID(1), day(1))
	q, ctx := s.open(nil), context.Background()

	key, err := q.SSHKey(ctx, userID(1))
	require.NoError(t, err)
	require.Equal(t, SSHKey{PublicKey: "ssh-ed25519 AAAA", CreatedAt: day(1), UpdatedAt: day(2)}, key)
	parameters, err := q.Parameters(ctx, userID(1), "t1")
	require.NoError(t, err)
	require.Equal(t, []Parameter{{"a", "1"}, {"b", "2"}}, parameters)
	claims, err := q.ProviderClaims(ctx, userID(1))
	require.NoError(t, err)
	require.Equal(t, `{"sub": 1.0}`, string(claims))
	skills, err := q.Skills(ctx, userID(1))
	require.NoError(t, err)
	require.Len(t, skills, 2)
	require.Equal(t, Skill{ID: userID(10), Owner: userID(1), Name: "b", Description: "d", CreatedAt: day(1), UpdatedAt: day(1)}, skills[1])
	skill, err := q.Skill(ctx, userID(1), "b")
	require.NoError(t, err)
	require.Equal(t, "text", skill.Content)

	for _, user := range []string{userID(2), "x", ""} {
		_, err = q.SSHKey(ctx, user)
		require.ErrorIs(t, err, ErrNotFound)
		_, err = q.ProviderClaims(ctx, user)
		require.ErrorIs(t, err, ErrNotFound)
		_, err = q.Skill(ctx, user, "b")
		require.ErrorIs(t, err, ErrNotFound)
		parameters, err = q.Parameters(ctx, user, "t1")
		require.NoError(t, err)
		require.Empty(t, parameters)
	}
	_, err = q.Skill(ctx, userID(1), "B")
	require.ErrorIs(t, err, ErrNotFound, "names of skills have a case")
	s.exec(`insert into departed_owners values ($1)`, userID(1))
	skills, err = q.Skills(ctx, userID(1))
	require.NoError(t, err)
	require.Empty(t, skills, "they went with their owner")
	_, err = q.Skill(ctx, userID(1), "b")
	require.ErrorIs(t, err, ErrNotFound)
}

// token makes an API key with an end and, where used is not zero, a last use that
// prolonged it.
func (s *store) token(id, name string, updated, expires, used, until time.Time) {
	s.t.Helper()
	s.exec(`insert into keys (id, user_id, login_type, name, scopes, allow_list, lifetime, secret_hash, epoch, ip, created_at, updated_at, expires_at)
		values ($1, $2, 'token', $3, '{all}', '[{"type":"user","id":"*"}]', 7200, '', 0, '192.0.2.1', $4, $5, $6)`,
		id, userID(1), name, day(1).Add(time.Duration(len(id))*time.Minute), updated, expires)
	if !used.IsZero() {
		s.exec(`insert into key_usage values ($1, $2, $3, $4)`, id, userID(1), used, until)
	}
}

func TestKeysShowTheirUses(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	s.user(1, "Ada", "", "active")
	var never time.Time
	s.token("a", "plain", day(1), day(5), never, never)
	s.token("bb", "slid", day(1), day(5), day(4), day(9))
	s.token("ccc", "shorter", day(1), day(5), day(4), day(3))
	s.token("dddd", "new secret", day(4), day(5), day(3), day(9))
	s.token("eeeee", "ended", day(4), day(4), day(4), day(9))
	s.exec(`insert into keys (id, user_id, login_type, scopes, lifetime, secret_hash, epoch, created_at, updated_at, expires_at)
		values ('session', $1, 'password', '{all}', 1, '', 0, now(), now(), now())`, userID(1))
	q, ctx := s.open(nil), context.Background()
	for id, want := range map[string]struct{ expires, used time.Time }{
		"a": {day(5), never}, "bb": {day(9), day(4)}, "ccc": {day(5), day(4)}, "dddd": {day(5), day(3)}, "eeeee": {day(4), day(4)},
	} {
		k, err := q.Key(ctx, id)
		require.NoError(t, err)
		require.Equal(t, want.expires, k.ExpiresAt, id)
		require.Equal(t, want.used, k.LastUsedAt, id)
		require.Equal(t, 2*time.Hour, k.Lifetime)
		require.Equal(t, "192.0.2.1", k.IP)
		require.Equal(t, []events.Resource{{Type: "user", ID: "*"}}, k.AllowList)
		named, err := q.KeyByName(ctx, userID(1), k.Name)
		require.NoError(t, err)
		require.Equal(t, k, named)
	}
	ids := func(f TokenFilter) (out string) {
		found, err := q.Tokens(ctx, f)
		require.NoError(t, err)
		for _, k := range found {
			require.Equal(t, "Ada", k.Username)
			out += k.ID + " "
		}
		return out
	}
	require.Equal(t, "a bb ccc dddd eeeee ", ids(TokenFilter{IncludeExpired: true}))
	require.Equal(t, "bb ", ids(TokenFilter{UserIDs: []string{userID(1), "x"}, Now: day(8)}))
	require.Empty(t, ids(TokenFilter{UserIDs: []string{}, IncludeExpired: true}))
	require.Empty(t, ids(TokenFilter{UserIDs: []string{userID(2)}, IncludeExpired: true}))

	q.NoteUse(events.Usage{KeyID: "a", UserID: userID(1), LastUsed: day(5), ExpiresAt: day(12)})
	q.NoteUse(events.Usage{KeyID: "a", UserID: userID(1), LastUsed: day(2), ExpiresAt: day(6)}) // late
	k, err := q.Key(ctx, "a")
	require.NoError(t, err)
	require.Equal(t, day(5), k.LastUsedAt)
	require.Equal(t, day(12), k.ExpiresAt)
	for _, name := range []string{"", "PLAIN", "none", "\x00"} {
		_, err = q.KeyByName(ctx, userID(1), name)
		require.ErrorIs(t, err, ErrNotFound)
	}
	_, err = q.Key(ctx, "\xff")
	require.ErrorIs(t, err, ErrNotFound)
}

func TestLastUsesAreShownAtOnce(t *testing.T) {
	t.Parallel()
	s := known(t)
	l := newFakeLog()
	l.append(events.Roster, userID(1), userSuspended)
	q := s.follow(l, 0)
	seen := func() time.Time {
		u, err := q.User(context.Background(), UserRef{ID: userID(1)})
		require.NoError(t, err)
		return u.LastSeenAt
	}
	require.Zero(t, seen())
	q.NoteUse(events.Usage{KeyID: "k1", UserID: userID(1), LastUsed: day(4), ExpiresAt: day(5)})
	require.Equal(t, day(4), seen(), "in memory")
	q.uses.users.InvalidateAll()
	require.Equal(t, day(4), seen(), "memory knows by itself")
	s.exec(`insert into user_usage values ($1, $2)`, userID(1), day(3))
	found, _, err := q.SearchUsers(context.Background(), UserSearch{})
	require.NoError(t, err)
	require.Equal(t, day(3), found[0].LastSeenAt)
	q.NoteUse(events.Usage{KeyID: "k2", UserID: userID(1), LastUsed: day(2), ExpiresAt: day(5)})
	require.Equal(t, day(4), seen(), "an older use moves nothing back")
}

func TestDormantCandidates(t *testing.T) {
	t.Parallel()
	s := people(t)
	s.exec("update users set status = 'active' where username in ('Ada', 'bob', 'dora', 'Emil', 'fred')")
	s.exec("update users set active_since = $2 where id = $1", userID(6), day(25)) // fred
	s.exec("update users set active_since = $2 where id = $1", userID(5), day(3))
	q, ctx := s.open(nil), context.Background()
	found, err := q.DormantCandidates(ctx, day(15), 10)
	require.NoError(t, err)
	require.Equal(t, []Candidate{{userID(1), day(10)}, {userID(5), day(3)}}, found, "bob was seen, Carl is suspended, nobody signs in as dora, fred is new")
	found, err = q.DormantCandidates(ctx, day(15), 1)
	require.NoError(t, err)
	require.Len(t, found, 1)
	q.NoteUse(events.Usage{KeyID: "k", UserID: userID(1), LastUsed: day(16), ExpiresAt: day(20)})
	found, err = q.DormantCandidates(ctx, day(15), 10)
	require.NoError(t, err)
	require.Len(t, found, 1)
}

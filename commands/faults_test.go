package commands_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
)

// faulty is a log at whose calls something can happen.
type faulty struct {
	commands.Log
	append   func() error // before an append
	afterTip func()
	claims   atomic.Int64 // look-ups
}

func (f *faulty) Append(ctx context.Context, c events.Commit) (uint64, error) {
	if f.append != nil {
		if err := f.append(); err != nil {
			return 0, fmt.Errorf("append: %w", err)
		}
	}
	return f.Log.Append(ctx, c)
}

func (f *faulty) Tip(ctx context.Context, a events.Aggregate) (events.Tip, error) {
	tip, err := f.Log.Tip(ctx, a)
	if f.afterTip != nil {
		f.afterTip()
	}
	return tip, err
}

func (f *faulty) Claim(ctx context.Context, c events.Claim) (events.ClaimState, error) {
	f.claims.Add(1)
	return f.Log.Claim(ctx, c)
}

func TestLostRacesAreDecidedAgain(t *testing.T) {
	t.Parallel()
	log := &faulty{Log: logs["memory"](t)}
	s := service(t, log)
	u := register(t, s, "ann", nil)
	lose := 5
	log.append = func() error {
		if lose--; lose >= 0 {
			return events.ErrConflict
		}
		return nil
	}
	res, err := s.UpdateUser(context.Background(), as(u, ""), commands.UpdateUser{UserID: u.ID, Name: text("Ann")})
	require.NoError(t, err)
	require.Equal(t, "Ann", res.User.Name)
	lose = 1000
	_, err = s.UpdateUser(context.Background(), as(u, ""), commands.UpdateUser{UserID: u.ID, Name: text("Bob")})
	refused(t, err, commands.Conflict, "race")
	require.Less(t, 980, lose, "the tries are bounded")
}

func TestUnavailableLog(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		err  error
		code commands.Code
	}{{events.ErrUnavailable, commands.Unavailable}, {events.ErrTooLarge, commands.TooLarge}} {
		log := &faulty{Log: logs["memory"](t)}
		s := service(t, log)
		u := register(t, s, "ann", nil)
		log.append = func() error { return test.err }
		_, err := s.UpdateUser(context.Background(), as(u, ""), commands.UpdateUser{UserID: u.ID, Name: text("Ann")})
		require.Equal(t, test.code, commands.CodeOf(err))
		require.ErrorIs(t, err, test.err)
		_, err = s.Register(context.Background(), system, commands.Register{Username: "bob"})
		require.Equal(t, test.code, commands.CodeOf(err))
		log.append = nil
		carol := register(t, s, "carol", nil)
		want := u.Number + 1 // what is known not to be stored gave its number back
		if test.code == commands.Unavailable {
			want++ // else the number may be in use
		}
		require.Equal(t, want, carol.Number)
	}
}

func TestNothingIsDecidedOnAnOldState(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, log commands.Log) {
		t.Helper()
		ctx := context.Background()
		a, b := service(t, log), service(t, log)
		u := register(t, a, "ann", nil)
		theme := func(s *commands.Service, to string) commands.Result {
			res, err := s.UpdatePreferences(ctx, as(u, ""), commands.UpdatePreferences{UserID: u.ID, Dialect: "codimir", Changes: map[string]any{"theme": to}})
			require.NoError(t, err)
			return res
		}
		require.True(t, theme(a, "dark").Changed)
		require.True(t, theme(b, "light").Changed)
		require.True(t, theme(a, "dark").Changed, "in its memory it is dark already")
		_, err := b.Delete(ctx, system, u.ID)
		require.NoError(t, err)
		_, err = a.Suspend(ctx, system, u.ID)
		refused(t, err, commands.NotFound, "user")
	})
}

func TestPasswordThatChangesDuringASignIn(t *testing.T) {
	t.Parallel()
	log := &faulty{Log: logs["memory"](t)}
	a, b := service(t, log), service(t, log.Log)
	u := register(t, a, "ann", nil)
	ctx := context.Background()
	changed := false
	log.afterTip = func() {
		if changed {
			return
		}
		changed = true
		_, err := b.SetPassword(ctx, system, commands.SetPassword{UserID: u.ID, New: "next"})
		require.NoError(t, err)
	}
	_, err := a.SignIn(ctx, anyone, commands.SignIn{Username: "ann", Password: "correct horse"})
	refused(t, err, commands.Unauthenticated, "credentials")
	require.True(t, changed)
	changed = false
	_, err = a.SetPassword(ctx, as(u, ""), commands.SetPassword{UserID: u.ID, Old: "next", New: "third"})
	require.NoError(t, err, "the new hash is of the same password")
}

func TestUsersOfActivitiesAreLookedUpOnce(t *testing.T) {
	t.Parallel()
	log := &faulty{Log: logs["memory"](t)}
	s := service(t, log)
	register(t, s, "ann", nil)
	log.claims.Store(0)
	var in []commands.ActivityInput
	for i := range 200 {
		in = append(in, activity(fmt.Sprint(i), commands.UserRef{Username: "ann"}, nil))
	}
	out, err := s.RecordActivities(context.Background(), system, in)
	require.NoError(t, err)
	require.Nil(t, out[199].Err)
	require.EqualValues(t, 1, log.claims.Load())
}

func TestLogThatWentBack(t *testing.T) {
	t.Parallel()
	// The service keeps a state in memory whose event another log does not hold.
	first, second := logs["memory"](t), logs["memory"](t)
	log := &faulty{Log: first}
	s := service(t, log)
	u := register(t, s, "ann", nil)
	log.Log = second
	_, err := s.Find(context.Background(), commands.UserRef{ID: u.ID})
	refused(t, err, commands.NotFound, "user")
	_, err = s.UpdateUser(context.Background(), as(u, ""), commands.UpdateUser{UserID: u.ID, Name: text("Ann")})
	refused(t, err, commands.NotFound, "user")
}

func TestOrganizationsMeetAFaultyLog(t *testing.T) {
	t.Parallel()
	log := &faulty{Log: logs["memory"](t)}
	s := service(t, log)
	ctx := context.Background()
	boss := as(chief(t, s), "")
	create := func(name string) (commands.OrganizationResult, error) {
		return s.CreateOrganization(ctx, boss, commands.CreateOrganization{Name: name})
	}
	lose := 5
	log.append = func() error {
		if lose--; lose >= 0 {
			return events.ErrConflict
		}
		return nil
	}
	made, err := create("one")
	require.NoError(t, err)
	lose = 1000
	_, err = create("two")
	refused(t, err, commands.Conflict, "race")
	require.Less(t, 980, lose, "the tries are bounded")
	_, err = s.UpdateOrganization(ctx, boss, commands.UpdateOrganization{ID: made.Organization.ID, Icon: text("/x")})
	refused(t, err, commands.Conflict, "race")

	// What may lie in the log is not given to another.
	for i, test := range []struct {
		err    error
		number int64
	}{{events.ErrTooLarge, made.Organization.Number + 1}, {events.ErrUnavailable, made.Organization.Number + 3}} {
		log.append = func() error { return test.err }
		_, err = create("three")
		require.ErrorIs(t, err, test.err)
		log.append = nil
		again, err := create(fmt.Sprint("after", i))
		require.NoError(t, err)
		require.Equal(t, test.number, again.Organization.Number)
	}
}

// What another process deleted is deleted, whatever this one remembers.
func TestNothingIsDecidedOnAnOldOrganization(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, log commands.Log) {
		t.Helper()
		ctx := context.Background()
		a, b := service(t, log), service(t, log)
		boss := as(chief(t, a), "")
		made, err := a.CreateOrganization(ctx, boss, commands.CreateOrganization{Name: "team"})
		require.NoError(t, err)
		id := made.Organization.ID
		register(t, b, "ann", func(c *commands.Register) { c.Organizations = []string{id} })
		_, err = a.DeleteOrganization(ctx, boss, id)
		require.NoError(t, err)
		_, err = b.Register(ctx, system, commands.Register{Username: "bob", Organizations: []string{id}})
		refused(t, err, commands.Invalid, "organization")
		_, err = b.UpdateOrganization(ctx, boss, commands.UpdateOrganization{ID: id, Name: text("team")})
		refused(t, err, commands.NotFound, "organization")
	})
}

package commands_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/eventlog"
	"github.com/rosterhq/roster/eventlog/memlog"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/internal/testenv"
)

// cheap makes hashing fast: what it costs is not what these tests are about.
var cheap = commands.PasswordParams{MemoryKiB: 64, Iterations: 1, Parallelism: 1}

var (
	system = commands.Request{Actor: commands.Actor{UserID: commands.SystemActor}}
	anyone = commands.Request{}
)

// logs are the logs that the tests of this package run against.
var logs = map[string]func(tb testing.TB) commands.Log{
	"memory": func(testing.TB) commands.Log { return memlog.New(testenv.MasterKey()) },
	"nats": func(tb testing.TB) commands.Log {
		tb.Helper()
		log, err := eventlog.Open(context.Background(), testenv.NATS(tb), eventlog.Options{MasterKey: testenv.MasterKey()})
		require.NoError(tb, err)
		tb.Cleanup(func() { require.NoError(tb, log.Close(context.Background())) })
		return log
	},
}

func onBoth(t *testing.T, test func(t *testing.T, log commands.Log)) {
	t.Helper()
	for name, open := range logs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

func onMemory(t *testing.T) (*commands.Service, commands.Log) {
	t.Helper()
	log := logs["memory"](t)
	return service(t, log), log
}

func service(tb testing.TB, log commands.Log) *commands.Service {
	tb.Helper()
	return serviceAt(tb, log, time.Now)
}

func serviceAt(tb testing.TB, log commands.Log, clock func() time.Time) *commands.Service {
	tb.Helper()
	s, err := commands.NewService(context.Background(), commands.Config{Log: log, Clock: clock, PasswordParams: cheap})
	require.NoError(tb, err)
	return s
}

func register(tb testing.TB, s *commands.Service, name string, change func(*commands.Register)) commands.User {
	tb.Helper()
	c := commands.Register{Username: name, Email: name + "@example.com", Password: "correct horse"}
	if change != nil {
		change(&c)
	}
	res, err := s.Register(context.Background(), system, c)
	require.NoError(tb, err)
	return res.User
}

func as(u commands.User, key string) commands.Request {
	return commands.Request{
		Actor:          commands.Actor{UserID: u.ID, Roles: u.Roles, Scopes: []string{commands.ScopeAll}},
		IdempotencyKey: key, RequestHash: "request",
	}
}

func refused(tb testing.TB, err error, code commands.Code, reason string) *commands.Error {
	tb.Helper()
	e, ok := commands.AsError(err)
	require.True(tb, ok, "%v", err)
	require.Equal(tb, code, e.Code, "%v", err)
	require.Equal(tb, reason, e.Reason, "%v", err)
	return e
}

func text(s string) *string { return &s }

func TestFirstUser(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, log commands.Log) {
		t.Helper()
		ctx := context.Background()
		a, b := service(t, log), service(t, log)
		require.Equal(t, a.DefaultOrganization(), b.DefaultOrganization())
		exists, err := a.FirstUserExists(ctx)
		require.NoError(t, err)
		require.False(t, exists)
		var won []commands.Result
		var mu sync.Mutex
		each(8, func(i int) {
			s := []*commands.Service{a, b}[i%2]
			res, err := s.RegisterFirst(ctx, anyone, commands.Register{Username: fmt.Sprint("boss", i), Email: fmt.Sprintf("b%d@example.com", i), Password: "pw"})
			if err != nil {
				refused(t, err, commands.Conflict, "first-user-exists")
				return
			}
			mu.Lock()
			defer mu.Unlock()
			won = append(won, res)
		})
		require.Len(t, won, 1)
		u := won[0].User
		require.Equal(t, []events.Role{events.RoleOwner}, u.Roles)
		require.Equal(t, []events.Membership{{Organization: a.DefaultOrganization()}}, u.Memberships)
		exists, err = b.FirstUserExists(ctx)
		require.NoError(t, err)
		require.True(t, exists)
		_, err = a.Delete(ctx, as(u, ""), u.ID)
		refused(t, err, commands.Precondition, "last-owner")
		o, err := b.Organization(ctx, a.DefaultOrganization())
		require.NoError(t, err)
		require.Equal(t, "coder", o.Name)
	})
}

// each runs n functions at once and waits for all.
func each(n int, do func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { do(i) })
	}
	wg.Wait()
}

func TestConcurrentRegistrationsOfOneEmail(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, log commands.Log) {
		t.Helper()
		ctx := context.Background()
		services := []*commands.Service{service(t, log), service(t, log)}
		var mu sync.Mutex
		won := 0
		each(64, func(i int) {
			res, err := services[i%2].Register(ctx, system, commands.Register{Username: fmt.Sprint("u", i), Email: "One@Example.com"})
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				won++
				require.Positive(t, res.User.Number)
				return
			}
			e := refused(t, err, commands.Conflict, "taken")
			require.Equal(t, []commands.FieldError{{Field: "email", Rule: "taken", Detail: "this e-mail address is already in use"}}, e.Fields)
		})
		require.Equal(t, 1, won)
		found := 0
		for i := range 64 {
			if _, err := services[0].Find(ctx, commands.UserRef{Username: fmt.Sprint("u", i)}); err == nil {
				found++
			}
		}
		require.Equal(t, 1, found, "nothing of the others is stored")
		next := register(t, services[0], "later", nil)
		require.LessOrEqual(t, next.Number, int64(1100), "refused commands give their numbers back")
	})
}

func TestConcurrentWritersOnOneUser(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, log commands.Log) {
		t.Helper()
		ctx := context.Background()
		a, b := service(t, log), service(t, log)
		u := register(t, a, "ann", nil)
		var mu sync.Mutex
		accepted := map[uint64]string{}
		each(64, func(i int) {
			s := []*commands.Service{a, b}[i%2]
			for j := range 3 {
				name := fmt.Sprint(i, "/", j)
				res, err := s.UpdateUser(ctx, as(u, ""), commands.UpdateUser{UserID: u.ID, Name: &name})
				if err != nil {
					refused(t, err, commands.Conflict, "race")
					continue
				}
				require.Equal(t, name, res.User.Name)
				mu.Lock()
				accepted[res.Position.Sequence] = name
				mu.Unlock()
			}
		})
		recorded, err := log.Read(ctx, events.Aggregate{Kind: events.User, ID: u.ID}, 1)
		require.NoError(t, err)
		require.Greater(t, len(accepted), 96, "most are accepted")
		require.Len(t, recorded, len(accepted)+1)
		for _, e := range recorded[1:] {
			require.Equal(t, accepted[e.Sequence], *e.Payload.(*events.UserProfileUpdated).Private.Name)
		}
		last, err := b.Find(ctx, commands.UserRef{ID: u.ID})
		require.NoError(t, err)
		require.Equal(t, accepted[recorded[len(recorded)-1].Sequence], last.Name)
	})
}

func TestTwoOwnersLeaveAtOnce(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, log commands.Log) {
		t.Helper()
		ctx := context.Background()
		services := []*commands.Service{service(t, log), service(t, log)}
		for round := range 5 {
			isOwner := func(c *commands.Register) { c.Roles = []events.Role{events.RoleOwner} }
			pair := []commands.User{
				register(t, services[0], fmt.Sprint("a", round), isOwner),
				register(t, services[1], fmt.Sprint("b", round), isOwner),
			}
			if round > 0 { // the one that the last round left
				left, err := services[0].Find(ctx, commands.UserRef{Username: "left"})
				require.NoError(t, err)
				_, err = services[0].Delete(ctx, system, left.ID)
				require.NoError(t, err)
			}
			errs := make([]error, 2)
			each(2, func(i int) { _, errs[i] = services[i].Suspend(ctx, system, pair[i].ID) })
			kept := slices.IndexFunc(errs, func(err error) bool { return err != nil })
			require.NotEqual(t, -1, kept, "one must stay")
			refused(t, errs[kept], commands.Precondition, "last-owner")
			require.NoError(t, errs[1-kept])
			_, err := services[1].UpdateUser(ctx, system, commands.UpdateUser{UserID: pair[kept].ID, Username: text("left")})
			require.NoError(t, err)
		}
	})
}

func TestRepeats(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, log commands.Log) {
		t.Helper()
		ctx := context.Background()
		a, b := service(t, log), service(t, log)
		u := register(t, a, "ann", nil)
		_, err := b.Find(ctx, commands.UserRef{ID: u.ID}) // b has a state in memory that falls behind
		require.NoError(t, err)

		first, err := a.CreateKey(ctx, as(u, "k1"), commands.CreateKey{UserID: u.ID, Name: "ci"})
		require.NoError(t, err)
		require.NotEmpty(t, first.Token)
		again, err := b.CreateKey(ctx, as(u, "k1"), commands.CreateKey{UserID: u.ID, Name: "ci"})
		require.NoError(t, err)
		require.True(t, again.Repeated)
		require.Empty(t, again.Token)
		require.Equal(t, first.Position, again.Position)
		require.Equal(t, first.Key, again.Key)

		other := as(u, "k1")
		other.RequestHash = "another request"
		_, err = b.CreateKey(ctx, other, commands.CreateKey{UserID: u.ID, Name: "cd"})
		refused(t, err, commands.KeyReused, "")
		_, err = b.UpdateUser(ctx, as(u, "k2"), commands.UpdateUser{UserID: u.ID, Name: text("Ann")})
		require.NoError(t, err)

		boss := system
		boss.IdempotencyKey, boss.RequestHash = "make bob", "bob"
		made, err := a.Register(ctx, boss, commands.Register{Username: "bob"})
		require.NoError(t, err)
		remade, err := b.Register(ctx, boss, commands.Register{Username: "bob"})
		require.NoError(t, err)
		require.True(t, remade.Repeated)
		require.Equal(t, made.User.ID, remade.User.ID)
		boss.RequestHash = "carol"
		_, err = b.Register(ctx, boss, commands.Register{Username: "carol"})
		refused(t, err, commands.KeyReused, "")
	})
}

func TestConcurrentRepeatsOfACreation(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, log commands.Log) {
		t.Helper()
		ctx := context.Background()
		services := []*commands.Service{service(t, log), service(t, log)}
		r := system
		r.IdempotencyKey, r.RequestHash = "once", "same"
		results := make([]commands.Result, 16)
		each(len(results), func(i int) {
			var err error
			results[i], err = services[i%2].Register(ctx, r, commands.Register{Username: "Weird Näme!", NormaliseUsername: true})
			require.NoError(t, err)
		})
		fresh := 0
		for _, res := range results {
			require.Equal(t, results[0].User.ID, res.User.ID)
			if !res.Repeated {
				fresh++
			}
		}
		require.Equal(t, 1, fresh)
	})
}

func TestKeyIsFreeAfterADay(t *testing.T) {
	t.Parallel()
	log := memlog.New(testenv.MasterKey())
	now := time.Date(2026, 5, 3, 12, 0, 0, 0, time.UTC)
	s := serviceAt(t, log, func() time.Time { return now })
	r := system
	r.IdempotencyKey, r.RequestHash = "daily", "x"
	first, err := s.Register(context.Background(), r, commands.Register{Username: "ann"})
	require.NoError(t, err)
	now = now.Add(24 * time.Hour)
	second, err := s.Register(context.Background(), r, commands.Register{Username: "bob"})
	require.NoError(t, err)
	require.False(t, second.Repeated)
	require.NotEqual(t, first.User.ID, second.User.ID)
	again, err := s.Register(context.Background(), r, commands.Register{Username: "bob"})
	require.NoError(t, err)
	require.Equal(t, second.User.ID, again.User.ID)
}

func TestStateIsLoadedFromSnapshotAndLog(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, log commands.Log) {
		t.Helper()
		ctx := context.Background()
		s := service(t, log)
		u := register(t, s, "ann", nil)
		for i := range 11 {
			res, err := s.UpdatePreferences(ctx, as(u, ""), commands.UpdatePreferences{
				UserID: u.ID, Dialect: "codimir", Changes: map[string]any{"notifications": i%2 == 0},
			})
			require.NoError(t, err)
			u = res.User
		}
		for range 2 {
			loaded, err := service(t, log).Find(ctx, commands.UserRef{Email: "ANN@example.com"})
			require.NoError(t, err)
			require.Equal(t, u, loaded)
			log.KeepSnapshot(events.Aggregate{Kind: events.User, ID: u.ID}, events.Snapshot{
				Tip: events.Tip{Sequence: 1 << 40, EventID: "of another log"}, Format: 1, Data: []byte(`{"ID":"` + u.ID + `","Name":"wrong"}`),
			})
		}
	})
}

func TestNothingChangedAppendsNothing(t *testing.T) {
	t.Parallel()
	s, log := onMemory(t)
	ctx := context.Background()
	u := register(t, s, "ann", nil)
	theme := commands.UpdatePreferences{UserID: u.ID, Dialect: "codimir", Changes: map[string]any{"theme": "dark"}, Language: text("de")}
	first, err := s.UpdatePreferences(ctx, as(u, ""), theme)
	require.NoError(t, err)
	require.True(t, first.Changed)
	again, err := s.UpdatePreferences(ctx, as(u, ""), theme)
	require.NoError(t, err)
	require.False(t, again.Changed)
	require.Equal(t, first.Position, again.Position)
	recorded, err := log.Read(ctx, events.Aggregate{Kind: events.User, ID: u.ID}, 1)
	require.NoError(t, err)
	require.Len(t, recorded, 2)
}

func TestNames(t *testing.T) {
	t.Parallel()
	s, _ := onMemory(t)
	ctx := context.Background()
	ann := register(t, s, "ann", nil)
	bob := register(t, s, "bob", nil)
	_, err := s.UpdateUser(ctx, system, commands.UpdateUser{UserID: bob.ID, Username: text("ANN"), Email: text("ann@EXAMPLE.com")})
	require.Len(t, refused(t, err, commands.Conflict, "taken").Fields, 2)
	_, err = s.UpdateUser(ctx, system, commands.UpdateUser{UserID: ann.ID, Username: text("Annie"), Email: text("")})
	require.NoError(t, err)
	res, err := s.UpdateUser(ctx, system, commands.UpdateUser{UserID: bob.ID, Username: text("ANN"), Email: text("ann@EXAMPLE.com")})
	require.NoError(t, err)
	require.Equal(t, "ANN", res.User.Username)
	_, err = s.Delete(ctx, system, bob.ID)
	require.NoError(t, err)
	_, err = s.Find(ctx, commands.UserRef{Username: "ann"})
	refused(t, err, commands.NotFound, "user")
	_, err = s.Find(ctx, commands.UserRef{ID: bob.ID})
	refused(t, err, commands.NotFound, "user")
	again := register(t, s, "ann", nil)
	require.NotEqual(t, bob.ID, again.ID)
}

func TestIdentities(t *testing.T) {
	t.Parallel()
	s, _ := onMemory(t)
	ctx := context.Background()
	id := events.Identity{Provider: "github", Subject: "42"}
	provision := commands.Register{Username: "octo_cat", NormaliseUsername: true, Identities: []events.Identity{id}, LoginType: events.LoginGitHub}
	first, err := s.Register(ctx, system, provision)
	require.NoError(t, err)
	require.Equal(t, "octo-cat", first.User.Username)
	_, err = s.Register(ctx, system, provision)
	refused(t, err, commands.Conflict, "taken")
	provision.Identities = []events.Identity{{Provider: "github", Subject: "43"}}
	second, err := s.Register(ctx, system, provision)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(second.User.Username, "octo-cat-"), second.User.Username)
	require.Equal(t, first.User.Number+1, second.User.Number, "the refused one gave its number back")
	found, err := s.Find(ctx, commands.UserRef{Identity: &id})
	require.NoError(t, err)
	require.Equal(t, first.User.ID, found.ID)
}

func TestRegisterTellsEverythingAtOnce(t *testing.T) {
	t.Parallel()
	s, _ := onMemory(t)
	_, err := s.Register(context.Background(), system, commands.Register{
		Username: "a_b", Email: "nobody", Password: "x\x00", Name: strings.Repeat("n", 201), FirstName: "\xff", Avatar: "ftp://x/y",
		Language: "?", LoginType: "carrier-pigeon", Status: "gone", Roles: []events.Role{"king"}, Organizations: []string{"nowhere"},
		Identities: []events.Identity{{Provider: "Git Hub", Subject: "1"}},
	})
	var fields []string
	for _, f := range refused(t, err, commands.Invalid, "").Fields {
		fields = append(fields, f.Field)
	}
	require.Equal(t, []string{
		"username", "email", "name", "firstName", "avatar", "language", "loginType", "status", "password", "roles", "organizations", "identities",
	}, fields)
	_, err = s.Register(context.Background(), system, commands.Register{Username: "ann", Organizations: []string{"0190c3a8-0000-7000-8000-00000000000a"}})
	refused(t, err, commands.Invalid, "organization")
	_, err = s.Register(context.Background(), anyone, commands.Register{Username: "ann"})
	refused(t, err, commands.Forbidden, "create-user")
}

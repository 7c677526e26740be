package commands_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
)

func skillText(name, body string) string {
	return "---\nname: " + name + "\ndescription: About " + name + "\n---\n" + body + "\n"
}

func write(tb testing.TB, s *commands.Service, u commands.User, name, content string) commands.SkillResult {
	tb.Helper()
	res, err := s.WriteSkill(context.Background(), as(u, ""), commands.WriteSkill{UserID: u.ID, Name: name, Content: content})
	require.NoError(tb, err)
	return res
}

func TestSkills(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, log commands.Log) {
		t.Helper()
		ctx := context.Background()
		s := service(t, log)
		u := register(t, s, "ann", nil)
		res := write(t, s, u, "", skillText("review", "Be kind."))
		require.True(t, res.Changed)
		require.Equal(t, "review", res.Skill.Name)
		require.Equal(t, "About review", res.Skill.Description)
		require.Equal(t, skillText("review", "Be kind."), res.Skill.Content)
		require.Equal(t, u.ID, res.Skill.Owner)
		require.Equal(t, events.Roster, res.Position.Stream)

		_, err := s.WriteSkill(ctx, as(u, ""), commands.WriteSkill{UserID: u.ID, Content: skillText("review", "Other.")})
		refused(t, err, commands.Conflict, "taken")
		_, err = s.WriteSkill(ctx, as(u, ""), commands.WriteSkill{UserID: u.ID, Name: "other", Content: skillText("other", "x")})
		refused(t, err, commands.NotFound, "skill")
		_, err = s.WriteSkill(ctx, as(u, ""), commands.WriteSkill{UserID: u.ID, Name: "review", Content: skillText("renamed", "x")})
		require.Equal(t, "name", refused(t, err, commands.Invalid, "").Fields[0].Rule)

		next := write(t, s, u, "review", skillText("review", "Be quick."))
		require.Equal(t, res.Skill.ID, next.Skill.ID)
		require.Equal(t, res.Skill.CreatedAt, next.Skill.CreatedAt)
		require.Greater(t, next.Position.Sequence, res.Position.Sequence)
		same := write(t, s, u, "review", skillText("review", "Be quick."))
		require.False(t, same.Changed)
		require.Equal(t, next.Position, same.Position)
		require.Equal(t, next.Skill, same.Skill)

		// Names are each user's own.
		bob := register(t, s, "bob", nil)
		write(t, s, bob, "", skillText("review", "x"))

		gone, err := s.DeleteSkill(ctx, as(u, ""), u.ID, "review")
		require.NoError(t, err)
		require.True(t, gone.Skill.Deleted)
		_, err = s.DeleteSkill(ctx, as(u, ""), u.ID, "review")
		refused(t, err, commands.NotFound, "skill")
		again := write(t, s, u, "", skillText("review", "Again."))
		require.NotEqual(t, res.Skill.ID, again.Skill.ID)
	})
}

func TestWhatSkillsRefuse(t *testing.T) {
	t.Parallel()
	s, _ := onMemory(t)
	ctx := context.Background()
	u := register(t, s, "ann", nil)
	for content, rule := range map[string]string{
		"# Title": "front-matter", skillText("Bad", "x"): "name", skillText("a", " "): "body",
		skillText("a", strings.Repeat("x", 64<<10)): "too-large",
	} {
		for _, name := range []string{"", "a"} {
			_, err := s.WriteSkill(ctx, as(u, ""), commands.WriteSkill{UserID: u.ID, Name: name, Content: content})
			e := refused(t, err, commands.Invalid, "")
			require.Equal(t, rule, e.Fields[0].Rule)
		}
	}
	for _, name := range []string{"", "x y", "..", "*", strings.Repeat("a", 300), "a\x00"} {
		_, err := s.DeleteSkill(ctx, as(u, ""), u.ID, name)
		refused(t, err, commands.NotFound, "skill")
	}
	_, err := s.WriteSkill(ctx, system, commands.WriteSkill{UserID: "0190c3a8-0000-7000-8000-00000000000a", Content: skillText("a", "x")})
	refused(t, err, commands.NotFound, "user")
	_, err = s.WriteSkill(ctx, system, commands.WriteSkill{UserID: "nobody", Content: skillText("a", "x")})
	refused(t, err, commands.NotFound, "user")
}

func TestWhoseSkillsTheyAre(t *testing.T) {
	t.Parallel()
	s, _ := onMemory(t)
	ctx := context.Background()
	u := register(t, s, "ann", nil)
	owner := register(t, s, "root", func(c *commands.Register) { c.Roles = []events.Role{events.RoleOwner} })
	admin := register(t, s, "adm", func(c *commands.Register) { c.Roles = []events.Role{events.RoleUserAdmin} })
	bob := register(t, s, "bob", nil)
	write(t, s, u, "", skillText("a", "x"))
	reader := as(u, "")
	reader.Actor.Scopes = []string{"user_skill:read"}
	for name, r := range map[string]commands.Request{"owner": as(owner, ""), "admin": as(admin, ""), "other": as(bob, ""), "scope": reader, "anonymous": {}} {
		t.Run(name, func(t *testing.T) {
			// The refusal comes before what is wrong with the text.
			_, err := s.WriteSkill(ctx, r, commands.WriteSkill{UserID: u.ID, Content: "nonsense"})
			refused(t, err, commands.Forbidden, "create-skills")
			_, err = s.WriteSkill(ctx, r, commands.WriteSkill{UserID: u.ID, Name: "a", Content: "nonsense"})
			refused(t, err, commands.Forbidden, "update-skills")
			_, err = s.DeleteSkill(ctx, r, u.ID, "none")
			if name == "owner" {
				refused(t, err, commands.NotFound, "skill")
				return
			}
			refused(t, err, commands.Forbidden, "delete-skills")
		})
	}
	_, err := s.DeleteSkill(ctx, as(owner, ""), u.ID, "a")
	require.NoError(t, err)
}

// patient creates a skill and tries again when another process was always faster.
func patient(ctx context.Context, s *commands.Service, u commands.User, content string) error {
	for {
		_, err := s.WriteSkill(ctx, as(u, ""), commands.WriteSkill{UserID: u.ID, Content: content})
		if e, refused := commands.AsError(err); !refused || e.Reason != "race" {
			return err
		}
	}
}

func TestSkillsAreCountedInEveryRace(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, log commands.Log) {
		t.Helper()
		ctx := context.Background()
		services := []*commands.Service{service(t, log), service(t, log)}
		u := register(t, services[0], "ann", nil)
		var mu sync.Mutex
		made, full, taken := 0, 0, 0
		each(120, func(i int) {
			err := patient(ctx, services[i%2], u, skillText(fmt.Sprint("s", i/2*2%118), "x")) // 59 names, each wanted twice or more
			mu.Lock()
			defer mu.Unlock()
			e, refused := commands.AsError(err)
			switch {
			case err == nil:
				made++
			case refused && e.Reason == "taken":
				taken++
			case refused && e.Reason == "too-many-skills":
				full++
			default:
				require.NoError(t, err)
			}
		})
		require.Equal(t, 59, made)
		require.Equal(t, 61, taken)
		each(60, func(i int) {
			err := patient(ctx, services[i%2], u, skillText(fmt.Sprint("t", i), "x"))
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				made++
				return
			}
			refused(t, err, commands.Precondition, "too-many-skills")
			full++
		})
		require.Equal(t, 100, made)
		require.Equal(t, 19, full)
		_, err := services[0].DeleteSkill(ctx, as(u, ""), u.ID, "s0")
		require.NoError(t, err)
		write(t, services[1], u, "", skillText("last", "x"))
		_, err = services[0].WriteSkill(ctx, as(u, ""), commands.WriteSkill{UserID: u.ID, Content: skillText("more", "x")})
		refused(t, err, commands.Precondition, "too-many-skills")
	})
}

func TestSkillCommandsAreRepeated(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, log commands.Log) {
		t.Helper()
		ctx := context.Background()
		a, b := service(t, log), service(t, log)
		u := register(t, a, "ann", nil)
		create := commands.WriteSkill{UserID: u.ID, Content: skillText("a", "x")}
		first, err := a.WriteSkill(ctx, as(u, "k1"), create)
		require.NoError(t, err)
		again, err := b.WriteSkill(ctx, as(u, "k1"), create)
		require.NoError(t, err)
		require.True(t, again.Repeated)
		require.Equal(t, first.Position, again.Position)
		require.Equal(t, first.Skill, again.Skill)

		other := as(u, "k1")
		other.RequestHash = "other"
		_, err = b.WriteSkill(ctx, other, create)
		refused(t, err, commands.KeyReused, "")
		_, err = b.DeleteSkill(ctx, other, u.ID, "a")
		refused(t, err, commands.KeyReused, "")

		gone, err := a.DeleteSkill(ctx, as(u, "k2"), u.ID, "a")
		require.NoError(t, err)
		write(t, a, u, "", skillText("a", "a new one"))
		repeat, err := b.DeleteSkill(ctx, as(u, "k2"), u.ID, "a")
		require.NoError(t, err)
		require.True(t, repeat.Repeated)
		require.Equal(t, gone.Skill, repeat.Skill)
		require.Equal(t, gone.Position, repeat.Position)
		write(t, b, u, "a", skillText("a", "lives on"))
	})
}

func TestSkillsOfTheDeleted(t *testing.T) {
	t.Parallel()
	s, _ := onMemory(t)
	ctx := context.Background()
	u := register(t, s, "ann", nil)
	write(t, s, u, "", skillText("a", "x"))
	_, err := s.Delete(ctx, system, u.ID)
	require.NoError(t, err)
	_, err = s.WriteSkill(ctx, system, commands.WriteSkill{UserID: u.ID, Content: skillText("b", "x")})
	refused(t, err, commands.Precondition, "deleted-user")
	_, err = s.WriteSkill(ctx, system, commands.WriteSkill{UserID: u.ID, Name: "a", Content: skillText("a", "y")})
	refused(t, err, commands.Precondition, "deleted-user")
	_, err = s.DeleteSkill(ctx, system, u.ID, "a")
	refused(t, err, commands.Precondition, "deleted-user")
}

func TestSkillsAreSealed(t *testing.T) {
	t.Parallel()
	s, log := onMemory(t)
	u := register(t, s, "ann", nil)
	res := write(t, s, u, "", skillText("secret-art", "x"))
	recorded, err := log.Read(context.Background(), events.Aggregate{Kind: events.Skill, ID: res.Skill.ID}, 1)
	require.NoError(t, err)
	require.Len(t, recorded, 1)
	require.Equal(t, u.ID, recorded[0].SealedFor, "under the key of whose it is")
	require.Equal(t, u.ID, recorded[0].Actor)
	require.WithinDuration(t, time.Now(), recorded[0].Time, time.Minute)
}

// interposed is a log in which something happens just before a skill is stored.
type interposed struct {
	commands.Log
	once   sync.Once
	before func()
}

func (l *interposed) Append(ctx context.Context, c events.Commit) (uint64, error) {
	if c.Aggregate.Kind == events.Skill {
		l.once.Do(l.before)
	}
	return l.Log.Append(ctx, c)
}

func TestNoSkillComesAfterItsUser(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	log := &interposed{Log: logs["memory"](t)}
	s, other := service(t, log), service(t, log.Log)
	u := register(t, other, "ann", nil)
	log.before = func() {
		_, err := other.Delete(ctx, system, u.ID)
		require.NoError(t, err)
	}
	_, err := s.WriteSkill(ctx, as(u, ""), commands.WriteSkill{UserID: u.ID, Content: skillText("a", "x")})
	refused(t, err, commands.Precondition, "deleted-user")
}

// watched is a log that tells from where skills are read, and whose snapshots can
// be spoilt.
type watched struct {
	commands.Log
	mu    sync.Mutex
	from  uint64
	spoil func(*events.Snapshot)
}

func (l *watched) Read(ctx context.Context, a events.Aggregate, from uint64) ([]events.Recorded, error) {
	if a.Kind == events.Skill {
		l.mu.Lock()
		l.from = from
		l.mu.Unlock()
	}
	return l.Log.Read(ctx, a, from)
}

func (l *watched) Snapshot(ctx context.Context, a events.Aggregate) (events.Snapshot, error) {
	s, err := l.Log.Snapshot(ctx, a)
	if l.spoil != nil && a.Kind == events.Skill {
		l.spoil(&s)
	}
	return s, err
}

func TestManyUpdatesOfASkillAreNotReadAgain(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	log := &watched{Log: logs["memory"](t)}
	s := service(t, log)
	u := register(t, s, "ann", nil)
	first := write(t, s, u, "", skillText("a", "x"))
	var last commands.SkillResult
	for i := range 20 {
		r := as(u, fmt.Sprint("k", i))
		var err error
		last, err = s.WriteSkill(ctx, r, commands.WriteSkill{UserID: u.ID, Name: "a", Content: skillText("a", fmt.Sprint(i))})
		require.NoError(t, err)
	}
	require.Greater(t, log.from, first.Position.Sequence+12)
	require.Equal(t, first.Skill.CreatedAt, last.Skill.CreatedAt)

	kept, err := log.Log.Snapshot(ctx, events.Aggregate{Kind: events.Skill, ID: last.Skill.ID})
	require.NoError(t, err)
	require.Equal(t, u.ID, kept.SealedFor, "its text is sealed")

	// Repeats are answered from a snapshot, too.
	again, err := s.WriteSkill(ctx, as(u, "k3"), commands.WriteSkill{UserID: u.ID, Name: "a", Content: skillText("a", "3")})
	require.NoError(t, err)
	require.True(t, again.Repeated)
	require.Equal(t, last.Skill, again.Skill)

	for name, spoil := range map[string]func(*events.Snapshot){
		"other event":    func(s *events.Snapshot) { s.EventID = "other" },
		"beyond the log": func(s *events.Snapshot) { s.Sequence += 1000 },
		"other format":   func(s *events.Snapshot) { s.Format++ },
		"broken":         func(s *events.Snapshot) { s.Data = []byte("{") },
		"none":           func(s *events.Snapshot) { *s = events.Snapshot{} },
	} {
		log.spoil = spoil
		same, err := s.WriteSkill(ctx, as(u, ""), commands.WriteSkill{UserID: u.ID, Name: "a", Content: last.Skill.Content})
		require.NoError(t, err, name)
		require.False(t, same.Changed, name)
		require.Equal(t, last.Skill, same.Skill, name)
		require.EqualValues(t, 1, log.from, name)
	}
}

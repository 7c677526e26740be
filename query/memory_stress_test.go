package query

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/events"
)

const (
	stressUsers    = 8
	stressDuration = 3 * time.Second
	// A machine that is busy with other things may take longer until an entry
	// lives for long enough to be used.
	stressLongest = time.Minute
	// Writers wait while a model has more than this to do: one that never
	// catches up leaves nothing to remember.
	stressBacklog = 16
)

// stress is a log, models that follow it with delays of their own, and queries
// over them. The version of a user's rows is the sequence of its newest event in
// them, so that each read shows what it was made from.
type stress struct {
	t   *testing.T
	log *fakeLog
	q   *Queries
	dsn string

	mu      sync.Mutex
	changes map[string][]change // by user, in order
	jobs    map[string][]job    // by model, in order
}

type change struct {
	sequence    uint64
	credentials bool
}

type job struct {
	change
	user string
}

// truth is the newest event of a user up to a sequence.
func (s *stress) truth(user string, upTo uint64, credentials bool) (newest uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.changes[user] {
		if c.sequence <= upTo && (c.credentials || !credentials) {
			newest = max(newest, c.sequence)
		}
	}
	return newest
}

// write appends an event of a user.
func (s *stress) write(user string, credentials bool) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	kind := profileUpdated
	if credentials {
		kind = userSuspended
	}
	c := change{sequence: s.log.append(events.Roster, user, kind), credentials: credentials}
	s.changes[user] = append(s.changes[user], c)
	for model := range s.jobs {
		s.jobs[model] = append(s.jobs[model], job{change: c, user: user})
	}
	return c.sequence
}

// room says whether no model is far behind.
func (s *stress) room() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, jobs := range s.jobs {
		if len(jobs) > stressBacklog {
			return false
		}
	}
	return true
}

func (s *stress) take(model string) []job {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.jobs[model]
	s.jobs[model] = nil
	return all
}

// project commits what a model has to do, in batches and with pauses.
func (s *stress) project(ctx context.Context, model, update string) {
	config, err := pgx.ParseConfig(s.dsn)
	require.NoError(s.t, err)
	config.RuntimeParams["search_path"] = searchPath
	conn, err := pgx.ConnectConfig(context.Background(), config)
	require.NoError(s.t, err)
	defer conn.Close(context.Background())
	as := &store{t: s.t, conn: conn}
	for ctx.Err() == nil {
		batch := s.take(model)
		for _, j := range batch {
			sql := ""
			if model == "users" || j.credentials {
				sql = update
			}
			if sql == "" {
				as.commit(model, int(j.sequence), "")
				continue
			}
			as.commit(model, int(j.sequence), sql, j.user, strconv.FormatUint(j.sequence, 10))
		}
		pause(ctx, time.Duration(rand.IntN(3000))*time.Microsecond)
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// readOnce compares one read with the truth.
func (s *stress) readOnce(user, key string, least func(credentials bool) uint64) {
	ctx, stale := WithStaleness(context.Background())
	wantUser, wantKey := least(false), least(true)
	u, err := s.q.User(ctx, UserRef{ID: user})
	s.compare(u.Name, wantUser, stale(), err)
	c, err := s.q.Credential(ctx, key)
	if errors.Is(err, ErrUnavailable) && stale() > 0 {
		return // it says so
	}
	s.compare(string(c.Account.Roles[0]), wantKey, stale(), err)
}

func (s *stress) compare(version string, least, stale uint64, err error) {
	if err != nil {
		s.t.Error(err)
		return
	}
	got, err := strconv.ParseUint(version, 10, 64)
	if err != nil {
		s.t.Error(err)
	}
	if got < least && stale == 0 {
		s.t.Errorf("a read shows %d after %d was delivered", got, least)
	}
}

// Many write, here and elsewhere, models lag by chance, the tail is cut and
// delayed, entries are evicted: no read shows less than what the tail had
// delivered, or this process had written, before it began.
func TestNoReadIsOlderThanWhatWasDelivered(t *testing.T) {
	t.Parallel()
	base := newStore(t)
	s := &stress{
		t: t, log: newFakeLog(), dsn: base.dsn, changes: map[string][]change{},
		jobs: map[string][]job{"users": nil, "credentials": nil},
	}
	users, keys := make([]string, stressUsers), make([]string, stressUsers)
	for i := range users {
		users[i], keys[i] = userID(i), fmt.Sprint("k", i)
		base.user(i, fmt.Sprint("u", i), "", "active")
		base.exec(insertAccount, users[i])
		base.exec(insertKey, keys[i], users[i], time.Now())
	}
	base.exec("update users set name = '0'")
	base.exec("update accounts set roles = '{0}'")
	s.q = base.follow(s.log, 8<<10) // small: it evicts

	ctx, stop := context.WithTimeout(context.Background(), stressLongest)
	defer stop()
	project, stopProject := context.WithCancel(context.Background())
	var models, all sync.WaitGroup
	models.Go(func() { s.project(project, "users", "update users set name = $2 where id = $1") })
	models.Go(func() { s.project(project, "credentials", "update accounts set roles = array[$2] where user_id = $1") })
	var hits atomic.Int64
	for range 2 { // elsewhere
		all.Go(func() {
			for ctx.Err() == nil {
				if s.room() {
					s.write(users[rand.IntN(stressUsers)], rand.IntN(3) == 0)
				}
				pause(ctx, time.Duration(rand.IntN(4000))*time.Microsecond)
			}
		})
	}
	for range 2 { // here: each reads what it wrote
		all.Go(func() {
			for ctx.Err() == nil {
				i, credentials := rand.IntN(stressUsers), rand.IntN(3) == 0
				at := s.write(users[i], credentials)
				if credentials {
					s.q.NoteCredentials(users[i], roster(at))
				} else {
					s.q.Note(users[i], roster(at))
				}
				s.readOnce(users[i], keys[i], func(c bool) uint64 {
					if c && !credentials {
						return 0
					}
					return at
				})
			}
		})
	}
	for range 4 {
		all.Go(func() {
			for ctx.Err() == nil {
				i := rand.IntN(stressUsers)
				sequence, _ := s.q.Tail().Current(events.Roster)
				if _, ok := s.q.memory.user(UserRef{ID: users[i]}); ok {
					hits.Add(1)
				}
				s.readOnce(users[i], keys[i], func(c bool) uint64 { return s.truth(users[i], sequence, c) })
			}
		})
	}
	all.Go(func() { s.disturb(ctx) })
	pause(ctx, stressDuration)
	for ctx.Err() == nil && hits.Load() == 0 {
		pause(ctx, 10*time.Millisecond)
	}
	stop()
	all.Wait()
	stopProject()
	models.Wait()
	require.Positive(t, hits.Load(), "memory was never used")
}

// disturb cuts the tail and holds it back now and then.
func (s *stress) disturb(ctx context.Context) {
	for ctx.Err() == nil {
		pause(ctx, time.Duration(rand.IntN(300))*time.Millisecond)
		if rand.IntN(2) == 0 {
			s.log.setCut(true)
			pause(ctx, time.Duration(rand.IntN(50))*time.Millisecond)
			s.log.setCut(false)
			continue
		}
		head, _ := s.log.Head(ctx, events.Roster)
		s.log.hold(events.Roster, head)
		pause(ctx, time.Duration(rand.IntN(100))*time.Millisecond)
		s.log.release(events.Roster)
	}
	s.log.setCut(false)
	s.log.release(events.Roster)
}

package statistics

import (
	"bytes"
	"maps"
	"math/big"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

const (
	daysSQL = `insert into days_added select user_id, day, hours, created, completed, completion_us::numeric, timed, w, m, q, y, comments, commits, reviews
		from unnest($1::uuid[], $2::date[], $3::integer[], $4::integer[], $5::integer[], $6::text[], $7::integer[], $8::integer[],
			$9::integer[], $10::integer[], $11::integer[], $12::integer[], $13::bigint[], $14::integer[])
			as n (user_id, day, hours, created, completed, completion_us, timed, w, m, q, y, comments, commits, reviews)`
	totalsSQL = `insert into totals_added (user_id, tickets, comments) select * from unnest($1::uuid[], $2::integer[], $3::integer[])`
	placesSQL = `insert into places_added select * from unnest($1::uuid[], $2::uuid[], $3::boolean[], $4::boolean[])`
	statesSQL = `insert into projects as p (project, source, project_id, changed_at, changed_id, active)
		select * from unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::text[], $6::boolean[])
		on conflict (project) do update
		set changed_at = excluded.changed_at, changed_id = excluded.changed_id, active = excluded.active
		where (p.changed_at, p.changed_id) < (excluded.changed_at, excluded.changed_id)`
)

// sums is what a batch adds to rows that are sums.
type sums struct {
	days   map[userDay]*dayDelta
	totals map[id]*totalDelta
	places map[[2]id]*placeDelta
	states map[id]projectState
}

type userDay struct {
	user id
	day  int
}

type dayDelta struct {
	hours                     int32
	created, completed, timed int32
	took                      *big.Int // microseconds; nil for none: some hundred of centuries are beyond 64 bits
	assigned                  [4]int32
	comments, reviews         int32
	commits                   int64
}

type totalDelta struct{ tickets, comments int32 }

type placeDelta struct{ owned, member bool }

type projectState struct {
	source, id string
	at         time.Time
	by         string // the activity
	active     bool
}

func newSums() *sums {
	return &sums{days: map[userDay]*dayDelta{}, totals: map[id]*totalDelta{}, places: map[[2]id]*placeDelta{}, states: map[id]projectState{}}
}

func (s *sums) day(user id, day int) *dayDelta {
	key := userDay{user, day}
	d := s.days[key]
	if d == nil {
		d = &dayDelta{}
		s.days[key] = d
	}
	return d
}

func (s *sums) total(user id) *totalDelta {
	t := s.totals[user]
	if t == nil {
		t = &totalDelta{}
		s.totals[user] = t
	}
	return t
}

func (s *sums) place(user, project id, owns bool) {
	p := s.places[[2]id{user, project}]
	if p == nil {
		p = &placeDelta{}
		s.places[[2]id{user, project}] = p
	}
	p.owned, p.member = p.owned || owns, p.member || !owns
}

// state keeps the latest.
func (s *sums) state(project id, p projectState) {
	if old, ok := s.states[project]; !ok || before(old.at, old.by, p.at, p.by) {
		s.states[project] = p
	}
}

// before is the order of activities.
func before(at time.Time, by string, otherAt time.Time, otherBy string) bool {
	return at.Before(otherAt) || at.Equal(otherAt) && by < otherBy
}

// took adds the time that a completion took, or takes it back.
func (d *dayDelta) addTook(us int64) {
	if d.took == nil {
		d.took = new(big.Int)
	}
	d.took.Add(d.took, big.NewInt(us))
}

// queue sets the sums aside for fold, and writes the states of projects.
func (s *sums) queue(b *pgx.Batch) {
	s.queueDays(b)
	s.queueTotals(b)
	if len(s.places) > 0 {
		var users, projects []pgtype.UUID
		var owned, member []bool
		for key, p := range s.places {
			users, projects = append(users, uuidOf(key[0])), append(projects, uuidOf(key[1]))
			owned, member = append(owned, p.owned), append(member, p.member)
		}
		b.Queue(placesSQL, users, projects, owned, member)
	}
	if len(s.states) > 0 {
		var projects []pgtype.UUID
		var sources, ids, by []string
		var at []time.Time
		var active []bool
		for _, key := range sortedIDs(s.states) {
			p := s.states[key]
			projects, sources, ids = append(projects, uuidOf(key)), append(sources, p.source), append(ids, p.id)
			at, by, active = append(at, p.at), append(by, p.by), append(active, p.active)
		}
		b.Queue(statesSQL, projects, sources, ids, at, by, active)
	}
}

func (s *sums) queueDays(b *pgx.Batch) {
	if len(s.days) == 0 {
		return
	}
	var users []pgtype.UUID
	var days []time.Time
	var hours []int32
	var took []string
	var commits []int64
	var counts [9][]int32
	for key, d := range s.days {
		users, days, hours = append(users, uuidOf(key.user)), append(days, dateOf(key.day)), append(hours, d.hours)
		text := "0"
		if d.took != nil {
			text = d.took.String()
		}
		took = append(took, text)
		commits = append(commits, d.commits)
		for i, n := range [9]int32{
			d.created, d.completed, d.timed, d.assigned[0], d.assigned[1], d.assigned[2], d.assigned[3], d.comments, d.reviews,
		} {
			counts[i] = append(counts[i], n)
		}
	}
	b.Queue(daysSQL, users, days, hours, counts[0], counts[1], took, counts[2], counts[3], counts[4], counts[5], counts[6],
		counts[7], commits, counts[8])
}

func (s *sums) queueTotals(b *pgx.Batch) {
	if len(s.totals) == 0 {
		return
	}
	var users []pgtype.UUID
	var tickets, comments []int32
	for user, t := range s.totals {
		users, tickets, comments = append(users, uuidOf(user)), append(tickets, t.tickets), append(comments, t.comments)
	}
	b.Queue(totalsSQL, users, tickets, comments)
}

func sortedIDs[T any](m map[id]T) []id {
	return slices.SortedFunc(maps.Keys(m), func(a, b id) int { return bytes.Compare(a[:], b[:]) })
}

package statistics

import (
	"bytes"
	"cmp"
	"maps"
	"math/big"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

const (
	daysSQL = `insert into days as d (user_id, day, hours, created, completed, completion_us, timed,
			assigned_week, assigned_month, assigned_quarter, assigned_year, comments, commits, reviews)
		select user_id, day, hours, created, completed, completion_us::numeric, timed, w, m, q, y, comments, commits, reviews
		from unnest($1::uuid[], $2::date[], $3::integer[], $4::bigint[], $5::bigint[], $6::text[], $7::bigint[], $8::bigint[],
			$9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[])
			as n (user_id, day, hours, created, completed, completion_us, timed, w, m, q, y, comments, commits, reviews)
		on conflict (user_id, day) do update set hours = d.hours | excluded.hours, created = d.created + excluded.created,
			completed = d.completed + excluded.completed, completion_us = d.completion_us + excluded.completion_us,
			timed = d.timed + excluded.timed, assigned_week = d.assigned_week + excluded.assigned_week,
			assigned_month = d.assigned_month + excluded.assigned_month, assigned_quarter = d.assigned_quarter + excluded.assigned_quarter,
			assigned_year = d.assigned_year + excluded.assigned_year, comments = d.comments + excluded.comments,
			commits = d.commits + excluded.commits, reviews = d.reviews + excluded.reviews`
	totalsSQL = `insert into user_totals as t (user_id, tickets, comments)
		select * from unnest($1::uuid[], $2::bigint[], $3::bigint[])
		on conflict (user_id) do update set tickets = t.tickets + excluded.tickets, comments = t.comments + excluded.comments`
	// The totals count what is new of places.
	placesSQL = `with f as (
			select * from unnest($1::uuid[], $2::uuid[], $3::boolean[], $4::boolean[]) as f (user_id, project, owned, member)
		), changed as (
			select f.*, p.user_id is null as fresh, f.owned and not coalesce(p.owned, false) as owns,
				f.member and not coalesce(p.member, false) as joins
			from f left join user_projects p on p.user_id = f.user_id and p.project = f.project
			where p.user_id is null or f.owned and not p.owned or f.member and not p.member
		), written as (
			insert into user_projects as p (user_id, project, owned, member) select user_id, project, owned, member from changed
			on conflict (user_id, project) do update set owned = p.owned or excluded.owned, member = p.member or excluded.member
		)
		insert into user_totals as t (user_id, projects, owned, member)
		select user_id, count(*) filter (where fresh), count(*) filter (where owns), count(*) filter (where joins) from changed group by user_id
		on conflict (user_id) do update set projects = t.projects + excluded.projects, owned = t.owned + excluded.owned,
			member = t.member + excluded.member`
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
	hours                      int32
	created, completed, timed  int64
	took                       *big.Int // microseconds; nil for none: some hundred of centuries are beyond 64 bits
	assigned                   [4]int64
	comments, commits, reviews int64
}

type totalDelta struct{ tickets, comments int64 }

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
func (d *dayDelta) addTook(us, sign int64) {
	if d.took == nil {
		d.took = new(big.Int)
	}
	d.took.Add(d.took, big.NewInt(us*sign))
}

// queue writes the rows in the order of their keys, as a person would expect them
// to lie.
func (s *sums) queue(b *pgx.Batch) {
	s.queueDays(b)
	s.queueTotals(b)
	if len(s.places) > 0 {
		var users, projects []pgtype.UUID
		var owned, member []bool
		for _, key := range slices.SortedFunc(maps.Keys(s.places), func(a, b [2]id) int {
			return cmp.Or(bytes.Compare(a[0][:], b[0][:]), bytes.Compare(a[1][:], b[1][:]))
		}) {
			users, projects = append(users, uuidOf(key[0])), append(projects, uuidOf(key[1]))
			owned, member = append(owned, s.places[key].owned), append(member, s.places[key].member)
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
	var numbers [10][]int64
	for _, key := range slices.SortedFunc(maps.Keys(s.days), func(a, b userDay) int {
		return cmp.Or(bytes.Compare(a.user[:], b.user[:]), a.day-b.day)
	}) {
		d := s.days[key]
		users, days, hours = append(users, uuidOf(key.user)), append(days, dateOf(key.day)), append(hours, d.hours)
		text := "0"
		if d.took != nil {
			text = d.took.String()
		}
		took = append(took, text)
		for i, n := range [10]int64{
			d.created, d.completed, d.timed, d.assigned[0], d.assigned[1], d.assigned[2], d.assigned[3], d.comments, d.commits, d.reviews,
		} {
			numbers[i] = append(numbers[i], n)
		}
	}
	b.Queue(daysSQL, users, days, hours, numbers[0], numbers[1], took, numbers[2], numbers[3], numbers[4], numbers[5], numbers[6],
		numbers[7], numbers[8], numbers[9])
}

func (s *sums) queueTotals(b *pgx.Batch) {
	if len(s.totals) == 0 {
		return
	}
	var users []pgtype.UUID
	var tickets, comments []int64
	for _, user := range sortedIDs(s.totals) {
		t := s.totals[user]
		users, tickets, comments = append(users, uuidOf(user)), append(tickets, t.tickets), append(comments, t.comments)
	}
	b.Queue(totalsSQL, users, tickets, comments)
}

func sortedIDs[T any](m map[id]T) []id {
	return slices.SortedFunc(maps.Keys(m), func(a, b id) int { return bytes.Compare(a[:], b[:]) })
}

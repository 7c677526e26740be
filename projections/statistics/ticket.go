package statistics

import (
	"slices"
	"time"
)

// ticket is what the activities about it tell so far. Its rows in the rollups are a
// function of that.
type ticket struct {
	id             id
	source, entity string
	known, changed bool

	opened   *time.Time // the earliest entity.createdAt
	created  *moment    // the earliest created activity, and whose it is
	creator  *id
	assigned *moment // the latest assignment, and to whom
	assignee *id
	dueSaid  *moment // the latest activity with a due date, and the date
	due      *time.Time
	turned   *moment // the latest activity that finished or reopened it
	finished bool

	turns  []turn
	days   map[id][]int // on which it was assigned to whom, in order
	joined []assignment // those that are new
}

// moment is a place in the order of activities.
type moment struct {
	at time.Time
	by string
}

func (m *moment) before(o *moment) bool { return before(m.at, m.by, o.at, o.by) }

// turn is a completion or a reopening; peer is the other end of their bond.
type turn struct {
	moment
	completed bool
	user      id
	peer      *moment
	known     bool // in the table
	changed   bool
}

type assignment struct {
	user id
	day  int
}

// apply adds an activity. Whoever is counted for a ticket at any time has a row of
// totals, if only of zeros.
func (t *ticket) apply(f *ticketFact, s *sums) {
	here := &moment{at: f.at, by: f.by}
	if f.opened != nil && (t.opened == nil || f.opened.Before(*t.opened)) {
		t.opened, t.changed = f.opened, true
	}
	if f.action == "created" && (t.created == nil || here.before(t.created)) {
		t.created, t.creator, t.changed = here, &f.user, true
		s.total(f.user)
	}
	switch f.action {
	case "completed", "reopened":
		t.turns = append(t.turns, turn{moment: *here, completed: f.action == "completed", user: f.user})
		fallthrough
	case "cancelled", "deleted":
		if t.turned == nil || t.turned.before(here) {
			t.turned, t.finished, t.changed = here, f.action != "reopened", true
		}
	}
	t.assign(f, here, s)
	if f.due != nil && (t.dueSaid == nil || t.dueSaid.before(here)) {
		t.dueSaid, t.due, t.changed = here, f.due, true
	}
}

func (t *ticket) assign(f *ticketFact, here *moment, s *sums) {
	away := f.action == "unassigned"
	if f.assignee == nil && !away {
		return
	}
	if t.assigned == nil || t.assigned.before(here) {
		t.assigned, t.assignee, t.changed = here, f.assignee, true
		if away {
			t.assignee = nil
		}
	}
	if away {
		return
	}
	to, day := *f.assignee, dayOf(f.at)
	at, there := slices.BinarySearch(t.days[to], day)
	if there {
		return
	}
	t.days[to] = slices.Insert(t.days[to], at, day)
	t.joined = append(t.joined, assignment{user: to, day: day})
	s.day(to, day) // a row, if only of zeros
	s.total(to)
}

// pair lets each reopening take back the latest completion before it that stands.
func (t *ticket) pair() {
	slices.SortFunc(t.turns, func(a, b turn) int {
		switch {
		case a.before(&b.moment):
			return -1
		case b.before(&a.moment):
			return 1
		}
		return 0
	})
	peers := make([]*moment, len(t.turns))
	var standing []int
	for i := range t.turns {
		if t.turns[i].completed {
			standing = append(standing, i)
			continue
		}
		if n := len(standing); n > 0 {
			c := standing[n-1]
			standing = standing[:n-1]
			peers[i], peers[c] = &t.turns[c].moment, &t.turns[i].moment
		}
	}
	for i := range t.turns {
		one := &t.turns[i]
		if !one.known || !same(one.peer, peers[i]) {
			one.changed = true
		}
		one.peer = peers[i]
	}
}

func same(a, b *moment) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.at.Equal(b.at) && a.by == b.by
}

// count adds the ticket's part of all rollups, or takes it away.
func (t *ticket) count(s *sums, sign int32) {
	if t.creator != nil {
		s.day(*t.creator, dayOf(t.created.at)).created += sign
		if len(t.days[*t.creator]) == 0 {
			s.total(*t.creator).tickets += sign
		}
	}
	start := t.opened
	if start == nil && t.created != nil {
		start = &t.created.at
	}
	for i := range t.turns {
		if one := &t.turns[i]; one.completed && one.peer == nil {
			d := s.day(one.user, dayOf(one.at))
			d.completed += sign
			if start != nil {
				d.timed += sign
				d.addTook(int64(sign) * max(0, one.at.UnixMicro()-start.UnixMicro()))
			}
		}
	}
	for user, days := range t.days {
		s.total(user).tickets += sign
		for i, day := range days {
			d := s.day(user, day)
			for w, window := range windowsOf(day) {
				if i == 0 || windowsOf(days[i-1])[w] != window {
					d.assigned[w] += sign
				}
			}
		}
	}
}

// windowsOf numbers the week, month, quarter and year that a day lies in.
func windowsOf(day int) [4]int {
	date := dateOf(day)
	month := date.Year()*12 + int(date.Month()) - 1
	week := (day + 3) / 7 // 1970 began on a Thursday
	if (day+3)%7 < 0 {
		week--
	}
	quarter := month / 3
	if month < 0 && month%3 != 0 {
		quarter--
	}
	return [4]int{week, month, quarter, date.Year()}
}

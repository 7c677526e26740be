package statistics

import (
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// ticketRows are the rows of tickets that are to be written, by column.
type ticketRows struct {
	tickets, creators, assignees                  []pgtype.UUID
	sources, entities                             []string
	opened, created, assigned, dueSaid, due, turn []pgtype.Timestamptz
	createdBy, assignedBy, dueBy, turnedBy        []*string
	finished                                      []bool

	turns struct {
		tickets, users []pgtype.UUID
		at             []time.Time
		by             []string
		completed      []bool
		peerAt         []pgtype.Timestamptz
		peerBy         []*string
	}
	joined struct {
		tickets, users []pgtype.UUID
		days           []time.Time
	}
}

func (r *ticketRows) add(t *ticket) {
	if t.changed || !t.known {
		r.tickets, r.sources, r.entities = append(r.tickets, uuidOf(t.id)), append(r.sources, t.source), append(r.entities, t.entity)
		r.opened, r.due = append(r.opened, orNull(t.opened)), append(r.due, orNull(t.due))
		r.created, r.createdBy = appendMoment(r.created, r.createdBy, t.created)
		r.assigned, r.assignedBy = appendMoment(r.assigned, r.assignedBy, t.assigned)
		r.dueSaid, r.dueBy = appendMoment(r.dueSaid, r.dueBy, t.dueSaid)
		r.turn, r.turnedBy = appendMoment(r.turn, r.turnedBy, t.turned)
		r.creators, r.assignees = append(r.creators, uuidOrNull(t.creator)), append(r.assignees, uuidOrNull(t.assignee))
		r.finished = append(r.finished, t.finished)
	}
	for i := range t.turns {
		if n := &t.turns[i]; n.changed {
			r.turns.tickets, r.turns.users = append(r.turns.tickets, uuidOf(t.id)), append(r.turns.users, uuidOf(n.user))
			r.turns.at, r.turns.by = append(r.turns.at, n.at), append(r.turns.by, n.by)
			r.turns.completed = append(r.turns.completed, n.completed)
			r.turns.peerAt, r.turns.peerBy = appendMoment(r.turns.peerAt, r.turns.peerBy, n.peer)
		}
	}
	for _, j := range t.joined {
		r.joined.tickets, r.joined.users = append(r.joined.tickets, uuidOf(t.id)), append(r.joined.users, uuidOf(j.user))
		r.joined.days = append(r.joined.days, dateOf(j.day))
	}
}

func appendMoment(at []pgtype.Timestamptz, by []*string, m *moment) ([]pgtype.Timestamptz, []*string) {
	if m == nil {
		return append(at, pgtype.Timestamptz{}), append(by, nil)
	}
	return append(at, orNull(&m.at)), append(by, &m.by)
}

func uuidOrNull(i *id) pgtype.UUID {
	if i == nil {
		return pgtype.UUID{}
	}
	return uuidOf(*i)
}

func (r *ticketRows) queue(b *pgx.Batch) {
	if len(r.tickets) > 0 {
		b.Queue(writeTicketsSQL, r.tickets, r.sources, r.entities, r.opened, r.created, r.createdBy, r.creators, r.assigned, r.assignedBy,
			r.assignees, r.dueSaid, r.dueBy, r.due, r.turn, r.turnedBy, r.finished)
	}
	if len(r.turns.tickets) > 0 {
		b.Queue(writeTurnsSQL, r.turns.tickets, r.turns.at, r.turns.by, r.turns.completed, r.turns.users, r.turns.peerAt, r.turns.peerBy)
	}
	if len(r.joined.tickets) > 0 {
		b.Queue(writeAssignmentsSQL, r.joined.tickets, r.joined.users, r.joined.days)
	}
}

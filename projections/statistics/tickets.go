package statistics

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/projections/runtime"
)

const (
	readTicketsSQL = `select ticket, source, entity_id, opened_at, created_at, created_id, creator, assigned_at, assigned_id, assignee,
		due_at, due_id, due, turned_at, turned_id, finished from tickets where ticket = any($1::uuid[])`
	readTurnsSQL       = `select ticket, at, id, completed, user_id, peer_at, peer_id from ticket_turns where ticket = any($1::uuid[])`
	readAssignmentsSQL = `select ticket, user_id, day from ticket_assignments where ticket = any($1::uuid[])`

	writeTicketsSQL = `insert into tickets select * from unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[],
			$6::text[], $7::uuid[], $8::timestamptz[], $9::text[], $10::uuid[], $11::timestamptz[], $12::text[], $13::timestamptz[],
			$14::timestamptz[], $15::text[], $16::boolean[])
		on conflict (ticket) do update set opened_at = excluded.opened_at, created_at = excluded.created_at, created_id = excluded.created_id,
			creator = excluded.creator, assigned_at = excluded.assigned_at, assigned_id = excluded.assigned_id, assignee = excluded.assignee,
			due_at = excluded.due_at, due_id = excluded.due_id, due = excluded.due, turned_at = excluded.turned_at,
			turned_id = excluded.turned_id, finished = excluded.finished`
	writeTurnsSQL = `insert into ticket_turns select * from unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::boolean[], $5::uuid[],
			$6::timestamptz[], $7::text[])
		on conflict (ticket, at, id) do update set peer_at = excluded.peer_at, peer_id = excluded.peer_id`
	writeAssignmentsSQL = `insert into ticket_assignments select * from unnest($1::uuid[], $2::uuid[], $3::date[]) on conflict do nothing`
)

// tickets are those that a batch concerns.
type tickets struct {
	by    map[id]*ticket
	order []id
	facts []ticketFact
}

// ticketFact is an activity about a ticket.
type ticketFact struct {
	ticket   id
	source   string
	entity   string
	action   string
	user     id
	at       time.Time
	by       string // source id
	assignee *id
	due      *time.Time
	opened   *time.Time
}

func newTickets() *tickets { return &tickets{by: map[id]*ticket{}} }

func (t *tickets) take(m runtime.Event, e *events.ActivityRecorded, user id, at time.Time) error {
	assignee, err := parseAssignee(e.Assignee)
	if err != nil {
		return err
	}
	f := ticketFact{
		ticket: key(m.Source, e.EntityID).Bytes, source: m.Source, entity: e.EntityID, action: e.Action, user: user, at: at, by: e.SourceID,
		assignee: assignee,
	}
	if e.Due != nil {
		due := instant(*e.Due)
		f.due = &due
	}
	if e.EntityCreatedAt != nil {
		opened := instant(*e.EntityCreatedAt)
		f.opened = &opened
	}
	t.facts = append(t.facts, f)
	if t.by[f.ticket] == nil {
		t.by[f.ticket] = &ticket{id: f.ticket, source: f.source, entity: f.entity, days: map[id][]int{}}
		t.order = append(t.order, f.ticket)
	}
	return nil
}

// fold reads what is known of the tickets, adds the facts, and notes by how much
// that changes the sums.
func (t *tickets) fold(ctx context.Context, tx pgx.Tx, s *sums) error {
	if len(t.facts) == 0 {
		return nil
	}
	if err := t.read(ctx, tx); err != nil {
		return err
	}
	for _, one := range t.by {
		one.count(s, -1)
	}
	for i := range t.facts {
		t.by[t.facts[i].ticket].apply(&t.facts[i], s)
	}
	for _, one := range t.by {
		one.pair()
		one.count(s, 1)
	}
	return nil
}

func (t *tickets) read(ctx context.Context, tx pgx.Tx) error {
	ids := make([]pgtype.UUID, len(t.order))
	for i, ticket := range t.order {
		ids[i] = uuidOf(ticket)
	}
	b := &pgx.Batch{}
	b.Queue(readTicketsSQL, ids).Query(t.readTickets)
	b.Queue(readTurnsSQL, ids).Query(t.readTurns)
	b.Queue(readAssignmentsSQL, ids).Query(t.readAssignments)
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return fmt.Errorf("read %d tickets: %w", len(ids), err)
	}
	return nil
}

func (t *tickets) readTickets(rows pgx.Rows) error {
	for rows.Next() {
		var (
			ticket, creator, assignee                         pgtype.UUID
			source, entity                                    string
			createdBy, assignedBy, dueBy, turnedBy            *string
			openedAt, createdAt, assignedAt, dueAt, due, turn *time.Time
			finished                                          bool
		)
		if err := rows.Scan(&ticket, &source, &entity, &openedAt, &createdAt, &createdBy, &creator, &assignedAt, &assignedBy, &assignee,
			&dueAt, &dueBy, &due, &turn, &turnedBy, &finished); err != nil {
			return err
		}
		one := t.by[ticket.Bytes]
		one.known, one.opened, one.due, one.finished = true, openedAt, due, finished
		one.created, one.creator = momentOf(createdAt, createdBy), idOf(creator)
		one.assigned, one.assignee = momentOf(assignedAt, assignedBy), idOf(assignee)
		one.dueSaid, one.turned = momentOf(dueAt, dueBy), momentOf(turn, turnedBy)
	}
	return rows.Err()
}

func (t *tickets) readTurns(rows pgx.Rows) error {
	for rows.Next() {
		var (
			ticket, user pgtype.UUID
			n            turn
			peerAt       *time.Time
			peerBy       *string
		)
		if err := rows.Scan(&ticket, &n.at, &n.by, &n.completed, &user, &peerAt, &peerBy); err != nil {
			return err
		}
		n.user, n.peer, n.known = user.Bytes, momentOf(peerAt, peerBy), true
		t.by[ticket.Bytes].turns = append(t.by[ticket.Bytes].turns, n)
	}
	return rows.Err()
}

func (t *tickets) readAssignments(rows pgx.Rows) error {
	for rows.Next() {
		var (
			ticket, user pgtype.UUID
			day          time.Time
		)
		if err := rows.Scan(&ticket, &user, &day); err != nil {
			return err
		}
		one := t.by[ticket.Bytes]
		one.days[user.Bytes] = append(one.days[user.Bytes], dayOf(day))
	}
	for _, one := range t.by {
		for user := range one.days {
			slices.Sort(one.days[user])
		}
	}
	return rows.Err()
}

func momentOf(at *time.Time, by *string) *moment {
	if at == nil || by == nil {
		return nil
	}
	return &moment{at: *at, by: *by}
}

func idOf(u pgtype.UUID) *id {
	if !u.Valid {
		return nil
	}
	return &u.Bytes
}

// queue writes what changed.
func (t *tickets) queue(b *pgx.Batch) {
	var rows ticketRows
	for _, ticket := range t.order {
		rows.add(t.by[ticket])
	}
	rows.queue(b)
}

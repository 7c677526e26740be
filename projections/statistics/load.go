package statistics

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/projections/runtime"
)

// load does what many activities do, with a few statements: it folds tickets in
// memory, adds up what goes into the same rows, and sets the sums aside for fold.
// The numbers depend on the activities alone, so that the tables are then those that
// one activity after the other would give, whatever handlers add meanwhile.
func load(ctx context.Context, tx pgx.Tx, batch []runtime.Loaded) error {
	s := newSums()
	tickets := newTickets()
	for _, l := range batch {
		e, ok := l.Payload.(*events.ActivityRecorded)
		if !ok {
			return fmt.Errorf("statistics of %s: want an activity", l.Type)
		}
		if err := s.take(l.Event, e, tickets); err != nil {
			return fmt.Errorf("statistics of the activity at %d: %w", l.Sequence, err)
		}
	}
	if _, err := tx.Exec(ctx, setAsideSQL); err != nil {
		return fmt.Errorf("make tables for sums: %w", err)
	}
	if err := tickets.fold(ctx, tx, s); err != nil {
		return err
	}
	b := &pgx.Batch{}
	tickets.queue(b)
	s.queue(b)
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return fmt.Errorf("write the statistics of %d activities: %w", len(batch), err)
	}
	return nil
}

type id = [16]byte

// take adds what an activity does by itself, and leaves tickets for later.
func (s *sums) take(m runtime.Event, e *events.ActivityRecorded, tickets *tickets) error {
	if e.Type == events.AccountActivity {
		return nil
	}
	user, err := parseID(e.User)
	if err != nil {
		return fmt.Errorf("activity of a user: %w", err)
	}
	at := instant(e.OccurredAt)
	today := s.day(user.Bytes, dayOf(at))
	today.hours |= int32(1) << at.Hour()
	projectID := projectOf(e)
	project := projectKey(m.Source, projectID)
	owns := e.Type == events.ProjectActivity && e.Action == "created"
	if project.Valid {
		s.place(user.Bytes, project.Bytes, owns)
	}
	if e.Type == events.TicketActivity {
		return tickets.take(m, e, user.Bytes, at)
	}
	comments, commits, reviews := amounts(e)
	today.comments += int32(comments)
	today.commits += commits
	today.reviews += int32(reviews)
	if comments > 0 {
		s.total(user.Bytes).comments += int32(comments)
	}
	if active, changes := stateOf(e); changes && project.Valid {
		s.state(project.Bytes, projectState{source: m.Source, id: projectID, at: at, by: e.SourceID, active: active})
	}
	return nil
}

// instant is a time as PostgreSQL keeps it: to the microsecond.
func instant(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// dayOf counts days in UTC from 1970.
func dayOf(t time.Time) int {
	seconds := t.Unix()
	day := seconds / secondsOfDay
	if seconds%secondsOfDay < 0 {
		day--
	}
	return int(day)
}

const secondsOfDay = 24 * 60 * 60

func dateOf(day int) time.Time { return time.Unix(int64(day)*secondsOfDay, 0).UTC() }

func uuidOf(i id) pgtype.UUID { return pgtype.UUID{Bytes: i, Valid: true} }

// orNull is null for the zero time, which nothing here is dated by otherwise.
func orNull(t *time.Time) pgtype.Timestamptz {
	if t == nil {
		return pgtype.Timestamptz{}
	}
	return pgtype.Timestamptz{Time: *t, Valid: true}
}

// parseAssignee returns nil for nobody.
func parseAssignee(s string) (*id, error) {
	if s == "" {
		return nil, nil //nolint:nilnil // nobody is an answer
	}
	assignee, err := parseID(s)
	if err != nil {
		return nil, errors.Join(errors.New("assignee of a ticket"), err)
	}
	return &assignee.Bytes, nil
}

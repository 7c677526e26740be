// Package statistics is the read model of what users did, in numbers: rollups
// per user and UTC day, and counts over all time.
//
// Promises of this package:
//
//   - The numbers depend on the activities alone, not on the order in which they
//     arrive: late and out-of-order events give what ordered ones would.
//   - An activity costs one statement: two or three cheap upserts inside it for
//     most, a few more for one about a ticket. None of them grows with the number
//     of a user's activities.
//
// The rules (times are UTC; the order of activities is occurredAt, then source id):
//
//   - A ticket is known by its source and entity id. It is created once: by whom
//     its earliest "created" activity names, on that day.
//   - Each "completed" activity is a completion of the user who did it, on that
//     day. A "reopened" activity takes back the latest completion before it that
//     still stands, from whoever completed. The completion's time runs from the
//     earliest entity.createdAt known of the ticket, else from its earliest
//     "created" activity, and is never negative; a ticket that has neither counts
//     as completed but not for the average.
//   - An activity about a ticket that names an assignee assigns the ticket to
//     them, save "unassigned", which leaves it with nobody. A ticket counts once in
//     a window for each user whom it was assigned to in it. The latest of these
//     activities says whose it is; the latest with a due date says when it is due.
//     "completed", "cancelled" and "deleted" finish a ticket, "reopened" opens it.
//   - A project is known by its source and project id, or by the entity id of an
//     activity about a project that names none. A user owns it by "created", and is
//     a member by any other activity in it; both may hold. "archived" and "deleted"
//     close a project, "created", "unarchived" and "restored" open it; the latest
//     counts.
//   - Comments and reviews count one each; commits count what the activity says.
//   - An active hour is a clock hour with an activity of the user of any type but
//     account, which this model leaves out altogether.
package statistics

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/projections/runtime"
)

//go:embed migrations/*.sql
var migrations embed.FS //nolint:gochecknoglobals // go:embed knows no other way

// Projection returns the read model.
func Projection() runtime.Projection {
	return runtime.Projection{
		Name: "statistics", Version: 1, Stream: events.Activity,
		Migrations: files(),
		Handlers:   []runtime.Handler{runtime.OnPublic(record)},
		Load:       load, Fold: fold, NeededIndexes: []string{"ticket_turns_standing"},
	}
}

func files() fs.FS {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return sub
}

const (
	recordTicket = `select record_ticket($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`

	recordActivity = `select record_activity($1, $2, $3, $4, $5, $6, $7, $8)`

	recordProjectState = `insert into projects as p (project, source, project_id, changed_at, changed_id, active)
values ($1, $2, $3, $4, $5, $6)
on conflict (project) do update
set changed_at = excluded.changed_at, changed_id = excluded.changed_id, active = excluded.active
where (p.changed_at, p.changed_id) < (excluded.changed_at, excluded.changed_id)`
)

func record(_ context.Context, q runtime.Queue, m runtime.Event, e *events.ActivityRecorded) error {
	if e.Type == events.AccountActivity {
		return nil
	}
	user, err := parseID(e.User)
	if err != nil {
		return fmt.Errorf("activity of a user: %w", err)
	}
	at := e.OccurredAt.UTC()
	hour := int32(1) << at.Hour()
	projectID := projectOf(e)
	project := projectKey(m.Source, projectID)
	if e.Type == events.TicketActivity {
		assignee, err := parseID(e.Assignee)
		if err != nil && e.Assignee != "" {
			return fmt.Errorf("assignee of a ticket: %w", err)
		}
		q.Queue(recordTicket, key(m.Source, e.EntityID), m.Source, e.EntityID, e.Action, user, at, e.SourceID, hour,
			assignee, e.Due, e.EntityCreatedAt, project)
		return nil
	}
	owns := e.Type == events.ProjectActivity && e.Action == "created"
	comments, commits, reviews := amounts(e)
	q.Queue(recordActivity, user, day(at), hour, comments, commits, reviews, project, owns)
	if active, changes := stateOf(e); changes && project.Valid {
		q.Queue(recordProjectState, project, m.Source, projectID, at, e.SourceID, active)
	}
	return nil
}

// amounts says how much an activity adds to the sums of its day.
func amounts(e *events.ActivityRecorded) (comments, commits, reviews int64) {
	switch e.Type {
	case events.CommentActivity:
		return 1, 0, 0
	case events.CommitActivity:
		return 0, e.Count, 0
	case events.ReviewActivity:
		return 0, 0, 1
	default:
		return 0, 0, 0
	}
}

// stateOf says whether an activity opens or closes its project.
func stateOf(e *events.ActivityRecorded) (active, changes bool) {
	if e.Type != events.ProjectActivity {
		return false, false
	}
	switch e.Action {
	case "created", "unarchived", "restored":
		return true, true
	case "archived", "deleted":
		return false, true
	default:
		return false, false
	}
}

func day(at time.Time) time.Time {
	return time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, time.UTC)
}

// parseID returns the invalid UUID, SQL's null, with its error.
func parseID(s string) (pgtype.UUID, error) {
	id, err := uuid.Parse(s)
	if err != nil {
		return pgtype.UUID{}, fmt.Errorf("parse id %q: %w", s, err)
	}
	return pgtype.UUID{Bytes: id, Valid: true}, nil
}

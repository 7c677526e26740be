package query

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rosterhq/roster/query/internal/rows"
)

// Period is a calendar window in UTC.
type Period string

// The periods; a week starts on Monday.
const (
	Week    Period = "week"
	Month   Period = "month"
	Quarter Period = "quarter"
	Year    Period = "year"
)

// Statistics of one user in the current window of a period.
type Statistics struct {
	Period     Period
	Start, End time.Time // End is the window's last second

	TicketsCreated, TicketsCompleted, TicketsAssigned, TicketsOverdue int64
	ProjectsOwned, ProjectsMember, ProjectsActive                     int64
	Comments, Commits, Reviews                                        int64
	CompletionTime                                                    time.Duration // average; 0 with nothing completed
	CompletionRate                                                    float64       // 0..1, two decimals
	ActiveHours                                                       int64
}

// Counts are totals over all time.
type Counts struct {
	Owned                       int64 // of Projects
	Projects, Tickets, Comments int64
}

// Window returns the calendar window of a period that holds now: its first and
// last second.
func Window(p Period, now time.Time) (start, end time.Time, err error) {
	now = now.UTC()
	today := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, time.UTC)
	var next time.Time
	switch p {
	case Week:
		start = today.AddDate(0, 0, -(int(today.Weekday())+6)%7)
		next = start.AddDate(0, 0, 7)
	case Month:
		start = today.AddDate(0, 0, 1-today.Day())
		next = start.AddDate(0, 1, 0)
	case Quarter:
		start = time.Date(now.Year(), (now.Month()-1)/3*3+1, 1, 0, 0, 0, 0, time.UTC)
		next = start.AddDate(0, 3, 0)
	case Year:
		start = time.Date(now.Year(), time.January, 1, 0, 0, 0, 0, time.UTC)
		next = start.AddDate(1, 0, 0)
	default:
		return time.Time{}, time.Time{}, fmt.Errorf("period %q: want week, month, quarter or year", p)
	}
	return start, next.Add(-time.Second), nil
}

// Statistics returns the statistics of the window that holds now.
func (q *Queries) Statistics(ctx context.Context, userID string, p Period, now time.Time) (Statistics, error) {
	start, end, err := Window(p, now)
	if err != nil {
		return Statistics{}, err
	}
	s := Statistics{Period: p, Start: start, End: end}
	user, err := parseID(userID)
	if err != nil {
		return s, nil //nolint:nilerr // nobody did nothing
	}
	if err := q.await(ctx, userID, q.statistics); err != nil {
		return Statistics{}, err
	}
	r, err := q.rows.Statistics(ctx, rows.StatisticsParams{UserID: user, AsOf: now, FirstDay: start, LastDay: end.Truncate(24 * time.Hour)})
	if err != nil {
		return Statistics{}, failure(ctx, "read statistics", err)
	}
	s.fill(r)
	return s, nil
}

func (s *Statistics) fill(r rows.StatisticsRow) {
	s.TicketsCreated, s.TicketsCompleted, s.TicketsOverdue = r.Created, r.Completed, r.Overdue
	s.TicketsAssigned = map[Period]int64{
		Week: r.AssignedWeek, Month: r.AssignedMonth, Quarter: r.AssignedQuarter, Year: r.AssignedYear,
	}[s.Period]
	s.ProjectsOwned, s.ProjectsMember, s.ProjectsActive = r.Owned, r.Member, r.Projects-r.Closed
	s.Comments, s.Commits, s.Reviews, s.ActiveHours = r.Comments, r.Commits, r.Reviews, r.ActiveHours
	s.CompletionTime = microseconds(r.AverageCompletionUs)
	if r.Created > 0 {
		s.CompletionRate = min(1, math.Round(float64(r.Completed)/float64(r.Created)*100)/100)
	}
}

// microseconds stops at the longest Duration, 292 years.
func microseconds(us int64) time.Duration {
	return time.Duration(min(us, math.MaxInt64/int64(time.Microsecond))) * time.Microsecond
}

// Counts returns totals over all time.
func (q *Queries) Counts(ctx context.Context, userID string) (Counts, error) {
	user, err := parseID(userID)
	if err != nil {
		return Counts{}, nil //nolint:nilerr // nobody did nothing
	}
	if err := q.await(ctx, userID, q.statistics); err != nil {
		return Counts{}, err
	}
	r, err := q.rows.Totals(ctx, user)
	if errors.Is(err, pgx.ErrNoRows) {
		return Counts{}, nil
	}
	if err != nil {
		return Counts{}, failure(ctx, "read counts", err)
	}
	return Counts{Owned: r.Owned, Projects: r.Projects, Tickets: r.Tickets, Comments: r.Comments}, nil
}

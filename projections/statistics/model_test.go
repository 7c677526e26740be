package statistics

import (
	"cmp"
	"slices"
	"time"

	"github.com/rosterhq/roster/events"
)

// fact is an activity with its source, as the model below takes it.
type fact struct {
	source string
	events.ActivityRecorded
}

func byTime(a, b fact) int {
	return cmp.Or(a.OccurredAt.Compare(b.OccurredAt), cmp.Compare(a.source, b.source), cmp.Compare(a.SourceID, b.SourceID))
}

// numbers are one user's statistics of a window, and the counts over all time.
type numbers struct {
	Created, Completed, Assigned, Overdue int64
	CompletionUS, Timed                   int64
	Comments, Commits, Reviews, Hours     int64
	Owned, Member, Active, Projects       int64
	Tickets, AllComments                  int64
}

// expect computes the numbers from the rules, the slow and plain way.
func expect(facts []fact, user string, from, to, now time.Time) numbers {
	facts = slices.SortedFunc(slices.Values(facts), byTime)
	in := func(t time.Time) bool { return !t.Before(from) && t.Before(to) }
	var n numbers
	hours := map[time.Time]bool{}
	owned, member, closed := map[string]bool{}, map[string]bool{}, map[string]bool{}
	tickets := map[string][]fact{}
	for _, f := range facts {
		if f.Type == events.AccountActivity {
			continue
		}
		project := f.source + "/" + f.ProjectID
		if f.Type == events.ProjectActivity {
			if f.ProjectID == "" {
				project = f.source + "/" + f.EntityID
			}
			switch f.Action {
			case "archived", "deleted":
				closed[project] = true
			case "created", "restored", "unarchived":
				closed[project] = false
			}
		}
		if f.Type == events.TicketActivity {
			tickets[f.source+"/"+f.EntityID] = append(tickets[f.source+"/"+f.EntityID], f)
		}
		if f.User != user {
			continue
		}
		if project != f.source+"/" {
			if f.Type == events.ProjectActivity && f.Action == "created" {
				owned[project] = true
			} else {
				member[project] = true
			}
		}
		if f.Type == events.CommentActivity {
			n.AllComments++
		}
		if !in(f.OccurredAt) {
			continue
		}
		hours[f.OccurredAt.Truncate(time.Hour)] = true
		switch f.Type {
		case events.CommentActivity:
			n.Comments++
		case events.ReviewActivity:
			n.Reviews++
		case events.CommitActivity:
			n.Commits += f.Count
		}
	}
	n.Hours, n.Owned, n.Member = int64(len(hours)), int64(len(owned)), int64(len(member))
	for p := range owned {
		member[p] = true
	}
	n.Projects = int64(len(member))
	for p := range member {
		if !closed[p] {
			n.Active++
		}
	}
	for _, history := range tickets {
		n.add(history, user, in, now)
	}
	return n
}

// add adds one ticket, its history in order.
func (n *numbers) add(history []fact, user string, in func(time.Time) bool, now time.Time) {
	var start, due, created *time.Time
	var creator, assignee string
	var standing []fact
	finished, assigned, ever := false, false, false
	for _, f := range history {
		if f.EntityCreatedAt != nil && (start == nil || f.EntityCreatedAt.Before(*start)) {
			start = f.EntityCreatedAt
		}
		if f.Due != nil {
			due = f.Due
		}
		switch f.Action {
		case "created":
			if created == nil {
				created, creator = &f.OccurredAt, f.User
			}
		case "completed":
			standing, finished = append(standing, f), true
		case "reopened":
			standing, finished = standing[:max(0, len(standing)-1)], false
		case "cancelled", "deleted":
			finished = true
		}
		switch {
		case f.Action == "unassigned":
			assignee = ""
		case f.Assignee != "":
			assignee = f.Assignee
			ever = ever || assignee == user
			assigned = assigned || assignee == user && in(f.OccurredAt)
		}
	}
	count := func(to *int64, when bool) {
		if when {
			*to++
		}
	}
	count(&n.Created, creator == user && in(*orZero(created)))
	count(&n.Tickets, creator == user || ever)
	count(&n.Assigned, assigned)
	count(&n.Overdue, assignee == user && !finished && due != nil && due.Before(now))
	if start == nil {
		start = created
	}
	for _, f := range standing {
		if f.User != user || !in(f.OccurredAt) {
			continue
		}
		n.Completed++
		if start != nil {
			n.Timed++
			n.CompletionUS += max(0, f.OccurredAt.Sub(*start).Microseconds())
		}
	}
}

func orZero(t *time.Time) *time.Time {
	if t == nil {
		return &time.Time{}
	}
	return t
}

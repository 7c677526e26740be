package projtest

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/rosterhq/roster/events"
)

// Work makes the n-th activity of a log as trackers and repositories fill it: time
// goes on, tickets live for a while, and each is created, assigned, completed, now
// and then reopened.
func (h *History) Work(users, n int) events.Draft {
	user := UUID(1, uint64(h.rand.IntN(users)+1))
	project := h.rand.IntN(users/10 + 1)
	a := &events.ActivityRecorded{
		Sealed: events.Seal(events.ActivityPrivate{
			EntityTitle: fmt.Sprintf("Thing %d of some length, as titles have", n), EntityURL: "https://tracker.example.com/things/" + strconv.Itoa(n),
			ProjectName: "octo/cat-" + strconv.Itoa(project), Metadata: json.RawMessage(`{"kind":"pull_request","merged":` + strconv.FormatBool(n%2 == 0) + `}`),
		}),
		User: user, ProjectID: strconv.Itoa(project), Workspace: "octo", EntityID: "octo/cat#" + strconv.Itoa(n),
		OccurredAt: Epoch.Add(time.Duration(n)*20*time.Second + time.Duration(h.rand.IntN(3600))*time.Second),
	}
	switch kind := h.rand.IntN(100); {
	case kind < 30:
		h.ticket(a, n, users)
	case kind < 33:
		a.Type, a.Action, a.EntityID = events.ProjectActivity, "created", a.ProjectID
	case kind < 58:
		a.Type, a.Action = events.CommentActivity, "created"
	case kind < 70:
		a.Type, a.Action = events.ReviewActivity, "submitted"
	default:
		a.Type, a.Action, a.Count = events.CommitActivity, "pushed", int64(1+h.rand.IntN(4))
	}
	return h.Draft(user, a)
}

// ticket is one of the last hundred or so, at some point of its life.
func (h *History) ticket(a *events.ActivityRecorded, n, users int) {
	a.Type = events.TicketActivity
	a.EntityID = "octo/cat#" + strconv.Itoa(n/16+h.rand.IntN(100))
	switch step := h.rand.IntN(10); {
	case step < 3:
		a.Action = "created"
	case step < 6:
		a.Action, a.Assignee = "assigned", UUID(1, uint64(h.rand.IntN(users)+1))
	case step < 9:
		a.Action = "completed"
	default:
		a.Action = "reopened"
	}
}

// Works makes n activities of a long log, from the n-th on.
func (h *History) Works(users, from, n int) []events.Draft {
	out := make([]events.Draft, n)
	for i := range out {
		out[i] = h.Work(users, from+i)
	}
	return out
}

package v1

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/api/v1/client"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query"
)

var activityTypes = []events.ActivityType{
	events.TicketActivity, events.ProjectActivity, events.CommentActivity,
	events.ReviewActivity, events.CommitActivity, events.AccountActivity,
}

// types reads the parameter type: names separated by commas.
func (p parameters) types() ([]events.ActivityType, error) {
	s := p.values.Get("type")
	if s == "" {
		return nil, nil
	}
	var out []events.ActivityType
	for name := range strings.SplitSeq(s, ",") {
		t := events.ActivityType(strings.TrimSpace(name))
		if !slices.Contains(activityTypes, t) {
			return nil, parameter("type", "unknown", "must be of ticket, project, comment, review, commit, account")
		}
		if !slices.Contains(out, t) {
			out = append(out, t)
		}
	}
	return out, nil
}

func (h *Handler) listActivities(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	id, err := h.reading(r, c, commands.ReadActivities)
	if err != nil {
		return err
	}
	params, err := parametersOf(r)
	if err != nil {
		return err
	}
	types, err := params.types()
	if err != nil {
		return err
	}
	limit, cursor, err := params.page()
	if err != nil {
		return err
	}
	page, err := h.Queries.Activities(r.Context(), query.ActivityFilter{UserID: id, Types: types, Limit: limit, Cursor: cursor})
	if err != nil {
		return err
	}
	out := client.ActivityPage{Items: make([]client.Activity, len(page.Items)), Next: page.Next}
	for i, a := range page.Items {
		out.Items[i] = activityOf(a)
	}
	return answer(w, http.StatusOK, out)
}

func (h *Handler) countActivities(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	id, err := h.reading(r, c, commands.ReadActivities)
	if err != nil {
		return err
	}
	params, err := parametersOf(r)
	if err != nil {
		return err
	}
	types, err := params.types()
	if err != nil {
		return err
	}
	total, err := h.Queries.ActivityTotal(r.Context(), id, types)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, client.ActivityCount{Count: total})
}

func (h *Handler) getStatistics(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	id, err := h.reading(r, c, commands.ReadActivities)
	if err != nil {
		return err
	}
	params, err := parametersOf(r)
	if err != nil {
		return err
	}
	period := query.Period(params.values.Get("period"))
	if period == "" {
		period = query.Month
	}
	if !slices.Contains([]query.Period{query.Week, query.Month, query.Quarter, query.Year}, period) {
		return parameter("period", "unknown", "must be week, month, quarter or year")
	}
	s, err := h.Queries.Statistics(r.Context(), id, period, h.Clock())
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, statisticsOf(s))
}

func statisticsOf(s query.Statistics) client.Statistics {
	out := client.Statistics{Period: client.Period(s.Period), Start: s.Start.UTC(), End: s.End.UTC()}
	out.Tickets.Created, out.Tickets.Completed = s.TicketsCreated, s.TicketsCompleted
	out.Tickets.Assigned, out.Tickets.Overdue = s.TicketsAssigned, s.TicketsOverdue
	out.Projects.Owned, out.Projects.Member, out.Projects.Active = s.ProjectsOwned, s.ProjectsMember, s.ProjectsActive
	out.Activity.Comments, out.Activity.Commits, out.Activity.Reviews = s.Comments, s.Commits, s.Reviews
	out.Productivity.AverageCompletionSeconds = int64(s.CompletionTime / time.Second)
	out.Productivity.CompletionRate = s.CompletionRate
	out.Productivity.ActiveHours = s.ActiveHours
	return out
}

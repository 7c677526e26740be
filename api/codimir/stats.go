package codimir

import (
	"math"
	"net/url"
	"strconv"
	"time"

	"github.com/rosterhq/roster/query"
)

// stats is the data of GET /api/user/stats.
type stats struct {
	Period       string       `json:"period"`
	StartDate    timestamp    `json:"startDate"`
	EndDate      timestamp    `json:"endDate"`
	Tickets      ticketStats  `json:"tickets"`
	Projects     projectStats `json:"projects"`
	Activity     deedStats    `json:"activity"`
	Productivity productivity `json:"productivity"`
}

type ticketStats struct {
	Created   int64 `json:"created"`
	Completed int64 `json:"completed"`
	Assigned  int64 `json:"assigned"`
	Overdue   int64 `json:"overdue"`
}

type projectStats struct {
	Owned  int64 `json:"owned"`
	Member int64 `json:"member"`
	Active int64 `json:"active"`
}

type deedStats struct {
	Comments int64 `json:"comments"`
	Commits  int64 `json:"commits"`
	Reviews  int64 `json:"reviews"`
}

type productivity struct {
	AverageCompletionTime string  `json:"averageCompletionTime"`
	CompletionRate        float64 `json:"completionRate"`
	ActiveHours           int64   `json:"activeHours"`
}

func statsOf(s query.Statistics) stats {
	return stats{
		Period: string(s.Period), StartDate: timestamp(s.Start), EndDate: timestamp(s.End),
		Tickets: ticketStats{
			Created: s.TicketsCreated, Completed: s.TicketsCompleted, Assigned: s.TicketsAssigned, Overdue: s.TicketsOverdue,
		},
		Projects: projectStats{Owned: s.ProjectsOwned, Member: s.ProjectsMember, Active: s.ProjectsActive},
		Activity: deedStats{Comments: s.Comments, Commits: s.Commits, Reviews: s.Reviews},
		Productivity: productivity{
			AverageCompletionTime: days(s.CompletionTime), CompletionRate: s.CompletionRate, ActiveHours: s.ActiveHours,
		},
	}
}

// days writes a duration as "2.5 days": at most one decimal.
func days(d time.Duration) string {
	tenths := math.Round(float64(max(d, 0)) / float64(24*time.Hour) * 10)
	return strconv.FormatFloat(tenths/10, 'f', -1, 64) + " days"
}

func parsePeriod(values url.Values) (query.Period, error) {
	if !values.Has("period") {
		return query.Month, nil
	}
	switch p := query.Period(values.Get("period")); p {
	case query.Week, query.Month, query.Quarter, query.Year:
		return p, nil
	}
	return "", badRequest("period must be week, month, quarter or year")
}

package codimir

import (
	"net/url"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rosterhq/roster/query"
)

func TestStatsAsThePageShowsThem(t *testing.T) {
	t.Parallel()
	s := query.Statistics{
		Period: query.Month, Start: time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC), End: time.Date(2024, 1, 31, 23, 59, 59, 0, time.UTC),
		TicketsCreated: 15, TicketsCompleted: 12, TicketsAssigned: 8, TicketsOverdue: 2, ProjectsOwned: 3, ProjectsMember: 7, ProjectsActive: 5,
		Comments: 45, Commits: 23, Reviews: 8, CompletionTime: 60 * time.Hour, CompletionRate: 0.8, ActiveHours: 120,
	}
	require.JSONEq(t, `{"period":"month","startDate":"2024-01-01T00:00:00Z","endDate":"2024-01-31T23:59:59Z",
		"tickets":{"created":15,"completed":12,"assigned":8,"overdue":2},
		"projects":{"owned":3,"member":7,"active":5},
		"activity":{"comments":45,"commits":23,"reviews":8},
		"productivity":{"averageCompletionTime":"2.5 days","completionRate":0.8,"activeHours":120}}`, encode(t, statsOf(s)))
}

func TestDays(t *testing.T) {
	t.Parallel()
	tests := map[time.Duration]string{
		0: "0 days", -time.Hour: "0 days", time.Minute: "0 days", 2 * time.Hour: "0.1 days", 24 * time.Hour: "1 days",
		60 * time.Hour: "2.5 days", 61 * time.Hour: "2.5 days", 240 * time.Hour: "10 days", 24*365*time.Hour + 5*time.Hour: "365.2 days",
	}
	for d, want := range tests {
		require.Equal(t, want, days(d), d)
	}
	form := regexp.MustCompile(`^\d+(\.\d)? days$`)
	rapid.Check(t, func(t *rapid.T) {
		require.Regexp(t, form, days(time.Duration(rapid.Int64().Draw(t, "duration"))))
	})
}

func TestPeriod(t *testing.T) {
	t.Parallel()
	good := map[string]query.Period{
		"": query.Month, "period=week": query.Week, "period=month": query.Month, "period=quarter": query.Quarter, "period=year": query.Year,
	}
	for raw, want := range good {
		values, _ := url.ParseQuery(raw)
		got, err := parsePeriod(values)
		require.NoError(t, err, raw)
		require.Equal(t, want, got)
	}
	for _, raw := range []string{"period=day", "period=", "period=Month", "period=month%00", "period=%ff"} {
		values, _ := url.ParseQuery(raw)
		_, err := parsePeriod(values)
		require.Error(t, err, raw)
		require.Equal(t, 400, faultOf(err).status)
		require.Equal(t, "BAD_REQUEST", faultOf(err).code)
	}
}

func FuzzPeriod(f *testing.F) {
	f.Add("period=week")
	f.Add("period=%00&period=month")
	f.Fuzz(func(t *testing.T, raw string) {
		values, _ := url.ParseQuery(raw)
		if _, err := parsePeriod(values); err != nil {
			require.Equal(t, 400, faultOf(err).status)
		}
	})
}

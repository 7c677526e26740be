package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/rosterhq/roster/api/apitest"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/internal/gharchive"
)

// The tests of this file import into the real system and compare what it serves
// with what the test itself counts in the file.

func TestTwinIntoTheSystem(t *testing.T) {
	t.Parallel()
	whole(t, twin, hourCounts{events: 24, actors: 4, users: 5})
}

// TestSampleHour imports an hour of real activity.
func TestSampleHour(t *testing.T) {
	t.Parallel()
	sample := os.Getenv("ROSTER_SAMPLE_DATA")
	if sample == "" {
		t.Skip("ROSTER_SAMPLE_DATA names no file of GH Archive (2015-01-01-0.json.gz is the one that is known); the hand-written twin was imported")
	}
	whole(t, sample, hourCounts{events: 7702, actors: 3648, users: 3659})
}

type hourCounts struct{ events, actors, users int }

// whole imports a file twice and checks everything that is served.
func whole(t *testing.T, file string, want hourCounts) {
	t.Helper()
	facts := readFacts(t, file)
	require.Len(t, facts.list, want.events)
	require.Len(t, facts.people, want.actors)

	s := apitest.New(t, apitest.WithClock(func() time.Time { return time.Date(2015, 1, 1, 12, 0, 0, 0, time.UTC) }))
	owner := s.FirstUser()
	args := []string{"import", "gharchive", "--server", s.URL, "--token", owner.Token, file}
	code, stdout, stderr := roster(t.Context(), args...)
	require.Zero(t, code, stderr)
	require.Contains(t, stdout, fmt.Sprintf("imported %d new, 0 duplicates, 0 rejected, %d users in ", want.events, want.users))
	ids := facts.find(t, s)
	facts.checkTotals(t, s, ids)
	for _, person := range facts.known() {
		facts.checkFeed(t, owner, ids[person], person)
		facts.checkStatistics(t, owner, ids[person], person)
	}

	head, err := s.Log.Head(t.Context(), events.Roster)
	require.NoError(t, err)
	code, stdout, stderr = roster(t.Context(), args...)
	require.Zero(t, code, stderr)
	require.Contains(t, stdout, fmt.Sprintf("imported 0 new, %d duplicates, 0 rejected, 0 users in ", want.events))
	after, err := s.Log.Head(t.Context(), events.Roster)
	require.NoError(t, err)
	require.Equal(t, head, after, "the second run wrote no fact about a user")
	facts.checkTotals(t, s, ids)
}

// fact is what the test itself reads of an event.
type fact struct {
	id, kind, actor string
	activity        string // type/action
	repo            string
	at              time.Time
	commits         int
	ticket          string
	ticketCreated   time.Time
}

type hourFacts struct {
	list   []fact
	people map[string][]fact // by actor
}

// readFacts reads a file without the code under test, but for its lines.
func readFacts(t *testing.T, file string) hourFacts {
	t.Helper()
	reader, err := gharchive.Open(file)
	require.NoError(t, err)
	defer reader.Close()
	f := hourFacts{people: map[string][]fact{}}
	for {
		line, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return f
		}
		require.NoError(t, err)
		var raw map[string]any
		require.NoError(t, json.Unmarshal(line.Data, &raw))
		if one, ok := factOf(t, raw); ok {
			f.list = append(f.list, one)
			f.people[one.actor] = append(f.people[one.actor], one)
		}
	}
}

// dig follows members into an object; nil where there is none.
func dig(v any, path ...string) any {
	for _, name := range path {
		object, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = object[name]
	}
	return v
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

// activities says what each event is to become: the table of the guide.
var activities = map[string]string{
	"PushEvent":          "commit/pushed",
	"IssuesEvent opened": "ticket/created", "IssuesEvent closed": "ticket/completed", "IssuesEvent reopened": "ticket/reopened",
	"PullRequestEvent opened": "ticket/created", "PullRequestEvent closed": "ticket/completed", "PullRequestEvent reopened": "ticket/reopened",
	"IssueCommentEvent created": "comment/created", "CommitCommentEvent": "comment/created",
	"PullRequestReviewCommentEvent created": "review/commented",
	"CreateEvent repository":                "project/created", "CreateEvent branch": "project/branch_created", "CreateEvent tag": "project/tag_created",
	"ForkEvent": "project/forked", "WatchEvent started": "project/starred", "GollumEvent": "project/documented",
	"ReleaseEvent published": "project/released", "MemberEvent added": "project/member_added", "PublicEvent": "project/published",
	"DeleteEvent branch": "project/branch_deleted", "DeleteEvent tag": "project/tag_deleted",
}

func factOf(t *testing.T, raw map[string]any) (fact, bool) {
	t.Helper()
	kind := strings.TrimSpace(text(raw["type"]) + " " + text(dig(raw, "payload", "action")) + text(dig(raw, "payload", "ref_type")))
	activity, mapped := activities[kind]
	if !mapped {
		return fact{}, false
	}
	at, err := time.Parse(time.RFC3339, text(raw["created_at"]))
	require.NoError(t, err)
	f := fact{
		id: text(raw["id"]), kind: text(raw["type"]), activity: activity, repo: text(dig(raw, "repo", "name")), at: at,
		actor: strconv.FormatInt(int64(dig(raw, "actor", "id").(float64)), 10),
	}
	if n, ok := dig(raw, "payload", "distinct_size").(float64); ok {
		f.commits = int(n)
	}
	for _, member := range []string{"issue", "pull_request"} {
		number, ok := dig(raw, "payload", member, "number").(float64)
		if !ok || !strings.HasPrefix(activity, "ticket/") {
			continue
		}
		f.ticket = fmt.Sprintf("%s#%d", f.repo, int(number))
		f.ticketCreated, err = time.Parse(time.RFC3339, text(dig(raw, "payload", member, "created_at")))
		require.NoError(t, err)
	}
	return f, true
}

func (f fact) kindOf() string {
	kind, _, _ := strings.Cut(f.activity, "/")
	return kind
}

// find returns the ids of all actors.
func (f hourFacts) find(t *testing.T, s *apitest.System) map[string]string {
	t.Helper()
	ids := make(map[string]string, len(f.people))
	for actor := range f.people {
		user, err := s.Commands.Find(t.Context(), commands.UserRef{Identity: &events.Identity{Provider: "github", Subject: actor}})
		require.NoError(t, err)
		ids[actor] = user.ID
	}
	return ids
}

// checkTotals compares the totals by type of everybody.
func (f hourFacts) checkTotals(t *testing.T, s *apitest.System, ids map[string]string) {
	t.Helper()
	group, ctx := errgroup.WithContext(t.Context())
	group.SetLimit(8)
	for actor, list := range f.people {
		group.Go(func() error {
			want := map[string]int64{}
			for _, one := range list {
				want[one.kindOf()]++
			}
			return totalsAre(ctx, s, ids[actor], want)
		})
	}
	require.NoError(t, group.Wait())
}

func totalsAre(ctx context.Context, s *apitest.System, id string, want map[string]int64) error {
	for _, kind := range []string{"ticket", "project", "comment", "review", "commit"} {
		got, err := s.Queries.ActivityTotal(ctx, id, []events.ActivityType{events.ActivityType(kind)})
		if err != nil {
			return fmt.Errorf("total of %s: %w", kind, err)
		}
		if got != want[kind] {
			return fmt.Errorf("total of %s of user %s is %d, the file has %d", kind, id, got, want[kind])
		}
	}
	return nil
}

// known returns the users worth a closer look: the busiest ones of each type,
// and all who reopened something.
func (f hourFacts) known() []string {
	chosen := map[string]bool{}
	for _, kind := range []string{"ticket", "project", "comment", "review", "commit"} {
		count := func(actor string) int {
			n := 0
			for _, one := range f.people[actor] {
				if one.kindOf() == kind {
					n++
				}
			}
			return n
		}
		actors := make([]string, 0, len(f.people))
		for actor := range f.people {
			actors = append(actors, actor)
		}
		slices.SortFunc(actors, func(a, b string) int { return count(b) - count(a) })
		for _, actor := range actors[:min(8, len(actors))] {
			chosen[actor] = true
		}
	}
	for _, one := range f.list {
		if one.activity == "ticket/reopened" {
			chosen[one.actor] = true
		}
	}
	var list []string
	for actor := range chosen {
		list = append(list, actor)
	}
	return list
}

// checkFeed pages through a feed: the newest first, and what happened in the
// same second in the order of the file.
func (f hourFacts) checkFeed(t *testing.T, owner *apitest.Session, id, actor string) {
	t.Helper()
	want := slices.Clone(f.people[actor])
	slices.Reverse(want)
	slices.SortStableFunc(want, func(a, b fact) int { return b.at.Compare(a.at) })

	var got []string
	cursor := ""
	for {
		query := url.Values{"type": {"ticket,project,comment,review,commit"}, "limit": {"7"}}
		if cursor != "" {
			query.Set("cursor", cursor)
		}
		answer := owner.Do(http.MethodGet, "/v1/users/"+id+"/activities?"+query.Encode(), nil, nil)
		require.Equal(t, http.StatusOK, answer.Status, "%s", answer.Body)
		require.Empty(t, answer.Header.Get("Roster-Stale"))
		var page struct {
			Items []struct {
				Source, SourceID, Type, Action string
				OccurredAt                     time.Time
			}
			Next string
		}
		require.NoError(t, json.Unmarshal(answer.Body, &page))
		for _, item := range page.Items {
			got = append(got, fmt.Sprint(item.Source, " ", item.SourceID, " ", item.Type, "/", item.Action, " ", item.OccurredAt.UTC()))
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	expected := make([]string, len(want))
	for n, one := range want {
		expected[n] = fmt.Sprint("github ", one.id, " ", one.activity, " ", one.at.UTC())
	}
	require.Equal(t, expected, got)
}

// checkStatistics compares what can be counted in the file.
func (f hourFacts) checkStatistics(t *testing.T, owner *apitest.Session, id, actor string) {
	t.Helper()
	answer := owner.Do(http.MethodGet, "/v1/users/"+id+"/statistics?period=month", nil, nil)
	require.Equal(t, http.StatusOK, answer.Status, "%s", answer.Body)
	require.Empty(t, answer.Header.Get("Roster-Stale"))
	var got struct {
		Tickets      struct{ Created, Completed int }
		Projects     struct{ Owned int }
		Activity     struct{ Comments, Commits, Reviews int }
		Productivity struct {
			AverageCompletionSeconds int
			ActiveHours              int
		}
	}
	require.NoError(t, json.Unmarshal(answer.Body, &got))

	want := got
	want.Tickets.Created, want.Projects.Owned, want.Activity.Commits = 0, 0, 0
	want.Activity.Comments, want.Activity.Reviews = 0, 0
	hours, owned := map[time.Time]bool{}, map[string]bool{}
	for _, one := range f.people[actor] {
		hours[one.at.Truncate(time.Hour)] = true
		switch one.activity {
		case "ticket/created":
			want.Tickets.Created++
		case "project/created":
			owned[one.repo] = true // a repository can be made, deleted and made again
		case "comment/created":
			want.Activity.Comments++
		case "review/commented":
			want.Activity.Reviews++
		case "commit/pushed":
			want.Activity.Commits += one.commits
		}
	}
	want.Productivity.ActiveHours, want.Projects.Owned = len(hours), len(owned)
	times := f.completions(actor)
	want.Tickets.Completed, want.Productivity.AverageCompletionSeconds = len(times), average(times)
	require.Equal(t, want, got)
}

// completions returns how long the tickets took that the actor completed and
// nobody reopened: a reopening takes back the latest completion before it.
func (f hourFacts) completions(actor string) []time.Duration {
	tickets := map[string][]fact{}
	for _, one := range f.list {
		if one.ticket != "" {
			tickets[one.ticket] = append(tickets[one.ticket], one)
		}
	}
	var times []time.Duration
	for _, history := range tickets {
		slices.SortFunc(history, func(a, b fact) int {
			if c := a.at.Compare(b.at); c != 0 {
				return c
			}
			return strings.Compare(a.id, b.id)
		})
		var done []fact
		for _, one := range history {
			switch one.activity {
			case "ticket/completed":
				done = append(done, one)
			case "ticket/reopened":
				done = done[:max(0, len(done)-1)]
			}
		}
		for _, one := range done {
			if one.actor == actor {
				times = append(times, one.at.Sub(one.ticketCreated))
			}
		}
	}
	return times
}

func average(times []time.Duration) int {
	if len(times) == 0 {
		return 0
	}
	var sum time.Duration
	for _, d := range times {
		sum += d
	}
	return int((sum / time.Duration(len(times))) / time.Second)
}

package gharchive_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/internal/gharchive"
)

// line makes an event of an invented actor in an invented repository.
func line(eventType, payload string) []byte {
	return fmt.Appendf(nil, `{"id":"8000000001","type":%q,"actor":{"id":900002,"login":"maple_fox"},`+
		`"repo":{"id":501,"name":"penguin-pilot/ice"},"payload":%s,"public":true,"created_at":"2015-01-01T00:00:07Z"}`, eventType, payload)
}

const (
	issueJSON = `{"number":7,"title":"The ice melts","html_url":"https://github.com/penguin-pilot/ice/issues/7","created_at":"2014-12-30T10:00:00Z","assignee":%s}`
	pullJSON  = `{"number":8,"title":"Colder water","html_url":"https://github.com/penguin-pilot/ice/pull/8","created_at":"2014-12-31T10:00:00Z","assignee":%s,"merged":%t}`

	repositoryEntity = `{"id":"penguin-pilot/ice","title":"penguin-pilot/ice","url":"https://github.com/penguin-pilot/ice"}`
	createdEntity    = `{"id":"penguin-pilot/ice","title":"penguin-pilot/ice","url":"https://github.com/penguin-pilot/ice","createdAt":"2015-01-01T00:00:07Z"}`
	issueEntity      = `{"id":"penguin-pilot/ice#7","title":"The ice melts","url":"https://github.com/penguin-pilot/ice/issues/7","createdAt":"2014-12-30T10:00:00Z"}`
	pullEntity       = `{"id":"penguin-pilot/ice#8","title":"Colder water","url":"https://github.com/penguin-pilot/ice/pull/8","createdAt":"2014-12-31T10:00:00Z"}`
	commitEntity     = `{"id":"penguin-pilot/ice@c0ffee0123","title":"penguin-pilot/ice@c0ffee0","url":"https://github.com/penguin-pilot/ice/commit/c0ffee0123"}`
)

func TestMappingTable(t *testing.T) {
	t.Parallel()
	issue := fmt.Sprintf(issueJSON, "null")
	assigned := fmt.Sprintf(issueJSON, `{"id":900009,"login":"quiet_newt"}`)
	pull := func(assignee string, merged bool) string { return fmt.Sprintf(pullJSON, assignee, merged) }
	const comment = `{"id":72,"html_url":"https://github.com/penguin-pilot/ice/x#72","body":"stays"}`
	const commentNote = `"commentId":72,"commentUrl":"https://github.com/penguin-pilot/ice/x#72"`

	for _, c := range []struct {
		name, event, payload      string
		activity, action, entity  string
		metadata, count, assignee string
		people                    int
	}{
		{name: "push", event: "PushEvent", payload: `{"distinct_size":3,"size":4,"ref":"refs/heads/main","head":"c0ffee"}`, activity: "commit", action: "pushed", entity: repositoryEntity, count: "3", metadata: `{"ref":"refs/heads/main","head":"c0ffee"}`},
		{name: "push of nothing new", event: "PushEvent", payload: `{"distinct_size":0,"size":4,"ref":"refs/heads/main"}`, activity: "commit", action: "pushed", entity: repositoryEntity, count: "0", metadata: `{"ref":"refs/heads/main"}`},
		{name: "push of unknown size", event: "PushEvent", payload: `{"ref":"refs/heads/main"}`, activity: "commit", action: "pushed", entity: repositoryEntity, count: "1", metadata: `{"ref":"refs/heads/main"}`},

		{name: "issue opened", event: "IssuesEvent", payload: `{"action":"opened","issue":` + issue + `}`, activity: "ticket", action: "created", entity: issueEntity, metadata: `{"kind":"issue"}`},
		{name: "issue closed", event: "IssuesEvent", payload: `{"action":"closed","issue":` + issue + `}`, activity: "ticket", action: "completed", entity: issueEntity, metadata: `{"kind":"issue"}`},
		{name: "issue reopened", event: "IssuesEvent", payload: `{"action":"reopened","issue":` + issue + `}`, activity: "ticket", action: "reopened", entity: issueEntity, metadata: `{"kind":"issue"}`},
		{name: "issue assigned to somebody else", event: "IssuesEvent", payload: `{"action":"opened","issue":` + assigned + `}`, activity: "ticket", action: "created", entity: issueEntity, metadata: `{"kind":"issue"}`, assignee: "900009", people: 2},
		{name: "issue assigned to the actor", event: "IssuesEvent", payload: `{"action":"opened","issue":` + fmt.Sprintf(issueJSON, `{"id":900002,"login":"maple_fox"}`) + `}`, activity: "ticket", action: "created", entity: issueEntity, metadata: `{"kind":"issue"}`, assignee: "900002"},

		{name: "pull request opened", event: "PullRequestEvent", payload: `{"action":"opened","pull_request":` + pull("null", false) + `}`, activity: "ticket", action: "created", entity: pullEntity, metadata: `{"kind":"pull_request","merged":false}`},
		{name: "pull request merged", event: "PullRequestEvent", payload: `{"action":"closed","pull_request":` + pull("null", true) + `}`, activity: "ticket", action: "completed", entity: pullEntity, metadata: `{"kind":"pull_request","merged":true}`},
		{name: "pull request refused", event: "PullRequestEvent", payload: `{"action":"closed","pull_request":` + pull(`{"id":900001,"login":"penguin-pilot"}`, false) + `}`, activity: "ticket", action: "completed", entity: pullEntity, metadata: `{"kind":"pull_request","merged":false}`, assignee: "900001", people: 2},
		{name: "pull request reopened", event: "PullRequestEvent", payload: `{"action":"reopened","pull_request":` + pull("null", false) + `}`, activity: "ticket", action: "reopened", entity: pullEntity, metadata: `{"kind":"pull_request","merged":false}`},
		{name: "pull request of a slim payload", event: "PullRequestEvent", payload: `{"action":"opened","pull_request":{"number":8}}`, activity: "ticket", action: "created", entity: `{"id":"penguin-pilot/ice#8","url":"https://github.com/penguin-pilot/ice/pull/8"}`, metadata: `{"kind":"pull_request"}`},

		{name: "comment on an issue", event: "IssueCommentEvent", payload: `{"action":"created","issue":` + assigned + `,"comment":` + comment + `}`, activity: "comment", action: "created", entity: issueEntity, metadata: `{"kind":"issue",` + commentNote + `}`},
		{name: "comment on a pull request", event: "IssueCommentEvent", payload: `{"action":"created","issue":{"number":8,"title":"Colder water","html_url":"https://github.com/penguin-pilot/ice/pull/8","created_at":"2014-12-31T10:00:00Z","pull_request":{"url":"x"}},"comment":` + comment + `}`, activity: "comment", action: "created", entity: pullEntity, metadata: `{"kind":"pull_request",` + commentNote + `}`},
		{name: "comment on a commit", event: "CommitCommentEvent", payload: `{"comment":{"id":73,"html_url":"https://github.com/penguin-pilot/ice/commit/c0ffee0123#commitcomment-73","commit_id":"c0ffee0123"}}`, activity: "comment", action: "created", entity: commitEntity, metadata: `{"kind":"commit","commentId":73,"commentUrl":"https://github.com/penguin-pilot/ice/commit/c0ffee0123#commitcomment-73"}`},
		{name: "comment on a commit without an address", event: "CommitCommentEvent", payload: `{"comment":{"commit_id":"c0ffee0123"}}`, activity: "comment", action: "created", entity: commitEntity, metadata: `{"kind":"commit"}`},
		{name: "review comment", event: "PullRequestReviewCommentEvent", payload: `{"action":"created","pull_request":` + pull(`{"id":900001,"login":"penguin-pilot"}`, false) + `,"comment":` + comment + `}`, activity: "review", action: "commented", entity: pullEntity, metadata: `{"kind":"pull_request",` + commentNote + `}`},

		{name: "repository created", event: "CreateEvent", payload: `{"ref":null,"ref_type":"repository"}`, activity: "project", action: "created", entity: createdEntity},
		{name: "branch created", event: "CreateEvent", payload: `{"ref":"thaw","ref_type":"branch"}`, activity: "project", action: "branch_created", entity: repositoryEntity, metadata: `{"ref":"thaw"}`},
		{name: "tag created", event: "CreateEvent", payload: `{"ref":"v1","ref_type":"tag"}`, activity: "project", action: "tag_created", entity: repositoryEntity, metadata: `{"ref":"v1"}`},
		{name: "branch deleted", event: "DeleteEvent", payload: `{"ref":"thaw","ref_type":"branch"}`, activity: "project", action: "branch_deleted", entity: repositoryEntity, metadata: `{"ref":"thaw"}`},
		{name: "tag deleted", event: "DeleteEvent", payload: `{"ref":"v1","ref_type":"tag"}`, activity: "project", action: "tag_deleted", entity: repositoryEntity, metadata: `{"ref":"v1"}`},
		{name: "fork", event: "ForkEvent", payload: `{"forkee":{"full_name":"maple_fox/ice"}}`, activity: "project", action: "forked", entity: repositoryEntity, metadata: `{"fork":"maple_fox/ice"}`},
		{name: "star", event: "WatchEvent", payload: `{"action":"started"}`, activity: "project", action: "starred", entity: repositoryEntity},
		{name: "wiki", event: "GollumEvent", payload: `{"pages":[{},{}]}`, activity: "project", action: "documented", entity: repositoryEntity, metadata: `{"pages":2}`},
		{name: "release", event: "ReleaseEvent", payload: `{"action":"published","release":{"tag_name":"v1","html_url":"https://github.com/penguin-pilot/ice/releases/v1"}}`, activity: "project", action: "released", entity: repositoryEntity, metadata: `{"tag":"v1","releaseUrl":"https://github.com/penguin-pilot/ice/releases/v1"}`},
		{name: "member", event: "MemberEvent", payload: `{"action":"added","member":{"id":900009,"login":"quiet_newt"}}`, activity: "project", action: "member_added", entity: repositoryEntity, metadata: `{"memberId":900009}`},
		{name: "public", event: "PublicEvent", payload: `{}`, activity: "project", action: "published", entity: repositoryEntity},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			record, err := gharchive.Parse(line(c.event, c.payload))
			require.NoError(t, err)

			want := `{"source":"github","id":"8000000001","user":{"provider":"github","subject":"900002"},` +
				fmt.Sprintf(`"type":%q,"action":%q,"entity":%s,`, c.activity, c.action, c.entity)
			if c.metadata != "" {
				want += `"metadata":` + c.metadata + `,`
			}
			if c.count != "" {
				want += `"count":` + c.count + `,`
			}
			if c.assignee != "" {
				want += `"assignee":{"provider":"github","subject":"` + c.assignee + `"},`
			}
			want += `"project":{"id":"penguin-pilot/ice","name":"penguin-pilot/ice"},"occurredAt":"2015-01-01T00:00:07Z"}`
			got, err := json.Marshal(record.Activity)
			require.NoError(t, err)
			require.JSONEq(t, want, string(got))

			require.Len(t, record.People, max(1, c.people))
			require.Equal(t, gharchive.Person{Identity: gharchive.Identity{Provider: "github", Subject: "900002"}, Login: "maple-fox"}, record.People[0])
			if c.people == 2 {
				require.Equal(t, *record.Activity.Assignee, record.People[1].Identity)
			}
		})
	}
}

func TestEventsWithoutAPlace(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ event, payload, kind string }{
		{"SponsorshipEvent", `{"action":"created"}`, "SponsorshipEvent is not imported"},
		{"IssuesEvent", `{"action":"labeled"}`, `IssuesEvent "labeled" is not imported`},
		{"PullRequestEvent", `{"action":"synchronize"}`, `PullRequestEvent "synchronize" is not imported`},
		{"IssueCommentEvent", `{"action":"edited"}`, `IssueCommentEvent "edited" is not imported`},
		{"PullRequestReviewCommentEvent", `{"action":"deleted"}`, `PullRequestReviewCommentEvent "deleted" is not imported`},
		{"CreateEvent", `{"ref_type":"wiki"}`, `CreateEvent "wiki" is not imported`},
		{"DeleteEvent", `{"ref_type":"repository"}`, `DeleteEvent "repository" is not imported`},
		{"WatchEvent", `{"action":"stopped"}`, `WatchEvent "stopped" is not imported`},
		{"ReleaseEvent", `{"action":"deleted"}`, `ReleaseEvent "deleted" is not imported`},
		{"MemberEvent", `{"action":"removed"}`, `MemberEvent "removed" is not imported`},
	} {
		_, err := gharchive.Parse(line(c.event, c.payload))
		var unmapped *gharchive.UnmappedError
		require.ErrorAs(t, err, &unmapped, c.event)
		require.EqualError(t, err, c.kind)
	}
}

func TestWrongLines(t *testing.T) {
	t.Parallel()
	good := string(line("PublicEvent", `{}`))
	for name, c := range map[string]struct{ line, message string }{
		"not JSON":          {`{"id":`, "not a GH Archive event"},
		"another shape":     {`[1,2]`, "not a GH Archive event"},
		"no type":           {`{"id":"1"}`, "has no type"},
		"no id":             {strings.Replace(good, `"8000000001"`, `""`, 1), "has no id"},
		"actor of 2012":     {strings.Replace(good, `{"id":900002,"login":"maple_fox"}`, `"maple_fox"`, 1), "not a GH Archive event"},
		"no actor id":       {strings.Replace(good, `900002`, `0`, 1), "has no actor id"},
		"no repository":     {strings.Replace(good, `"penguin-pilot/ice"`, `""`, 1), "has no repository"},
		"no time":           {strings.Replace(good, `"created_at"`, `"made"`, 1), "has no created_at"},
		"no date":           {strings.Replace(good, `2015-01-01T`, `yesterday`, 1), "not a GH Archive event"},
		"issue without one": {string(line("IssuesEvent", `{"action":"opened"}`)), "has no issue or pull request with a number"},
		"no number":         {string(line("PullRequestEvent", `{"action":"opened","pull_request":{}}`)), "has no issue or pull request with a number"},
		"no commit":         {string(line("CommitCommentEvent", `{"comment":{}}`)), "names no commit"},
		"negative count":    {string(line("PushEvent", `{"distinct_size":-1}`)), "negative distinct_size"},
		"strange payload":   {string(line("PushEvent", `{"distinct_size":"two"}`)), "payload of PushEvent 8000000001"},
	} {
		_, err := gharchive.Parse([]byte(c.line))
		require.ErrorContains(t, err, c.message, name)
		var unmapped *gharchive.UnmappedError
		require.NotErrorAs(t, err, &unmapped, name)
	}
}

// What people wrote stays on GitHub: only titles come along.
func TestTextsAndAddressesStayBehind(t *testing.T) {
	t.Parallel()
	record, err := gharchive.Parse(line("PushEvent", `{"distinct_size":1,"commits":[{"message":"SECRET","author":{"email":"SECRET@example.com","name":"SECRET"}}]}`))
	require.NoError(t, err)
	text, err := json.Marshal(record)
	require.NoError(t, err)
	require.NotContains(t, string(text), "SECRET")
}

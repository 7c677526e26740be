package gharchive

import (
	"cmp"
	"fmt"
	"strings"
)

// UnmappedError says that an event is none of those that become activities.
type UnmappedError struct {
	Type   string
	Action string // the payload's action or ref type; may be empty
}

// Error implements error.
func (e *UnmappedError) Error() string {
	if e.Action == "" {
		return e.Type + " is not imported"
	}
	return fmt.Sprintf("%s %q is not imported", e.Type, e.Action)
}

// Activity types and the actions that occur more than once.
const (
	ticketType  = "ticket"
	projectType = "project"
	commentType = "comment"
	reviewType  = "review"
	commitType  = "commit"

	createdAction = "created"
)

// Parse turns one line into an activity. The error is an *UnmappedError for an
// event that has no place in Roster, and anything else for a line that is wrong.
func Parse(line []byte) (Record, error) {
	e, err := decode(line)
	if err != nil {
		return Record{}, err
	}
	mapping := mappingOf(e.Type)
	if mapping == nil {
		return Record{}, &UnmappedError{Type: e.Type}
	}
	p, err := e.payload()
	if err != nil {
		return Record{}, err
	}
	r := start(e)
	if err := mapping(&r, e, p); err != nil {
		return Record{}, err
	}
	return r, nil
}

// start fills in what all events have in common; the entity is the repository
// until a mapping knows better.
func start(e event) Record {
	actor := e.Actor.person()
	return Record{
		Activity: Activity{
			Source:     Source,
			ID:         e.ID,
			User:       actor.Identity,
			Entity:     Entity{ID: e.Repo.Name, Title: e.Repo.Name, URL: repositoryURL(e.Repo.Name)},
			Project:    Project{ID: e.Repo.Name, Name: e.Repo.Name},
			OccurredAt: e.CreatedAt.UTC(),
			Metadata:   map[string]any{},
		},
		People: []Person{actor},
	}
}

type mapper func(*Record, event, payload) error

// mappingOf is the table of event types; nil stands for all others.
func mappingOf(eventType string) mapper {
	switch eventType {
	case "PushEvent":
		return mapPush
	case "IssuesEvent":
		return mapIssue
	case "PullRequestEvent":
		return mapPullRequest
	case "IssueCommentEvent":
		return mapIssueComment
	case "CommitCommentEvent":
		return mapCommitComment
	case "PullRequestReviewCommentEvent":
		return mapReviewComment
	case "CreateEvent":
		return mapCreate
	case "DeleteEvent":
		return mapDelete
	case "ForkEvent":
		return mapFork
	case "WatchEvent":
		return mapWatch
	case "GollumEvent":
		return mapGollum
	case "ReleaseEvent":
		return mapRelease
	case "MemberEvent":
		return mapMember
	case "PublicEvent":
		return mapPublic
	}
	return nil
}

func (r *Record) is(activityType, action string) {
	r.Activity.Type, r.Activity.Action = activityType, action
}

// note adds metadata; empty text says nothing and is left out.
func (r *Record) note(key string, value any) {
	if value == "" {
		return
	}
	r.Activity.Metadata[key] = value
}

func issueURL(repo, kind string, number int64) string {
	if kind == kindPullRequest {
		return fmt.Sprintf("%s/pull/%d", repositoryURL(repo), number)
	}
	return fmt.Sprintf("%s/issues/%d", repositoryURL(repo), number)
}

func repositoryURL(name string) string { return "https://github.com/" + name }

// mapPush counts one commit where the payload does not say how many there were,
// as in files of the end of 2025 and later.
func mapPush(r *Record, e event, p payload) error {
	if p.DistinctSize != nil && *p.DistinctSize < 0 {
		return fmt.Errorf("%s %s has a negative distinct_size", e.Type, e.ID)
	}
	r.is(commitType, "pushed")
	one := int64(1)
	r.Activity.Count = cmp.Or(p.DistinctSize, &one)
	r.note("ref", p.Ref)
	r.note("head", p.Head)
	return nil
}

// ticketAction translates what happens to an issue or pull request.
func ticketAction(action string) (string, bool) {
	switch action {
	case "opened":
		return createdAction, true
	case "closed":
		return "completed", true
	case "reopened":
		return action, true
	}
	return "", false
}

func mapIssue(r *Record, e event, p payload) error {
	action, known := ticketAction(p.Action)
	if !known {
		return &UnmappedError{Type: e.Type, Action: p.Action}
	}
	if err := r.about(e, p.Issue, kind(p.Issue)); err != nil {
		return err
	}
	r.is(ticketType, action)
	r.assign(p.Issue.Assignee)
	return nil
}

func mapPullRequest(r *Record, e event, p payload) error {
	action, known := ticketAction(p.Action)
	if !known {
		return &UnmappedError{Type: e.Type, Action: p.Action}
	}
	if err := r.about(e, p.PullRequest, kindPullRequest); err != nil {
		return err
	}
	r.is(ticketType, action)
	if p.PullRequest.Merged != nil {
		r.note("merged", *p.PullRequest.Merged)
	}
	r.assign(p.PullRequest.Assignee)
	return nil
}

const (
	kindIssue       = "issue"
	kindPullRequest = "pull_request"
)

func kind(i *issue) string {
	if i != nil && i.PullRequest != nil {
		return kindPullRequest
	}
	return kindIssue
}

// about makes an issue or pull request the entity.
func (r *Record) about(e event, i *issue, kind string) error {
	if i == nil || i.Number <= 0 {
		return fmt.Errorf("%s %s has no issue or pull request with a number", e.Type, e.ID)
	}
	r.Activity.Entity = Entity{
		ID:    fmt.Sprintf("%s#%d", e.Repo.Name, i.Number),
		Title: i.Title,
		URL:   i.URL,
	}
	if i.URL == "" {
		r.Activity.Entity.URL = issueURL(e.Repo.Name, kind, i.Number)
	}
	r.note("kind", kind)
	if i.CreatedAt != nil && !i.CreatedAt.IsZero() {
		at := i.CreatedAt.UTC()
		r.Activity.Entity.CreatedAt = &at
	}
	return nil
}

// assign names the assignee, who need not be an actor of any event.
func (r *Record) assign(a *account) {
	if a == nil || a.ID <= 0 {
		return
	}
	assignee := a.person()
	r.Activity.Assignee = &assignee.Identity
	if assignee.Identity != r.People[0].Identity {
		r.People = append(r.People, assignee)
	}
}

func mapIssueComment(r *Record, e event, p payload) error {
	if p.Action != createdAction {
		return &UnmappedError{Type: e.Type, Action: p.Action}
	}
	if err := r.about(e, p.Issue, kind(p.Issue)); err != nil {
		return err
	}
	r.is(commentType, createdAction)
	r.remark(p.Comment)
	return nil
}

func mapCommitComment(r *Record, e event, p payload) error {
	if p.Comment == nil || p.Comment.CommitID == "" {
		return fmt.Errorf("%s %s names no commit", e.Type, e.ID)
	}
	r.is(commentType, createdAction)
	r.note("kind", "commit")
	r.Activity.Entity = commit(e.Repo.Name, p.Comment)
	r.remark(p.Comment)
	return nil
}

// commit is the entity of a commit: the address of a comment on it, without the
// place of the comment.
func commit(repo string, c *remark) Entity {
	url, _, _ := strings.Cut(c.URL, "#")
	if url == "" {
		url = repositoryURL(repo) + "/commit/" + c.CommitID
	}
	short := c.CommitID
	if len(short) > 7 {
		short = short[:7]
	}
	return Entity{ID: repo + "@" + c.CommitID, Title: repo + "@" + short, URL: url}
}

func mapReviewComment(r *Record, e event, p payload) error {
	if p.Action != createdAction {
		return &UnmappedError{Type: e.Type, Action: p.Action}
	}
	if err := r.about(e, p.PullRequest, kindPullRequest); err != nil {
		return err
	}
	r.is(reviewType, "commented")
	r.remark(p.Comment)
	return nil
}

func (r *Record) remark(c *remark) {
	if c == nil {
		return
	}
	r.note("commentUrl", c.URL)
	if c.ID > 0 {
		r.note("commentId", c.ID)
	}
}

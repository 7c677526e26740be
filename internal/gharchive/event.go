package gharchive

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// event is what all events have in common, as GH Archive writes them since 2015.
type event struct {
	ID        string          `json:"id"`
	Type      string          `json:"type"`
	Actor     account         `json:"actor"`
	Repo      repository      `json:"repo"`
	Payload   json.RawMessage `json:"payload"`
	CreatedAt time.Time       `json:"created_at"`
}

type account struct {
	ID    int64  `json:"id"`
	Login string `json:"login"`
}

type repository struct {
	ID   int64  `json:"id"`
	Name string `json:"name"` // owner/repo
}

// payload holds the members that the mapping uses, of all event types together:
// no two types use one name for different shapes.
type payload struct {
	Action       string  `json:"action"`
	Ref          string  `json:"ref"`
	RefType      string  `json:"ref_type"`
	Head         string  `json:"head"`
	DistinctSize *int64  `json:"distinct_size"`
	Issue        *issue  `json:"issue"`
	PullRequest  *issue  `json:"pull_request"`
	Comment      *remark `json:"comment"`
	Forkee       *struct {
		FullName string `json:"full_name"`
	} `json:"forkee"`
	Release *struct {
		Tag string `json:"tag_name"`
		URL string `json:"html_url"`
	} `json:"release"`
	Member *account          `json:"member"`
	Pages  []json.RawMessage `json:"pages"`
}

// issue is an issue or a pull request.
type issue struct {
	Number      int64      `json:"number"`
	Title       string     `json:"title"`
	URL         string     `json:"html_url"`
	CreatedAt   *time.Time `json:"created_at"`
	Assignee    *account   `json:"assignee"`
	Merged      *bool      `json:"merged"`
	PullRequest *struct{}  `json:"pull_request"` // set on an issue that is a pull request
}

// remark is a comment.
type remark struct {
	ID       int64  `json:"id"`
	URL      string `json:"html_url"`
	CommitID string `json:"commit_id"`
}

// decode reads the common part of a line and checks what every activity needs.
func decode(line []byte) (event, error) {
	var e event
	if err := json.Unmarshal(line, &e); err != nil {
		return event{}, fmt.Errorf("not a GH Archive event: %w", err)
	}
	switch {
	case e.Type == "":
		return event{}, errors.New("not a GH Archive event: it has no type")
	case e.ID == "":
		return event{}, errors.New("the event has no id (files of before 2015 can not be imported)")
	case e.Actor.ID <= 0:
		return event{}, errors.New("the event has no actor id")
	case e.Repo.Name == "":
		return event{}, errors.New("the event has no repository")
	case e.CreatedAt.IsZero():
		return event{}, errors.New("the event has no created_at")
	}
	return e, nil
}

func (e *event) payload() (payload, error) {
	var p payload
	if len(e.Payload) == 0 {
		return p, nil
	}
	if err := json.Unmarshal(e.Payload, &p); err != nil {
		return payload{}, fmt.Errorf("payload of %s %s: %w", e.Type, e.ID, err)
	}
	return p, nil
}

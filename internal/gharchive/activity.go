package gharchive

import (
	"strconv"
	"strings"
	"time"
)

// Source is the source name of all activities from GitHub.
const Source = "github"

// Provider is the identity provider under which GitHub accounts are known.
const Provider = "github"

// Activity is one activity as the server's POST /v1/activities reads it.
type Activity struct {
	Source     string         `json:"source"`
	ID         string         `json:"id"`
	User       Identity       `json:"user"`
	Type       string         `json:"type"`
	Action     string         `json:"action"`
	Entity     Entity         `json:"entity"`
	Project    Project        `json:"project"`
	Count      *int64         `json:"count,omitempty"`
	Assignee   *Identity      `json:"assignee,omitempty"`
	OccurredAt time.Time      `json:"occurredAt"`
	Metadata   map[string]any `json:"metadata,omitempty"`
}

// Identity names a user by an account elsewhere.
type Identity struct {
	Provider string `json:"provider"`
	Subject  string `json:"subject"`
}

// Entity is what an activity is about.
type Entity struct {
	ID        string     `json:"id"`
	Title     string     `json:"title,omitempty"`
	URL       string     `json:"url,omitempty"`
	CreatedAt *time.Time `json:"createdAt,omitempty"`
}

// Project is where an activity took place: a repository. Its id is the full
// name, as in the ids of its issues.
type Project struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Person is a GitHub account that an activity names.
type Person struct {
	Identity Identity
	Login    string // as GitHub has it, but "-" for "_"
}

// Record is what one event gives.
type Record struct {
	Activity Activity
	People   []Person // the actor first, then the assignee where it is somebody else
}

func (a account) person() Person {
	return Person{
		Identity: Identity{Provider: Provider, Subject: strconv.FormatInt(a.ID, 10)},
		Login:    strings.ReplaceAll(a.Login, "_", "-"),
	}
}

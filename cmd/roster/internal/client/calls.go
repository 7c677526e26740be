package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
)

// NewUser is a user to be made.
type NewUser struct {
	Username   string     `json:"username"`
	Identities []Identity `json:"identities"`
}

// Identity is how a user is known to another system.
type Identity struct {
	Provider string `json:"provider"`
	Subject  string `json:"subject"`
}

// Errors of CreateUser that are no failures.
var (
	// ErrUserExists says that a user with one of the identities is there already.
	ErrUserExists = errors.New("a user with this identity exists already")
	// ErrUsernameTaken says that another user has the username.
	ErrUsernameTaken = errors.New("the username is taken")
)

// Check asks who the token belongs to, to find a wrong address or token before
// any work. A token that may not read its own user is fine here.
func (c *Client) Check(ctx context.Context) error {
	err := c.do(ctx, request{method: http.MethodGet, path: "/v1/users/me", tries: 4}, nil)
	p, ok := errors.AsType[*Problem](err)
	if !ok {
		return err
	}
	switch p.Status {
	case http.StatusForbidden:
		return nil
	case http.StatusUnauthorized:
		return whyNot(err)
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		return fmt.Errorf("%s has no /v1/users: is it a Roster server?", c.base)
	}
	return err
}

// CreateUser makes a user. It needs no Idempotency-Key, which would cost the
// server a message for every user for ever: an identity is unique already. When
// a try whose answer was lost made the user, a later one finds all its names
// taken, and that counts as made.
func (c *Client) CreateUser(ctx context.Context, u NewUser) error {
	body, err := json.Marshal(u)
	if err != nil {
		return fmt.Errorf("encode user: %w", err)
	}
	lost := false
	err = c.do(ctx, request{
		method: http.MethodPost, path: "/v1/users", contentType: "application/json", body: body,
		again: func(err error) { lost = lost || lostAnswer(err) },
	}, nil)
	p, ok := errors.AsType[*Problem](err)
	switch {
	case ok && p.Status == http.StatusForbidden:
		return explained{"the token may not make users: it takes an owner or user administrator, and a key needs the scope users:write", p}
	case !ok || p.Status != http.StatusConflict:
		return err
	}
	identity, username := p.Concerns("identities"), p.Concerns("username")
	switch {
	case lost && identity && username:
		return nil
	case identity:
		return ErrUserExists
	case username:
		return ErrUsernameTaken
	}
	return err
}

// lostAnswer says that a request may have been carried out.
func lostAnswer(err error) bool {
	_, ok := errors.AsType[*ConnectionError](err)
	return ok
}

// Recorded is the answer to a list of activities.
type Recorded struct {
	Accepted   int        `json:"accepted"`
	Duplicates int        `json:"duplicates"`
	Rejected   []Rejected `json:"rejected"` // at most 100 are listed
}

// Rejected is one activity that was refused.
type Rejected struct {
	Index   int    `json:"index"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

// Record sends activities, each the JSON of one. Sent again, those that were
// kept before a lost answer count as duplicates.
func (c *Client) Record(ctx context.Context, activities [][]byte) (Recorded, error) {
	var answer Recorded
	kept := 0 // by tries that ended in "too busy": duplicates of the last one
	err := c.do(ctx, request{
		method: http.MethodPost, path: "/v1/activities", contentType: "application/x-ndjson",
		body: append(bytes.Join(activities, []byte("\n")), '\n'),
		again: func(err error) {
			if p, ok := errors.AsType[*Problem](err); ok {
				kept += p.Accepted
			}
		},
	}, &answer)
	if p, ok := errors.AsType[*Problem](err); ok && p.Status == http.StatusForbidden {
		return Recorded{}, explained{"the token may not record activities: it takes an owner or user administrator, and a key needs the scope activities:record", p}
	}
	if err != nil {
		return Recorded{}, err
	}
	kept = min(kept, answer.Duplicates)
	answer.Accepted, answer.Duplicates = answer.Accepted+kept, answer.Duplicates-kept
	if sum := answer.Accepted + answer.Duplicates; sum > len(activities) || len(activities)-sum < len(answer.Rejected) {
		return Recorded{}, fmt.Errorf("the server counted %d activities where %d were sent: is it a Roster server?", sum+len(answer.Rejected), len(activities))
	}
	for i, r := range answer.Rejected {
		if r.Index < 0 || r.Index >= len(activities) {
			return Recorded{}, fmt.Errorf("the server rejected activity %d of %d: is it a Roster server?", r.Index, len(activities))
		}
		answer.Rejected[i].Code = c.printable(r.Code)
		answer.Rejected[i].Message = c.printable(r.Message)
	}
	return answer, nil
}

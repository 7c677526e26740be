package query

import (
	"context"
	"time"

	"github.com/rosterhq/roster/events"
)

// UserSearch selects users for a list in order of lower(username). Conditions are
// joined by and; empty ones select everybody. Deleted users are never found.
type UserSearch struct {
	Text           string // substring of username or e-mail, ignoring case
	Name           string // substring of the name, ignoring case
	Statuses       []events.Status
	Roles          []events.Role // any of these site roles; with "member" among them, everybody
	LoginTypes     []events.LoginType
	ServiceAccount *bool      // whether nobody signs in as the user: login type none
	LastSeenBefore *time.Time // or at that moment; who was never seen was seen in year 1
	LastSeenAfter  *time.Time // or at that moment
	CreatedBefore  *time.Time // or at that moment
	CreatedAfter   *time.Time // or at that moment
	GitHubUserID   int64      // 0 for no condition
	IDs            []string   // only these users; nil for all
	// AfterID is a user, deleted or not, behind whose name the list begins. Behind
	// somebody unknown there is nobody.
	AfterID string
	Limit   int // 0 for no limit
	Offset  int
}

// SearchUsers returns a page of users, and how many there are from AfterID on,
// whatever Limit and Offset say.
func (q *Queries) SearchUsers(ctx context.Context, s UserSearch) (found []User, count int64, err error) {
	return nil, 0, ErrUnavailable
}

// MemberFilter selects members of an organization, in order of lower(username).
type MemberFilter struct {
	Organization string
	AfterID      string // as in UserSearch
	Limit        int    // 0 for no limit
	Offset       int
}

// Members returns a page of the members of a live organization, and how many there
// are from AfterID on. An organization that is not there has none.
func (q *Queries) Members(ctx context.Context, f MemberFilter) (found []User, count int64, err error) {
	return nil, 0, ErrUnavailable
}

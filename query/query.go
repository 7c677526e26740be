// Package query answers reads from the read models in PostgreSQL.
package query

import (
	"context"
	"errors"
	"time"

	"github.com/rosterhq/roster/events"
)

// Errors of queries.
var (
	// ErrNotFound says that no row is there (for the caller's eyes or at all).
	ErrNotFound = errors.New("not found")
	// ErrBadCursor says that a cursor was not made by this list.
	ErrBadCursor = errors.New("bad cursor")
	// ErrAhead says that a position was asked for that the log has not reached.
	ErrAhead = errors.New("position is beyond the log")
	// ErrUnavailable says that the read model could not be asked.
	ErrUnavailable = errors.New("read model is unavailable")
)

var errNotBuilt = errors.New("not built")

// User is a row of the users read model.
type User struct {
	ID            string
	Number        int64
	Username      string
	Email         string
	Name          string
	FirstName     string
	LastName      string
	Avatar        string
	Language      string
	LoginType     events.LoginType
	Status        events.Status
	Confirmed     bool
	Roles         []events.Role
	Organizations []events.Membership
	Identities    []events.Identity
	CreatedAt     time.Time
	UpdatedAt     time.Time
}

// UserRef finds a user by exactly one member. Deleted users are found by ID
// alone.
type UserRef struct {
	ID       string
	Username string // ignoring case
	Email    string // ignoring case
	Number   int64
}

// UserFilter selects users for a list, in order of lower(username), id. Deleted users are
// left out.
type UserFilter struct {
	Search string // substring of username or e-mail, ignoring case
	Limit  int    // 1..100
	Cursor string // of the page before; "" for the first
}

// Page is a part of a list. Next is the cursor of the next page, "" at the end.
type Page[T any] struct {
	Items []T
	Next  string
}

// Preferences of one dialect.
type Preferences struct {
	Values    map[string]any
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Key is a session or API key, without its secret.
type Key struct {
	ID        string
	UserID    string
	LoginType events.LoginType
	Name      string
	Scopes    []string
	CreatedAt time.Time
	UpdatedAt time.Time
	ExpiresAt time.Time
}

// Credential is what a credential check needs.
type Credential struct {
	Key
	SecretHash []byte
	Epoch      int64 // of the key
	Account    Account
}

// Account is the state of the account behind a credential.
type Account struct {
	Status    events.Status
	Confirmed bool
	Epoch     int64
	Roles     []events.Role
}

// Activity is a row of the feed.
type Activity struct {
	Sequence        uint64
	UserID          string
	Type            events.ActivityType
	Action          string
	EntityID        string
	EntityTitle     string
	EntityURL       string
	EntityCreatedAt *time.Time
	ProjectID       string
	ProjectName     string
	Workspace       string
	Count           int64
	Assignee        string
	Due             *time.Time
	OccurredAt      time.Time
	RecordedAt      time.Time
	Source          string
	SourceID        string
	Metadata        map[string]any
}

// ActivityFilter selects a page of one user's feed: occurredAt descending, then
// sequence descending. Cursor and Offset exclude each other.
type ActivityFilter struct {
	UserID string
	Types  []events.ActivityType // empty means all
	Limit  int
	Cursor string
	Offset int
}

// Period is a calendar window in UTC.
type Period string

// The periods; a week starts on Monday.
const (
	Week    Period = "week"
	Month   Period = "month"
	Quarter Period = "quarter"
	Year    Period = "year"
)

// Statistics of one user in the current window of a period.
type Statistics struct {
	Period     Period
	Start, End time.Time // End is the window's last second

	TicketsCreated, TicketsCompleted, TicketsAssigned, TicketsOverdue int64
	ProjectsOwned, ProjectsMember, ProjectsActive                     int64
	Comments, Commits, Reviews                                        int64
	CompletionTime                                                    time.Duration // average; 0 with nothing completed
	CompletionRate                                                    float64       // 0..1, two decimals
	ActiveHours                                                       int64
}

// Counts are totals over all time.
type Counts struct {
	Projects, Tickets, Comments int64
}

// Queries answers reads. Every read waits, at most 2 s, until its read model has
// reached the newest position known for the user (Note) and asked for by the
// caller (WithMinPosition).
type Queries struct{}

// Note remembers the position of a user's newest change made by this process.
// keysChanged says that a session or key was made or ended by it.
func (q *Queries) Note(userID string, p events.Position) {}

// WithMinPosition asks every read under ctx to wait for these positions too.
func WithMinPosition(ctx context.Context, p []events.Position) context.Context { return ctx }

// WithStaleness returns a context under which reads report how many positions
// they are behind what was asked of them, and a function that returns the
// largest such report (0: nothing was stale).
func WithStaleness(ctx context.Context) (context.Context, func() uint64) {
	return ctx, func() uint64 { return 0 }
}

// User returns one user.
func (q *Queries) User(ctx context.Context, ref UserRef) (User, error) { return User{}, errNotBuilt }

// Users returns a page of users.
func (q *Queries) Users(ctx context.Context, f UserFilter) (Page[User], error) {
	return Page[User]{}, errNotBuilt
}

// Preferences returns the preferences of a dialect; ErrNotFound before they
// were first written.
func (q *Queries) Preferences(ctx context.Context, userID, dialect string) (Preferences, error) {
	return Preferences{}, errNotBuilt
}

// Credential returns a key or session by its id. An unknown id waits for this
// process's own newest key before it is ErrNotFound; if the read model can not
// get there in time, the answer is ErrUnavailable.
func (q *Queries) Credential(ctx context.Context, keyID string) (Credential, error) {
	return Credential{}, errNotBuilt
}

// Keys lists a user's sessions and keys, newest first.
func (q *Queries) Keys(ctx context.Context, userID string) ([]Key, error) { return nil, errNotBuilt }

// Activities returns a page of a feed.
func (q *Queries) Activities(ctx context.Context, f ActivityFilter) (Page[Activity], error) {
	return Page[Activity]{}, errNotBuilt
}

// ActivityTotal returns the number of a user's activities of these types (empty
// means all), from the rollup.
func (q *Queries) ActivityTotal(ctx context.Context, userID string, types []events.ActivityType) (int64, error) {
	return 0, errNotBuilt
}

// Statistics returns the statistics of the window that holds now.
func (q *Queries) Statistics(ctx context.Context, userID string, p Period, now time.Time) (Statistics, error) {
	return Statistics{}, errNotBuilt
}

// Counts returns totals over all time.
func (q *Queries) Counts(ctx context.Context, userID string) (Counts, error) {
	return Counts{}, errNotBuilt
}

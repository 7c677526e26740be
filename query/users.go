package query

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query/internal/rows"
)

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
	Organizations []events.Membership // live ones, in the order of joining
	Identities    []events.Identity
	CreatedAt     time.Time
	UpdatedAt     time.Time
	LastSeenAt    time.Time // zero: never
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

// User returns one user. A user found otherwise than by id is read again when
// the model turns out to be behind that user's newest change; one that is not
// found, when it is behind the newest known change of any user. What is returned is shared:
// it must not be changed.
func (q *Queries) User(ctx context.Context, ref UserRef) (User, error) {
	if q.trusted(ctx) {
		if u, ok := q.memory.user(ref); ok {
			return u, nil
		}
	}
	ctx = sharedWait(ctx)
	if ref.ID != "" {
		if err := q.await(ctx, ref.ID, q.users); err != nil {
			return User{}, err
		}
		return q.user(ctx, ref)
	}
	if err := q.await(ctx, nobody, q.users); err != nil {
		return User{}, err
	}
	seen := q.users.reached.Load() // before the read: the row is at least as new
	u, err := q.user(ctx, ref)
	whom := u.ID
	switch {
	case errors.Is(err, ErrNotFound):
		whom = anybody
	case err != nil:
		return User{}, err
	}
	if q.notes.need(whom, q.users.stream, seen) <= seen {
		return u, err
	}
	if err := q.await(ctx, whom, q.users); err != nil {
		return User{}, err
	}
	return q.user(ctx, ref)
}

func (q *Queries) user(ctx context.Context, ref UserRef) (User, error) {
	at := q.users.reached.Load() // before the read: the row is at least as new
	row, err := q.userRow(ctx, ref)
	if err != nil {
		return User{}, failure(ctx, "read a user", err)
	}
	u, err := userOf(row)
	if err == nil {
		q.memory.keepUser(u, at)
	}
	return u, err
}

func (q *Queries) userRow(ctx context.Context, ref UserRef) (rows.User, error) {
	switch {
	case ref.ID != "":
		id, err := parseID(ref.ID)
		if err != nil {
			return rows.User{}, err
		}
		return q.rows.UserByID(ctx, id)
	case ref.Username != "" && storable(ref.Username):
		return q.rows.UserByUsername(ctx, ref.Username)
	case ref.Email != "" && storable(ref.Email):
		return q.rows.UserByEmail(ctx, ref.Email)
	case ref.Number > 0:
		return q.rows.UserByNumber(ctx, ref.Number)
	default:
		return rows.User{}, errNoRow
	}
}

// Users returns a page of users.
func (q *Queries) Users(ctx context.Context, f UserFilter) (Page[User], error) {
	after, err := decodeUserCursor(f.Cursor)
	if err != nil {
		return Page[User]{}, err
	}
	if !storable(f.Search) {
		return Page[User]{}, nil
	}
	if err := q.await(ctx, anybody, q.users); err != nil {
		return Page[User]{}, err
	}
	limit := min(max(f.Limit, 1), maxUsers)
	found, err := q.rows.ListUsers(ctx, rows.ListUsersParams{
		AfterUsername: after.Username, AfterID: after.id, Pattern: containing(f.Search), PageSize: int64(limit) + 1,
	})
	if err != nil {
		return Page[User]{}, failure(ctx, "list users", err)
	}
	page := Page[User]{Items: make([]User, 0, min(limit, len(found)))}
	for _, row := range found[:min(limit, len(found))] {
		u, err := userOf(row.User)
		if err != nil {
			return Page[User]{}, err
		}
		page.Items = append(page.Items, u)
	}
	if len(found) > limit {
		last := found[limit-1]
		page.Next = encodeCursor(userCursor{List: userList, Username: last.SortName, ID: last.User.ID.String()})
	}
	return page, nil
}

const maxUsers = 100

// containing makes a LIKE pattern of a text in which nothing is a wildcard.
func containing(text string) string {
	if text == "" {
		return ""
	}
	return "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(text) + "%"
}

func userOf(r rows.User) (User, error) {
	u := User{
		ID: r.ID.String(), Number: r.Number, Username: r.Username, Email: r.Email, Name: r.Name, FirstName: r.FirstName,
		LastName: r.LastName, Avatar: r.Avatar, Language: r.Language, LoginType: events.LoginType(r.LoginType),
		Status: events.Status(r.Status), Confirmed: r.Confirmed, Roles: rolesOf(r.Roles), CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt,
	}
	if err := json.Unmarshal(r.Organizations, &u.Organizations); err != nil {
		return User{}, fmt.Errorf("read the organizations of user %s: %w", u.ID, err)
	}
	if err := json.Unmarshal(r.Identities, &u.Identities); err != nil {
		return User{}, fmt.Errorf("read the identities of user %s: %w", u.ID, err)
	}
	return u, nil
}

func rolesOf(names []string) []events.Role {
	roles := make([]events.Role, len(names))
	for i, name := range names {
		roles[i] = events.Role(name)
	}
	return roles
}

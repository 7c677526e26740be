package query

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

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
	if err != nil {
		return User{}, err
	}
	u.LastSeenAt = q.uses.seen(u.ID, u.LastSeenAt)
	q.memory.keepUser(u, at)
	return u, nil
}

func (q *Queries) userRow(ctx context.Context, ref UserRef) (rows.UserByIDRow, error) {
	switch {
	case ref.ID != "":
		id, err := parseID(ref.ID)
		if err != nil {
			return rows.UserByIDRow{}, err
		}
		return q.rows.UserByID(ctx, id)
	case ref.Username != "" && storable(ref.Username):
		r, err := q.rows.UserByUsername(ctx, ref.Username)
		return rows.UserByIDRow(r), err
	case ref.Email != "" && storable(ref.Email):
		r, err := q.rows.UserByEmail(ctx, ref.Email)
		return rows.UserByIDRow(r), err
	case ref.Number > 0:
		r, err := q.rows.UserByNumber(ctx, ref.Number)
		return rows.UserByIDRow(r), err
	default:
		return rows.UserByIDRow{}, errNoRow
	}
}

// Users returns a page of users.
func (q *Queries) Users(ctx context.Context, f UserFilter) (Page[User], error) {
	after, err := decodeUserCursor(f.Cursor)
	if err != nil {
		return Page[User]{}, err
	}
	if err := q.await(ctx, anybody, q.users); err != nil {
		return Page[User]{}, err
	}
	limit := min(max(f.Limit, 1), maxUsers)
	s := newSearch(UserSearch{Text: f.Search})
	if f.Cursor != "" {
		s.from("(u.sort_name, u.id) > ($::text, $::uuid)", after.Username, after.id)
	}
	hits, err := q.page(ctx, s, limit+1, 0)
	if err != nil {
		return Page[User]{}, failure(ctx, "list users", err)
	}
	var page Page[User]
	if len(hits) > limit {
		hits = hits[:limit]
		last := hits[limit-1]
		page.Next = encodeCursor(userCursor{List: userList, Username: last.name, ID: last.id.String()})
	}
	if page.Items, err = q.usersOf(ctx, hits); err != nil {
		return Page[User]{}, err
	}
	return page, nil
}

const maxUsers = 100

// usersOf reads users that a list found, in its order.
func (q *Queries) usersOf(ctx context.Context, hits []hit) ([]User, error) {
	if len(hits) == 0 {
		return []User{}, nil
	}
	ids := make([]pgtype.UUID, len(hits))
	for i, h := range hits {
		ids[i] = h.id
	}
	found, err := q.rows.UsersOfIDs(ctx, ids)
	if err != nil {
		return nil, failure(ctx, "read listed users", err)
	}
	users := make([]User, len(found))
	for i, row := range found {
		if users[i], err = userOf(rows.UserByIDRow(row)); err != nil {
			return nil, err
		}
		users[i].LastSeenAt = q.uses.seen(users[i].ID, users[i].LastSeenAt)
	}
	return users, nil
}

func userOf(row rows.UserByIDRow) (User, error) {
	r := row.User
	u := User{
		ID: r.ID.String(), Number: r.Number, Username: r.Username, Email: r.Email, Name: r.Name, FirstName: r.FirstName,
		LastName: r.LastName, Avatar: r.Avatar, Language: r.Language, LoginType: events.LoginType(r.LoginType),
		Status: events.Status(r.Status), Confirmed: r.Confirmed, Roles: rolesOf(r.Roles), CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt,
		LastSeenAt: moment(row.LastSeenAt),
	}
	if err := json.Unmarshal(row.Places, &u.Organizations); err != nil {
		return User{}, fmt.Errorf("read the organizations of user %s: %w", u.ID, err)
	}
	if err := json.Unmarshal(r.Identities, &u.Identities); err != nil {
		return User{}, fmt.Errorf("read the identities of user %s: %w", u.ID, err)
	}
	return u, nil
}

// moment is a time that may be missing.
func moment(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

func rolesOf(names []string) []events.Role {
	roles := make([]events.Role, len(names))
	for i, name := range names {
		roles[i] = events.Role(name)
	}
	return roles
}

package query

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

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
func (q *Queries) SearchUsers(ctx context.Context, f UserSearch) (found []User, count int64, err error) {
	if err := q.await(ctx, anybody, q.users); err != nil {
		return nil, 0, err
	}
	return q.counted(ctx, newSearch(f), f.AfterID, f.Limit, f.Offset)
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
	if err := q.await(ctx, anybody, q.users); err != nil {
		return nil, 0, err
	}
	id, err := parseID(f.Organization)
	if err == nil {
		_, err = q.rows.OrganizationByID(ctx, id)
	}
	switch {
	case errors.Is(err, errNoRow):
		return []User{}, 0, nil
	case err != nil:
		return nil, 0, failure(ctx, "read the organization of members", err)
	}
	s := newSearch(UserSearch{})
	s.of(id)
	return q.counted(ctx, s, f.AfterID, f.Limit, f.Offset)
}

// counted reads a page that begins behind a user, and counts what fits.
func (q *Queries) counted(ctx context.Context, s *search, afterID string, limit, offset int) ([]User, int64, error) {
	limit, offset = max(limit, 0), max(offset, 0)
	if afterID != "" {
		name, err := q.nameOf(ctx, afterID)
		if err != nil {
			return nil, 0, failure(ctx, "read where a list begins", err)
		}
		s.none = s.none || name == nil
		if name != nil {
			s.behind(*name)
		}
	}
	hits, err := q.page(ctx, s, limit, offset)
	if err != nil {
		return nil, 0, failure(ctx, "search users", err)
	}
	count, err := q.count(ctx, s, len(hits), limit, offset)
	if err != nil {
		return nil, 0, failure(ctx, "count users", err)
	}
	found, err := q.usersOf(ctx, hits)
	return found, count, err
}

// nameOf returns a user's name as lists sort by it; nil of nobody.
func (q *Queries) nameOf(ctx context.Context, userID string) (*string, error) {
	id, err := parseID(userID)
	if err != nil {
		return nil, nil //nolint:nilerr,nilnil // nobody's
	}
	var name string
	switch err := q.pool.QueryRow(ctx, "select sort_name from users where id = $1", id).Scan(&name); {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, nil //nolint:nilnil // nobody's
	case err != nil:
		return nil, fmt.Errorf("name of user %s: %w", userID, err)
	}
	return &name, nil
}

// hit is a user that a search found.
type hit struct {
	id   pgtype.UUID
	name string // as lists sort by it
}

const (
	// firstLook is how many users a search looks at in the order of the list before
	// it lets another index find who fits. Where many fit, that finds a page of them;
	// where few fit, they are quickly sorted then. The index of the order holds what
	// most searches look in; wideLook is for those that read the rows.
	firstLook, wideLook = 4_000, 1_000
	// deepest is how far behind the beginning of the list the first look goes.
	deepest = 1_000
)

// page finds users in order. A limit of 0 is none.
func (q *Queries) page(ctx context.Context, s *search, limit, offset int) ([]hit, error) {
	if s.none {
		return nil, nil
	}
	if s.inOrder() {
		return q.hits(ctx)(s.walk(limit, offset))
	}
	if limit > 0 && limit+offset <= deepest {
		window := firstLook
		if s.wide {
			window = wideLook
		}
		hits, err := q.hits(ctx)(s.among(window, limit, offset))
		if err != nil || len(hits) == limit {
			return hits, err
		}
	}
	return q.hits(ctx)(s.all(limit, offset))
}

// hits runs a query that is planned for its arguments: the best way to a rare term
// is not that to a common one.
func (q *Queries) hits(ctx context.Context) func(sql string, args []any) ([]hit, error) {
	return func(sql string, args []any) ([]hit, error) {
		rows, err := q.pool.Query(ctx, sql, planned(args)...)
		if err != nil {
			return nil, fmt.Errorf("find users: %w", err)
		}
		hits, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (h hit, err error) {
			return h, row.Scan(&h.id, &h.name)
		})
		if err != nil {
			return nil, fmt.Errorf("find users: %w", err)
		}
		return hits, nil
	}
}

func planned(args []any) []any { return append([]any{pgx.QueryExecModeCacheDescribe}, args...) }

// count counts what fits, unless the page shows it.
func (q *Queries) count(ctx context.Context, s *search, found, limit, offset int) (int64, error) {
	switch {
	case s.none:
		return 0, nil
	case (limit == 0 || found < limit) && (found > 0 || offset == 0):
		return int64(offset + found), nil
	}
	sql, args := s.counting()
	var n int64
	if err := q.pool.QueryRow(ctx, sql, planned(args)...).Scan(&n); err != nil {
		return 0, fmt.Errorf("count what fits: %w", err)
	}
	return n, nil
}

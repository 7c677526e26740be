package query

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query/internal/rows"
)

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

const maxActivities = 1000

// Activities returns a page of a feed.
func (q *Queries) Activities(ctx context.Context, f ActivityFilter) (Page[Activity], error) {
	before, err := decodeActivityCursor(f.Cursor)
	if err != nil {
		return Page[Activity]{}, err
	}
	if f.Cursor != "" && f.Offset > 0 {
		return Page[Activity]{}, fmt.Errorf("%w: it excludes an offset", ErrBadCursor)
	}
	user, err := parseID(f.UserID)
	if err != nil {
		return Page[Activity]{}, nil //nolint:nilerr // nobody did nothing
	}
	if err := q.await(ctx, f.UserID, q.activity); err != nil {
		return Page[Activity]{}, err
	}
	limit := min(max(f.Limit, 1), maxActivities)
	found, err := q.feed(ctx, user, f, before, limit+1)
	if err != nil {
		return Page[Activity]{}, failure(ctx, "read a feed", err)
	}
	page := Page[Activity]{Items: make([]Activity, 0, min(limit, len(found)))}
	for _, row := range found[:min(limit, len(found))] {
		a, err := activityOf(row)
		if err != nil {
			return Page[Activity]{}, err
		}
		page.Items = append(page.Items, a)
	}
	if len(found) > limit {
		last := found[limit-1]
		page.Next = encodeCursor(activityCursor{List: activityList, At: last.OccurredAt.UnixMicro(), Sequence: last.Sequence})
	}
	return page, nil
}

// feed reads a page, by the index that serves its order.
func (q *Queries) feed(ctx context.Context, user pgtype.UUID, f ActivityFilter, before activityCursor, limit int) ([]rows.Activity, error) {
	if f.Offset >= farOffset {
		if found, done, err := q.fromEnd(ctx, user, f, limit); done || err != nil {
			return found, err
		}
	}
	at, skip := time.UnixMicro(before.At), int64(max(f.Offset, 0))
	if len(f.Types) == 0 {
		return q.rows.Feed(ctx, rows.FeedParams{
			UserID: user, BeforeAt: at, BeforeSequence: before.Sequence, Skip: skip, PageSize: int64(limit),
		})
	}
	return q.rows.FeedOfTypes(ctx, rows.FeedOfTypesParams{
		UserID: user, Types: namesOf(f.Types), BeforeAt: at, BeforeSequence: before.Sequence, Skip: skip, PageSize: int64(limit),
	})
}

// farOffset is from where it pays to ask how many rows there are.
const farOffset = 1000

// fromEnd reads a page by a far offset from the end of the feed, if that is nearer.
func (q *Queries) fromEnd(ctx context.Context, user pgtype.UUID, f ActivityFilter, limit int) (found []rows.Activity, done bool, err error) {
	types := namesOf(f.Types)
	total, err := q.rows.ActivityTotal(ctx, rows.ActivityTotalParams{UserID: user, Types: types})
	if err != nil {
		return nil, false, err
	}
	skip := int64(f.Offset)
	take := min(int64(limit), total-skip)
	behind := total - skip - take
	switch {
	case take <= 0:
		return nil, true, nil
	case behind > skip:
		return nil, false, nil
	case len(types) == 0:
		found, err = q.rows.FeedFromEnd(ctx, rows.FeedFromEndParams{UserID: user, Skip: behind, PageSize: take})
	default:
		found, err = q.rows.FeedOfTypesFromEnd(ctx, rows.FeedOfTypesFromEndParams{UserID: user, Types: types, Skip: behind, PageSize: take})
	}
	return found, true, err
}

// ActivityTotal returns the number of a user's activities of these types (empty
// means all), from the rollup.
func (q *Queries) ActivityTotal(ctx context.Context, userID string, types []events.ActivityType) (int64, error) {
	user, err := parseID(userID)
	if err != nil {
		return 0, nil //nolint:nilerr // nobody did nothing
	}
	if err := q.await(ctx, userID, q.activity); err != nil {
		return 0, err
	}
	total, err := q.rows.ActivityTotal(ctx, rows.ActivityTotalParams{UserID: user, Types: namesOf(types)})
	if err != nil {
		return 0, failure(ctx, "count activities", err)
	}
	return total, nil
}

func namesOf(types []events.ActivityType) []string {
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = string(t)
	}
	return names
}

func activityOf(r rows.Activity) (Activity, error) {
	a := Activity{
		Sequence: uint64(r.Sequence), UserID: r.UserID.String(), Type: events.ActivityType(r.Type), Action: r.Action,
		EntityID: r.EntityID, EntityTitle: r.EntityTitle, EntityURL: r.EntityUrl, EntityCreatedAt: r.EntityCreatedAt,
		ProjectID: r.ProjectID, ProjectName: r.ProjectName, Workspace: r.Workspace, Count: r.Count, Assignee: r.Assignee, Due: r.Due,
		OccurredAt: r.OccurredAt, RecordedAt: r.RecordedAt, Source: r.Source, SourceID: r.SourceID,
	}
	if len(r.Metadata) == 0 {
		return a, nil
	}
	d := json.NewDecoder(bytes.NewReader(r.Metadata))
	d.UseNumber() // a source's ids may have more digits than a float64
	if err := d.Decode(&a.Metadata); err != nil {
		return Activity{}, fmt.Errorf("read the metadata of activity %d: %w", r.Sequence, err)
	}
	return a, nil
}

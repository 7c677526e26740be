package query

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query/internal/rows"
)

// HistoryFilter selects activities for a live stream. Empty members select
// everything, but for Users: there nil is everybody and an empty list nobody.
type HistoryFilter struct {
	Users      []string
	Types      []events.ActivityType
	Projects   []string
	Workspaces []string
}

// everything says that the filter leaves nothing out.
func (f HistoryFilter) everything() bool {
	return f.Users == nil && len(f.Types) == 0 && len(f.Projects) == 0 && len(f.Workspaces) == 0
}

// historyWindow is how many positions one look for a filter over everybody's
// activities goes through, so that no query is long.
const historyWindow = 5000

// History returns what the filter selects behind a position, in order of
// position. Everything selected up to through is in it; what is behind may come
// later. It waits for nothing: through tells how far the model is.
func (q *Queries) History(ctx context.Context, f HistoryFilter, after uint64, limit int) (items []Activity, through uint64, err error) {
	reached := q.activity.reached.Load() // before the read: the rows are at least as new
	page := min(max(limit, 1), maxActivities)
	found, window, err := q.history(ctx, f, after, page)
	if err != nil {
		return nil, 0, failure(ctx, "read activities in order", err)
	}
	if items, err = activitiesOf(found); err != nil {
		return nil, 0, err
	}
	through = max(after, min(reached, window))
	if len(items) > 0 {
		last := items[len(items)-1].Sequence
		if through = max(through, last); len(items) == page {
			through = last
		}
	}
	return items, through, nil
}

// history returns rows, and the position up to which they were looked for.
func (q *Queries) history(ctx context.Context, f HistoryFilter, after uint64, limit int) (found []rows.Activity, window uint64, err error) {
	if f.Users != nil {
		found, err = q.rows.HistoryOfUsers(ctx, rows.HistoryOfUsersParams{
			Users: idsOf(f.Users), After: bigint(after), Types: namesOf(f.Types), Projects: textsOf(f.Projects),
			Workspaces: textsOf(f.Workspaces), PageSize: int64(limit),
		})
		return found, math.MaxUint64, err
	}
	window = math.MaxUint64
	if !f.everything() {
		window = after + historyWindow
	}
	found, err = q.rows.History(ctx, rows.HistoryParams{
		After: bigint(after), Through: bigint(window), Types: namesOf(f.Types), Projects: textsOf(f.Projects),
		Workspaces: textsOf(f.Workspaces), PageSize: int64(limit),
	})
	return found, window, err
}

// Latest returns the newest that the filter selects, in order of position. It
// waits for the model like every read.
func (q *Queries) Latest(ctx context.Context, f HistoryFilter, limit int) (items []Activity, through uint64, err error) {
	if err := q.awaitUsers(sharedWait(ctx), f.Users); err != nil {
		return nil, 0, err
	}
	reached := q.activity.reached.Load()
	limit = min(max(limit, 1), maxActivities)
	var found []rows.Activity
	if f.Users != nil {
		found, err = q.rows.LatestOfUsers(ctx, rows.LatestOfUsersParams{
			Users: idsOf(f.Users), Types: namesOf(f.Types), Projects: textsOf(f.Projects),
			Workspaces: textsOf(f.Workspaces), PageSize: int64(limit),
		})
	} else {
		found, err = q.latest(ctx, f, limit)
	}
	if err != nil {
		return nil, 0, failure(ctx, "read the newest activities", err)
	}
	slices.Reverse(found)
	if items, err = activitiesOf(found); err != nil {
		return nil, 0, err
	}
	if len(items) > 0 {
		reached = max(reached, items[len(items)-1].Sequence)
	}
	return items, reached, nil
}

func (q *Queries) awaitUsers(ctx context.Context, users []string) error {
	if users == nil {
		return q.await(ctx, anybody, q.activity)
	}
	for _, user := range users {
		if err := q.await(ctx, user, q.activity); err != nil {
			return err
		}
	}
	return nil
}

// latest goes back window by window until there are enough.
func (q *Queries) latest(ctx context.Context, f HistoryFilter, limit int) ([]rows.Activity, error) {
	last, err := q.rows.LastActivity(ctx)
	if err != nil {
		return nil, err
	}
	size := int64(historyWindow)
	if f.everything() {
		size = math.MaxInt64 // the first rows of the index are the answer
	}
	var found []rows.Activity
	for upper := last; upper > 0 && len(found) < limit; {
		lower := max(upper-size, 0)
		some, err := q.rows.Latest(ctx, rows.LatestParams{
			After: lower, Through: upper, Types: namesOf(f.Types), Projects: textsOf(f.Projects),
			Workspaces: textsOf(f.Workspaces), PageSize: int64(limit - len(found)),
		})
		if err != nil {
			return nil, err
		}
		found, upper = append(found, some...), lower
	}
	return found, nil
}

// AwaitActivities returns when the feed's model has reached a position, or with
// the context's error.
func (q *Queries) AwaitActivities(ctx context.Context, sequence uint64) error {
	if err := q.activity.await(ctx, sequence); err != nil {
		return fmt.Errorf("wait for %s to reach %d: %w", q.activity.schema, sequence, err)
	}
	return nil
}

// Head returns the last sequence of a stream, asked of the log. Without a log it
// is what the tail has seen.
func (q *Queries) Head(ctx context.Context, s events.Stream) (uint64, error) {
	if q.head == nil {
		head, _ := q.tail.Current(s)
		return head, nil
	}
	head, err := q.head(ctx, s)
	if err != nil {
		return 0, fmt.Errorf("ask for the head of %s: %w: %w", s, ErrUnavailable, err)
	}
	return head, nil
}

func activitiesOf(found []rows.Activity) ([]Activity, error) {
	items := make([]Activity, len(found))
	for i, row := range found {
		var err error
		if items[i], err = activityOf(row); err != nil {
			return nil, err
		}
	}
	return items, nil
}

// idsOf leaves out what can be nobody's id.
func idsOf(users []string) []pgtype.UUID {
	ids := make([]pgtype.UUID, 0, len(users))
	for _, user := range users {
		if id, err := parseID(user); err == nil {
			ids = append(ids, id)
		}
	}
	return ids
}

// textsOf makes a list that is not null.
func textsOf(in []string) []string { return append([]string{}, in...) }

// bigint is a position as PostgreSQL holds it.
func bigint(sequence uint64) int64 { return int64(min(sequence, math.MaxInt64)) }

// OpenEvent reads an event that the tail delivered sealed.
func (q *Queries) OpenEvent(ctx context.Context, e events.Stored) (events.Recorded, error) {
	if q.tail.log == nil {
		return events.Recorded{}, fmt.Errorf("open %s: %w: there is no log", e.Position(), ErrUnavailable)
	}
	return q.tail.log.Open(ctx, e) //nolint:wrapcheck // it says what was tried
}

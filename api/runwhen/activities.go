package runwhen

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strings"
	"time"
	"unicode"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/query"
	"github.com/rosterhq/roster/query/live"
)

// activity is an item of a feed.
type activity struct {
	ID         uint64  `json:"id"`
	Verb       string  `json:"verb"`
	ActorName  string  `json:"actorName"`
	TargetName *string `json:"targetName"`
	Workspace  *string `json:"workspace"`
	Timestamp  string  `json:"timestamp"`
	ActorID    int64   `json:"actorId"`
	TargetType string  `json:"targetType"`
	TargetID   *string `json:"targetId"`
}

func activityOf(a query.Activity, actor query.User) activity {
	return activity{
		ID: a.Sequence, Verb: verbOf(string(a.Type), a.Action), ActorName: actor.Username, TargetName: nullable(a.EntityTitle),
		Workspace: nullable(a.Workspace), Timestamp: stamp(a.OccurredAt), ActorID: actor.Number,
		TargetType: string(a.Type), TargetID: nullable(a.EntityID),
	}
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// verbOf is "<TYPE>_<ACTION>" in UPPER_SNAKE.
func verbOf(kind, action string) string { return strings.Trim(snake(kind)+"_"+snake(action), "_") }

func snake(s string) string {
	var b strings.Builder
	before := rune('_')
	for _, c := range s {
		switch {
		case !unicode.IsLetter(c) && !unicode.IsDigit(c):
			c = '_'
			if before == '_' {
				continue
			}
		case unicode.IsUpper(c) && unicode.IsLower(before):
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToUpper(c))
		before = c
	}
	return strings.Trim(b.String(), "_")
}

// Users finds who did something.
type Users interface {
	User(ctx context.Context, ref query.UserRef) (query.User, error)
}

// renderPatience bounds the look at who did something.
const renderPatience = 5 * time.Second

// Render makes the items of streams.
func Render(users Users) live.Render {
	return func(a query.Activity) ([]byte, error) {
		ctx, cancel := context.WithTimeout(context.Background(), renderPatience)
		defer cancel()
		actor, err := users.User(ctx, query.UserRef{ID: a.UserID})
		if err != nil {
			return nil, fmt.Errorf("find who did something: %w", err)
		}
		return json.Marshal(activityOf(a, actor)) //nolint:wrapcheck // the hub says what was rendered
	}
}

// watched finds a user whose activities the caller may see.
func (h *Handler) watched(r *http.Request, c gate.Caller, p *problems) (query.User, error) {
	u, found, err := h.userNamed(r, p)
	switch {
	case err != nil:
		return query.User{}, err
	case p.err() != nil:
		return query.User{}, p.err()
	case !found:
		return query.User{}, errNoUser
	}
	return u, h.seen(r.Context(), c, u, commands.ReadActivities, errForbidden)
}

// activeFor is for how long somebody counts as active in a workspace.
const activeFor = 30 * 24 * time.Hour

// activeWorkspaces answers GET /users/{user_id}/activeworkspaces.
func (h *Handler) activeWorkspaces(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	u, err := h.watched(r, c, &problems{})
	if err != nil {
		return err
	}
	found, err := h.Queries.RecentWorkspaces(r.Context(), u.ID, h.Clock().Add(-activeFor))
	if err != nil {
		return err
	}
	type recent struct {
		WorkspaceName string `json:"workspaceName"`
		Count         int64  `json:"count"`
		LastActiveAt  string `json:"lastActiveAt"`
	}
	out := make([]recent, len(found))
	for i, one := range found {
		out[i] = recent{one.Workspace, one.Activities, stamp(one.LastActive)}
	}
	return succeed(w, http.StatusOK, out)
}

const usualActivities = 20

// activities answers GET /users/{user_id}/activities.
func (h *Handler) activities(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	var p problems
	q := queryOf(r)
	page, size := int64(1), int64(usualActivities)
	for _, one := range []struct {
		name string
		most int64
		into *int64
	}{{"page", unbounded, &page}, {"page_size", pageSize, &size}, {"page-size", pageSize, &size}} {
		if !q.Has(one.name) {
			continue
		}
		if n, ok := p.parsed(last(q, one.name), []any{"query", one.name}, 1, one.most); ok {
			*one.into = n
		}
	}
	u, err := h.watched(r, c, &p)
	if err != nil {
		return err
	}
	if page > math.MaxInt32 {
		return succeed(w, http.StatusOK, []activity{})
	}
	found, err := h.Queries.Activities(r.Context(), query.ActivityFilter{UserID: u.ID, Limit: int(size), Offset: int((page - 1) * size)})
	if err != nil {
		return err
	}
	out := make([]activity, len(found.Items))
	for i, a := range found.Items {
		out[i] = activityOf(a, u)
	}
	return succeed(w, http.StatusOK, out)
}

// counted is how far back days are counted.
const countedDays = 365

// countActivities answers GET /users/{user_id}/activities/count.
func (h *Handler) countActivities(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	var p problems
	format := last(queryOf(r), "format")
	if queryOf(r).Has("format") && format != "heatmap" {
		p.add(notLiteral([]any{"query", "format"}, "'heatmap'", quoted(format)))
	}
	u, err := h.watched(r, c, &p)
	if err != nil {
		return err
	}
	type day struct {
		Date  string `json:"date"`
		Count int64  `json:"count"`
	}
	first := h.Clock().UTC().Truncate(24*time.Hour).AddDate(0, 0, 1-countedDays)
	found, err := h.Queries.ActivityDays(r.Context(), u.ID, first)
	if err != nil {
		return err
	}
	days := make([]day, len(found))
	for i, d := range found {
		days[i] = day{d.Day.Format(time.DateOnly), d.Activities}
	}
	if format == "heatmap" {
		return succeed(w, http.StatusOK, days)
	}
	total, err := h.Queries.ActivityTotal(r.Context(), u.ID, nil)
	if err != nil {
		return err
	}
	return succeed(w, http.StatusOK, struct {
		Count int64 `json:"count"`
		Days  []day `json:"days"`
	}{total, days})
}

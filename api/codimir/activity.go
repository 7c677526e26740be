package codimir

import (
	"fmt"
	"maps"
	"math"
	"net/url"
	"regexp"
	"strconv"
	"unicode"
	"unicode/utf8"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query"
)

const (
	defaultLimit = 20
	maxLimit     = 100
	// maxPage is the largest whole number that every JSON reader keeps exactly.
	maxPage = 1<<53 - 1
)

// feedTypes are what Codimir's feed shows. Commits count in statistics alone,
// and account changes are unknown to it.
var feedTypes = []events.ActivityType{
	events.TicketActivity, events.ProjectActivity, events.CommentActivity, events.ReviewActivity,
}

// activity is an item of the feed.
type activity struct {
	ID          string         `json:"id"`
	Type        string         `json:"type"`
	Action      string         `json:"action"`
	EntityID    string         `json:"entityId"`
	EntityTitle string         `json:"entityTitle,omitempty"`
	Description string         `json:"description"`
	CreatedAt   timestamp      `json:"createdAt"`
	Metadata    map[string]any `json:"metadata,omitempty"`
}

type pagination struct {
	Page       int64 `json:"page"`
	Limit      int64 `json:"limit"`
	Total      int64 `json:"total"`
	TotalPages int64 `json:"totalPages"`
}

func activityOf(a query.Activity) activity {
	return activity{
		ID: activityID(a.Sequence), Type: string(a.Type), Action: a.Action, EntityID: a.EntityID, EntityTitle: a.EntityTitle,
		Description: describe(a), CreatedAt: timestamp(a.OccurredAt), Metadata: metadataOf(a),
	}
}

// activityID pads the position, so that items of one second are in descending
// order of id as clients compare it: as text.
func activityID(sequence uint64) string { return fmt.Sprintf("activity_%012d", sequence) }

// describe makes "Created ticket: Fix login bug". What has no title is named
// by its id.
func describe(a query.Activity) string {
	subject := a.EntityTitle
	if subject == "" {
		subject = a.EntityID
	}
	return capitalise(a.Action) + " " + string(a.Type) + ": " + subject
}

func capitalise(s string) string {
	first, size := utf8.DecodeRuneInString(s)
	if size == 0 || first == utf8.RuneError {
		return s
	}
	return string(unicode.ToUpper(first)) + s[size:]
}

// metadataOf is the activity's own metadata with its project, which says more
// than a member of the same name. It is nil when there is nothing in it.
func metadataOf(a query.Activity) map[string]any {
	if a.ProjectID == "" && a.ProjectName == "" {
		return a.Metadata
	}
	merged := make(map[string]any, len(a.Metadata)+2)
	maps.Copy(merged, a.Metadata)
	if a.ProjectID != "" {
		merged["projectId"] = a.ProjectID
	}
	if a.ProjectName != "" {
		merged["projectName"] = a.ProjectName
	}
	return merged
}

// feedQuery is what the query string of the feed asks for.
type feedQuery struct {
	page, limit int64
	types       []events.ActivityType
}

func parseFeedQuery(values url.Values) (feedQuery, error) {
	q := feedQuery{page: parsePage(values.Get("page")), limit: parseLimit(values.Get("limit")), types: feedTypes}
	if !values.Has("type") {
		return q, nil
	}
	for _, t := range feedTypes {
		if values.Get("type") == string(t) {
			q.types = []events.ActivityType{t}
			return q, nil
		}
	}
	return feedQuery{}, badRequest("type must be ticket, project, comment or review")
}

var wholeNumber = regexp.MustCompile(`^\+?[0-9]+$`)

// parsePage reads a page; what is not a whole number from 1 on is page 1.
func parsePage(s string) int64 {
	if !wholeNumber.MatchString(s) {
		return 1
	}
	page, err := strconv.ParseInt(s, 10, 64)
	if err != nil || page > maxPage {
		return maxPage // beyond the end of every feed
	}
	return max(page, 1)
}

var decimalNumber = regexp.MustCompile(`^[+-]?[0-9]+(\.[0-9]+)?$`)

// parseLimit reads a limit; what is below 1 or no number is the default.
func parseLimit(s string) int64 {
	if !decimalNumber.MatchString(s) {
		return defaultLimit
	}
	limit, err := strconv.ParseFloat(s, 64)
	switch {
	case limit > maxLimit: // of a number out of range too: it is infinite then
		return maxLimit
	case err != nil || limit < 1:
		return defaultLimit
	default:
		return int64(math.Floor(limit))
	}
}

// offset is how many items lie before the page, and false when the page lies
// past the end.
func (q feedQuery) offset(total int64) (int64, bool) {
	if q.page-1 > total/q.limit {
		return 0, false
	}
	offset := (q.page - 1) * q.limit
	return offset, offset < total
}

func (q feedQuery) pagination(total int64) pagination {
	pages := total / q.limit
	if total%q.limit > 0 {
		pages++
	}
	return pagination{Page: q.page, Limit: q.limit, Total: total, TotalPages: pages}
}

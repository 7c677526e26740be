package commands

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/rosterhq/roster/events"
)

// Limits of an activity, in characters unless said otherwise.
const (
	maxSource        = 128
	maxSourceID      = 256
	maxAction        = 64
	maxEntityID      = 512
	maxEntityTitle   = 1000
	maxProject       = 512
	maxWorkspace     = 256
	maxMetadataBytes = 16 << 10
	maxMetadataDepth = 32
	maxCount         = 1 << 40 // sums of it must not overflow
)

// clockSkew is how far in the future a source system's clock may be.
const clockSkew = 24 * time.Hour

// recordable are the types that may come from outside. Changes of the account
// itself come from the log alone.
var recordable = []events.ActivityType{
	events.TicketActivity, events.ProjectActivity, events.CommentActivity, events.ReviewActivity, events.CommitActivity,
}

// checkActivity checks the form of one activity.
func checkActivity(in *ActivityInput, now time.Time) *Error {
	var p problems
	if p.token("source", in.Source, maxSource) && ownSource(in.Source) {
		p.add("source", "format", "this source is Roster itself")
	}
	p.token("id", in.SourceID, maxSourceID)
	in.User.check("user", &p)
	if in.Assignee != nil {
		in.Assignee.check("assignee", &p)
	}
	if !slices.Contains(recordable, in.Type) {
		p.add("type", "unknown", "must be one of: ticket, project, comment, review, commit")
	}
	p.token("action", in.Action, maxAction)
	p.token("entity.id", in.EntityID, maxEntityID)
	p.text("entity.title", in.EntityTitle, maxEntityTitle)
	p.url("entity.url", in.EntityURL)
	p.text("project.id", in.ProjectID, maxProject)
	p.text("project.name", in.ProjectName, maxProject)
	p.text("workspace", in.Workspace, maxWorkspace)
	if in.Count < 0 || in.Count > maxCount {
		p.add("count", "format", "must be a number from 0 up")
	}
	p.times(in, now)
	p.metadata(in.Metadata)
	return p.err()
}

// ownSource says whether a source is Roster's: nobody else may use up its ids.
func ownSource(s string) bool {
	s = strings.TrimPrefix(fold(s), "/")
	return s == "roster" || strings.HasPrefix(s, "roster/")
}

func (p *problems) times(in *ActivityInput, now time.Time) {
	if in.OccurredAt.IsZero() {
		p.add("occurredAt", "required", "must be given")
	} else {
		p.past("occurredAt", in.OccurredAt, now)
	}
	if in.EntityCreatedAt != nil {
		p.past("entity.createdAt", *in.EntityCreatedAt, now)
	}
	if in.Due != nil && (in.Due.UTC().Year() < 1970 || in.Due.UTC().Year() > 9999) {
		p.add("due", "format", "must be in the years 1970 to 9999")
	}
}

func (p *problems) past(field string, t, now time.Time) {
	if t.UTC().Year() < 1970 || t.After(now.Add(clockSkew)) {
		p.add(field, "format", "must be after 1970 and not in the future")
	}
}

func (p *problems) metadata(m map[string]any) {
	if len(m) == 0 {
		return
	}
	if detail := unfit(m, 0); detail != "" {
		p.add("metadata", "format", detail)
		return
	}
	data, err := json.Marshal(m)
	switch {
	case err != nil:
		p.add("metadata", "format", "must be JSON")
	case len(data) > maxMetadataBytes:
		p.add("metadata", "too-long", fmt.Sprintf("must have at most %d bytes", maxMetadataBytes))
	}
}

// unfit says what in a decoded JSON value can not be kept, or "".
func unfit(value any, depth int) string {
	if depth > maxMetadataDepth {
		return fmt.Sprintf("must not be nested deeper than %d", maxMetadataDepth)
	}
	switch v := value.(type) {
	case string:
		if !utf8.ValidString(v) || strings.ContainsRune(v, 0) {
			return "must be valid UTF-8 without NUL characters"
		}
	case map[string]any:
		for name, member := range v {
			if detail := unfit(name, depth); detail != "" {
				return detail
			}
			if detail := unfit(member, depth+1); detail != "" {
				return detail
			}
		}
	case []any:
		for _, member := range v {
			if detail := unfit(member, depth+1); detail != "" {
				return detail
			}
		}
	}
	return ""
}

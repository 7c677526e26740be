package abf

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query"
)

const (
	settingsNotUpdated = "User notification settings have not been updated"
	settingsUpdated    = "User notification settings have been updated successfully"
)

// settings are the ten notification settings, all on until somebody says otherwise.
type settings struct {
	CanNotify                 bool `json:"can_notify"`
	NewCommentCommitOwner     bool `json:"new_comment_commit_owner"`
	NewCommentCommitRepoOwner bool `json:"new_comment_commit_repo_owner"`
	NewCommentCommitCommentor bool `json:"new_comment_commit_commentor"`
	NewComment                bool `json:"new_comment"`
	NewCommentReply           bool `json:"new_comment_reply"`
	NewIssue                  bool `json:"new_issue"`
	IssueAssign               bool `json:"issue_assign"`
	NewBuild                  bool `json:"new_build"`
	NewAssociatedBuild        bool `json:"new_associated_build"`
}

func settingsOf(values map[string]any) settings {
	on := func(name string) bool {
		value, set := values[name].(bool)
		return !set || value
	}
	return settings{
		CanNotify: on("can_notify"), NewCommentCommitOwner: on("new_comment_commit_owner"),
		NewCommentCommitRepoOwner: on("new_comment_commit_repo_owner"), NewCommentCommitCommentor: on("new_comment_commit_commentor"),
		NewComment: on("new_comment"), NewCommentReply: on("new_comment_reply"), NewIssue: on("new_issue"),
		IssueAssign: on("issue_assign"), NewBuild: on("new_build"), NewAssociatedBuild: on("new_associated_build"),
	}
}

// hasSettings says whether a user has settings: users of role system have none.
func hasSettings(c gate.Caller) error {
	if slices.Contains(c.Actor.Roles, events.RoleSystem) {
		return errNotFound
	}
	return nil
}

// notifiers answers GET /user/notifiers.
func (h *Handler) notifiers(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	if err := errors.Join(may(c, commands.ReadPersonal), hasSettings(c)); err != nil {
		return err
	}
	u, err := h.self(r.Context(), c)
	if err != nil {
		return err
	}
	kept, err := h.Queries.Preferences(r.Context(), u.ID, notifierDialect)
	if err != nil && !errors.Is(err, query.ErrNotFound) {
		return err
	}
	type withSettings struct {
		ID        int64    `json:"id"`
		Notifiers settings `json:"notifiers"`
	}
	return success(w, r, struct {
		User withSettings `json:"user"`
		URL  string       `json:"url"`
	}{withSettings{u.Number, settingsOf(kept.Values)}, root + "/user/notifiers.json"})
}

// updateNotifiers answers PUT /user/notifiers.
func (h *Handler) updateNotifiers(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	if err := hasSettings(c); err != nil {
		return err
	}
	members, err := readMembers(w, r, "notifiers", false)
	if err != nil {
		return err
	}
	changes, problems := readSettings(members)
	if len(problems) > 0 {
		return failed(settingsNotUpdated, problems)
	}
	command := commands.UpdatePreferences{UserID: c.UserID(), Dialect: notifierDialect, Changes: changes}
	res, err := h.Commands.UpdatePreferences(r.Context(), gate.Request(r, c, Name), command)
	if err != nil {
		return err
	}
	h.Gate.Wrote(w, r, res)
	return success(w, r, done(res.User.Number, settingsUpdated))
}

// readSettings reads the settings that there are; others are dropped.
func readSettings(members gate.Object) (changes map[string]any, problems []string) {
	changes = map[string]any{}
	for _, name := range commands.PreferenceNames(notifierDialect) {
		raw, given := members[name]
		if !given {
			continue
		}
		value, ok := truth(raw)
		if !ok {
			problems = append(problems, strings.ToUpper(name[:1])+strings.ReplaceAll(name[1:], "_", " ")+" is invalid")
			continue
		}
		changes[name] = value
	}
	return changes, problems
}

// truth reads a boolean as Rails does: true, 1, "1", "t", "true" and "on" are true,
// all else that says something is false. Nothing (null, "") is refused, and so is
// what is no single value.
func truth(raw json.RawMessage) (value, ok bool) {
	var decoded any
	if err := json.Unmarshal(raw, &decoded); err != nil {
		return false, false
	}
	switch v := decoded.(type) {
	case bool:
		return v, true
	case float64:
		return v == 1, true
	case string:
		return slices.Contains([]string{"1", "t", "T", "true", "TRUE", "on", "ON"}, v), v != ""
	default:
		return false, false
	}
}

// search answers GET /search, of users alone.
func (h *Handler) search(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	if err := may(c, commands.ReadUser); err != nil {
		return err
	}
	type hit struct {
		ID    int64   `json:"id"`
		Uname string  `json:"uname"`
		Name  *string `json:"name"`
		URL   string  `json:"url"`
	}
	q, err := parametersOf(r)
	if err != nil {
		return err
	}
	hits := []hit{}
	if kind := q.Get("type"); kind == "users" || kind == "all" || kind == "" {
		found, err := h.Queries.SearchUsernames(r.Context(), usernameOf(q.Get("query")), perPage(q.Get("per_page")))
		if err != nil {
			return err
		}
		for _, u := range found {
			if !sees(c, u.ID) {
				continue
			}
			hits = append(hits, hit{u.Number, Uname(u.Username), nullable(displayName(u)), root + "/users/" + strconv.FormatInt(u.Number, 10) + ".json"})
		}
	}
	return success(w, r, map[string]any{"results": map[string]any{"users": hits}, "url": root + "/search.json"})
}

// parametersOf reads the query, which must be text.
func parametersOf(r *http.Request) (url.Values, error) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, errBadRequest
	}
	for _, values := range q {
		for _, value := range values {
			if !utf8.ValidString(value) || strings.Contains(value, "\x00") {
				return nil, errBadRequest
			}
		}
	}
	return q, nil
}

// perPage is 20 unless the client says another number up to 100.
func perPage(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return 20
	}
	return min(n, 100)
}

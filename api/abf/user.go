package abf

import (
	"context"
	"crypto/md5" //nolint:gosec // Gravatar's addresses are made with it
	"encoding/hex"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/gorilla/mux"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query"
)

// profileDialect and notifierDialect are the records of preferences that hold what
// only this dialect knows of a user.
const (
	profileDialect  = "abf-profile"
	notifierDialect = "abf-notifiers"
)

// account is the user object with its 16 members; nothing is left out.
type account struct {
	ID                     int64   `json:"id"`
	Name                   *string `json:"name"`
	Uname                  string  `json:"uname"`
	Email                  string  `json:"email"`
	Language               *string `json:"language"`
	OwnProjectsCount       int64   `json:"own_projects_count"`
	ProfessionalExperience *string `json:"professional_experience"`
	Site                   *string `json:"site"`
	Company                *string `json:"company"`
	Location               *string `json:"location"`
	BuildPriority          *int64  `json:"build_priority"`
	CreatedAt              int64   `json:"created_at"`
	UpdatedAt              int64   `json:"updated_at"`
	AvatarURL              string  `json:"avatar_url"`
	URL                    string  `json:"url"`
	HTMLURL                string  `json:"html_url"`
}

// current is the user object of the caller. The page nests it once more than the
// servers do; both places are filled.
type current struct {
	account
	Role string  `json:"role"`
	User account `json:"user"`
}

const defaultPriority = 50

// account collects what is known of a user.
func (h *Handler) account(ctx context.Context, u query.User) (account, error) {
	extra, err := h.Queries.Preferences(ctx, u.ID, profileDialect)
	if err != nil && !errors.Is(err, query.ErrNotFound) {
		return account{}, err
	}
	counts, err := h.Queries.Counts(ctx, u.ID)
	if err != nil {
		return account{}, err
	}
	updated := u.UpdatedAt
	if extra.UpdatedAt.After(updated) {
		updated = extra.UpdatedAt
	}
	text := func(name string) *string {
		s, _ := extra.Values[name].(string)
		return nullable(s)
	}
	return account{
		ID: u.Number, Name: nullable(displayName(u)), Uname: Uname(u.Username), Email: u.Email, Language: languageOf(u.Language),
		OwnProjectsCount: counts.Owned, ProfessionalExperience: text("professional_experience"), Site: text("site"),
		Company: text("company"), Location: text("location"), BuildPriority: priorityOf(extra.Values["build_priority"]),
		CreatedAt: u.CreatedAt.Unix(), UpdatedAt: updated.Unix(), AvatarURL: avatarOf(u),
		URL: root + "/users/" + strconv.FormatInt(u.Number, 10) + ".json", HTMLURL: "/" + Uname(u.Username),
	}, nil
}

// Uname is a username as this dialect shows it. A username has no underscore and
// counts without its case, so that the way back is as clear.
func Uname(username string) string { return strings.ReplaceAll(strings.ToLower(username), "-", "_") }

// usernameOf is the way back from a uname.
func usernameOf(uname string) string { return strings.ReplaceAll(uname, "_", "-") }

func displayName(u query.User) string {
	if u.Name != "" {
		return u.Name
	}
	return strings.TrimSpace(u.FirstName + " " + u.LastName)
}

func nullable(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// languageOf shows the languages that ABF has; for others its default.
func languageOf(language string) *string {
	if language != "ru" {
		language = "en"
	}
	return &language
}

func priorityOf(value any) *int64 {
	n := int64(defaultPriority)
	if s, ok := value.(string); ok {
		if kept, err := strconv.ParseInt(s, 10, 64); err == nil {
			n = kept
		}
	}
	return &n
}

func avatarOf(u query.User) string {
	if u.Avatar != "" {
		return u.Avatar
	}
	sum := md5.Sum([]byte(strings.ToLower(u.Email))) //nolint:gosec // Gravatar's addresses are made with it
	return "https://secure.gravatar.com/avatar/" + hex.EncodeToString(sum[:]) + "?s=81&r=pg"
}

func roleOf(roles []events.Role) string {
	switch {
	case slices.Contains(roles, events.RoleOwner):
		return "admin"
	case slices.Contains(roles, events.RoleTester):
		return "tester"
	case slices.Contains(roles, events.RoleSystem):
		return "system"
	default:
		return ""
	}
}

// user answers GET /users/:id, where the id is a number or a uname.
func (h *Handler) user(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	u, err := h.find(r.Context(), mux.Vars(r)["id"])
	if err != nil {
		return err
	}
	if !sees(c, u.ID) {
		return errForbidden
	}
	a, err := h.account(r.Context(), u)
	if err != nil {
		return err
	}
	return success(w, r, map[string]account{"user": a})
}

// find returns a user who can be seen: all digits are always a number.
func (h *Handler) find(ctx context.Context, id string) (query.User, error) {
	ref := query.UserRef{Username: usernameOf(id)}
	if strings.Trim(id, "0123456789") == "" {
		number, err := strconv.ParseInt(id, 10, 64)
		if err != nil || number < 1 {
			return query.User{}, errNotFound
		}
		ref = query.UserRef{Number: number}
	} else if strings.Contains(id, "-") { // no uname has one
		return query.User{}, errNotFound
	}
	u, err := h.Queries.User(ctx, ref)
	if err != nil {
		return query.User{}, err
	}
	if slices.Contains(u.Roles, events.RoleSystem) {
		return query.User{}, errNotFound
	}
	return u, nil
}

// self returns the caller's row. A caller without one is gone.
func (h *Handler) self(ctx context.Context, c gate.Caller) (query.User, error) {
	u, err := h.Queries.User(ctx, query.UserRef{ID: c.UserID()})
	if errors.Is(err, query.ErrNotFound) || err == nil && u.Status == events.StatusDeleted {
		return query.User{}, errCredentials
	}
	return u, err
}

// currentUser answers GET /user.
func (h *Handler) currentUser(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	if err := may(c, commands.ReadPersonal); err != nil {
		return err
	}
	u, err := h.self(r.Context(), c)
	if err != nil {
		return err
	}
	a, err := h.account(r.Context(), u)
	if err != nil {
		return err
	}
	return success(w, r, map[string]current{"user": {account: a, Role: roleOf(u.Roles), User: a}})
}

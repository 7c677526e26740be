package runwhen

import (
	"context"
	"errors"
	"math"
	"net/http"
	"slices"
	"strings"

	"github.com/gorilla/mux"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query"
)

// brief is a user as searches show one.
type brief struct {
	ID               int64   `json:"id"`
	Username         string  `json:"username"`
	Email            *string `json:"email"`
	PrimaryEmail     *string `json:"primaryEmail"`
	FirstName        string  `json:"firstName"`
	LastName         string  `json:"lastName"`
	FullName         *string `json:"fullName"`
	AvatarURL        *string `json:"avatarUrl"`
	IsActive         bool    `json:"isActive"`
	IsServiceAccount bool    `json:"isServiceAccount"`
}

// account is the user object. Nothing is left out.
type account struct {
	brief
	LiveAvatarURL     *string `json:"liveAvatarUrl"`
	Groups            []group `json:"groups"`
	Provider          *string `json:"provider"`
	EscalationMessage *string `json:"escalationMessage"`
	OptOutPublicGroup bool    `json:"optOutPublicGroup"`
	IsStaff           bool    `json:"isStaff"`
	IsSuperuser       bool    `json:"isSuperuser"`
}

type group struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
}

func briefOf(u query.User) brief {
	return brief{
		ID: u.Number, Username: u.Username, Email: nullable(u.Email), PrimaryEmail: nullable(u.Email),
		FirstName: u.FirstName, LastName: u.LastName, FullName: nullable(strings.TrimSpace(u.FirstName + " " + u.LastName)),
		AvatarURL: nullable(u.Avatar), IsActive: u.Status != events.StatusSuspended, IsServiceAccount: u.LoginType == events.LoginNone,
	}
}

func accountOf(u query.User, extra map[string]any, groups []query.Group) account {
	a := account{
		brief: briefOf(u), LiveAvatarURL: nullable(u.Avatar), Groups: make([]group, len(groups)),
		IsStaff: staff(u.Roles), IsSuperuser: slices.Contains(u.Roles, events.RoleOwner),
	}
	if u.LoginType == events.LoginGitHub || u.LoginType == events.LoginOIDC {
		a.Provider = nullable(string(u.LoginType))
	}
	if message, ok := extra["escalationMessage"].(string); ok {
		a.EscalationMessage = &message
	}
	a.OptOutPublicGroup, _ = extra["optOutPublicGroup"].(bool)
	for i, g := range groups {
		a.Groups[i] = group{g.Number, g.Name}
	}
	return a
}

func nullable(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func staff(roles []events.Role) bool {
	return slices.Contains(roles, events.RoleOwner) || slices.Contains(roles, events.RoleUserAdmin)
}

// account collects what is known of a user.
func (h *Handler) account(ctx context.Context, u query.User) (account, error) {
	list, err := h.accounts(ctx, []query.User{u})
	if err != nil {
		return account{}, err
	}
	return list[0], nil
}

func (h *Handler) accounts(ctx context.Context, users []query.User) ([]account, error) {
	ids := make([]string, len(users))
	for i, u := range users {
		ids[i] = u.ID
	}
	extra, err := h.Queries.PreferencesOfUsers(ctx, ids, Name)
	if err != nil {
		return nil, err
	}
	groups, err := h.Queries.GroupsOfUsers(ctx, ids)
	if err != nil {
		return nil, err
	}
	out := make([]account, len(users))
	for i, u := range users {
		out[i] = accountOf(u, extra[u.ID].Values, groups[u.ID])
	}
	return out, nil
}

// written is the user object after a command.
func (h *Handler) written(ctx context.Context, u commands.User) (account, error) {
	groups, err := h.Queries.GroupsOf(ctx, u.ID)
	if err != nil {
		return account{}, err
	}
	row := query.User{
		ID: u.ID, Number: u.Number, Username: u.Username, Email: u.Email, FirstName: u.FirstName, LastName: u.LastName,
		Avatar: u.Avatar, LoginType: u.LoginType, Status: u.Status, Roles: u.Roles,
	}
	return accountOf(row, u.Preferences[Name].Values, groups), nil
}

// userNamed finds the user of the path. A number that can not be one is a problem;
// found is false where nobody has it.
func (h *Handler) userNamed(r *http.Request, p *problems) (u query.User, found bool, err error) {
	number, ok := p.parsed(mux.Vars(r)["user_id"], []any{"path", "user_id"}, 1, math.MaxInt64)
	if !ok {
		return query.User{}, false, nil
	}
	u, err = h.Queries.User(r.Context(), query.UserRef{Number: number})
	if errors.Is(err, query.ErrNotFound) || err == nil && u.Status == events.StatusDeleted {
		return query.User{}, false, nil
	}
	return u, err == nil, err
}

// existing is userNamed of requests where nothing else can be wrong.
func (h *Handler) existing(r *http.Request) (query.User, error) {
	var p problems
	u, found, err := h.userNamed(r, &p)
	switch {
	case err != nil:
		return query.User{}, err
	case p.err() != nil:
		return query.User{}, p.err()
	case !found:
		return query.User{}, errNoUser
	}
	return u, nil
}

// self returns the caller's row. A caller without one is gone.
func (h *Handler) self(ctx context.Context, c gate.Caller) (query.User, error) {
	u, err := h.Queries.User(ctx, query.UserRef{ID: c.UserID()})
	if errors.Is(err, query.ErrNotFound) || err == nil && u.Status == events.StatusDeleted {
		return query.User{}, errBadToken
	}
	return u, err
}

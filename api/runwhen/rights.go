package runwhen

import (
	"context"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/query"
)

// Who sees whom: staff see everybody, others themselves and the users with whom
// they share a workspace. A limited key sees no more than its scopes and its list
// say, whoever's it is.

// reaches says whether a credential reaches an action on a user at all: what is
// asked is whether it would if the user were the caller.
func reaches(a commands.Actor, action commands.Action, userID string) bool {
	a.UserID = userID
	return commands.Allowed(a, action, userID)
}

// seesAll says whether the caller sees everybody.
func seesAll(c gate.Caller, action commands.Action) bool {
	return staff(c.Actor.Roles) && commands.Allowed(c.Actor, action, "")
}

// sees says whether the caller may do what is only looking to a user.
func (h *Handler) sees(ctx context.Context, c gate.Caller, action commands.Action, userID string) (bool, error) {
	switch {
	case !reaches(c.Actor, action, userID):
		return false, nil
	case c.Is(userID), staff(c.Actor.Roles):
		return true, nil
	}
	return h.Queries.ShareWorkspace(ctx, c.UserID(), userID)
}

// visible is the filter of lists: "" for everybody, else the caller's id.
func visible(c gate.Caller) (string, error) {
	if seesAll(c, commands.ListUsers) {
		return "", nil
	}
	if len(c.Actor.AllowList) > 0 || !reaches(c.Actor, commands.ReadUser, c.UserID()) {
		return "", errForbidden
	}
	return c.UserID(), nil
}

// seen returns a user of whom the caller may see something; notSeen is the answer
// about one who is hidden.
func (h *Handler) seen(ctx context.Context, c gate.Caller, u query.User, action commands.Action, notSeen error) error {
	ok, err := h.sees(ctx, c, action, u.ID)
	if err != nil {
		return err
	}
	if !ok {
		return notSeen
	}
	return nil
}

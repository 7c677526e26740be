package v1

import (
	"cmp"
	"errors"
	"net/http"
	"slices"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/api/v1/client"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query"
)

// This file answers reads of the past, in the forms of the present.

func (h *Handler) getPastUser(w http.ResponseWriter, r *http.Request, c gate.Caller, m moment) error {
	u, err := h.pastUser(r, c, commands.ReadUser, m, true)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, userOfState(u))
}

// getRoles shows the roles of a user, now or then.
func (h *Handler) getRoles(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	m, err := h.moment(r)
	if err != nil {
		return err
	}
	if m.given {
		u, err := h.pastUser(r, c, commands.ReadUser, m, false)
		if err != nil {
			return err
		}
		return answer(w, http.StatusOK, client.UserRoles{Roles: rolesOf(u.Roles), Organizations: membershipsOf(u.Memberships)})
	}
	id, err := h.reading(r, c, commands.ReadUser)
	if err != nil {
		return err
	}
	u, err := h.Queries.User(r.Context(), query.UserRef{ID: id})
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, client.UserRoles{Roles: rolesOf(u.Roles), Organizations: membershipsOf(u.Organizations)})
}

// listPreferences shows the preferences of all dialects, now or then.
func (h *Handler) listPreferences(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	m, err := h.moment(r)
	if err != nil {
		return err
	}
	out := client.AllPreferences{Dialects: map[string]client.Preferences{}}
	if m.given {
		u, err := h.pastUser(r, c, commands.ReadPersonal, m, true)
		if err != nil {
			return err
		}
		out.Language = u.Language
		for dialect, p := range u.Preferences {
			out.Dialects[dialect] = nest(p.Values, "")
		}
		return answer(w, http.StatusOK, out)
	}
	id, err := h.reading(r, c, commands.ReadPersonal)
	if err != nil {
		return err
	}
	u, err := h.Queries.User(r.Context(), query.UserRef{ID: id})
	if err != nil {
		return err
	}
	out.Language = u.Language
	for _, dialect := range commands.PreferenceDialects() {
		p, err := h.Queries.Preferences(r.Context(), id, dialect)
		if errors.Is(err, query.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		out.Dialects[dialect] = nest(p.Values, "")
	}
	return answer(w, http.StatusOK, out)
}

func (h *Handler) getPastPreferences(w http.ResponseWriter, r *http.Request, c gate.Caller, m moment) error {
	u, err := h.pastUser(r, c, commands.ReadPersonal, m, true)
	if err != nil {
		return err
	}
	dialect, err := dialectOf(r)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, nest(u.Preferences[dialect].Values, u.Language))
}

func (h *Handler) listPastKeys(w http.ResponseWriter, r *http.Request, c gate.Caller, m moment) error {
	u, err := h.pastUser(r, c, commands.ReadKeys, m, true)
	if err != nil {
		return err
	}
	keys := make([]commands.Key, 0, len(u.Keys))
	for _, k := range u.Keys {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b commands.Key) int {
		return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(b.ID, a.ID))
	})
	out := client.KeyList{Items: make([]client.Key, len(keys))}
	for i, k := range keys {
		out.Items[i] = client.Key{
			Id: k.ID, LoginType: client.LoginType(k.LoginType), Name: k.Name, Scopes: scopesOf(k.LoginType, k.Scopes),
			CreatedAt: stamp(k.CreatedAt), UpdatedAt: stamp(k.UpdatedAt), ExpiresAt: stamp(k.ExpiresAt),
		}
	}
	return answer(w, http.StatusOK, out)
}

// pastOrganization finds the organization whose past is asked for: one that lives,
// or one that is gone, by id, for who may read everybody's past.
func (h *Handler) pastOrganization(r *http.Request, c gate.Caller) (string, error) {
	ref, err := organizationRef(r)
	if err != nil {
		return "", err
	}
	id := ref.ID
	if id == "" || !commands.Allowed(c.Actor, commands.ReadEvents, "") {
		o, err := h.organizationRead(r, c)
		if err != nil {
			return "", err
		}
		id = o.ID
	}
	return id, mayLookBack(c, "", false)
}

func (h *Handler) getPastOrganization(w http.ResponseWriter, r *http.Request, c gate.Caller, m moment) error {
	id, err := h.pastOrganization(r, c)
	if err != nil {
		return err
	}
	o, err := h.organizationAt(r, id, m)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, organizationOfState(o))
}

// pastWorkspace is pastOrganization for a workspace, whose owner may look too.
func (h *Handler) pastWorkspace(r *http.Request, c gate.Caller) (string, error) {
	id, err := workspaceID(r)
	if err != nil || commands.Allowed(c.Actor, commands.ReadEvents, "") {
		return id, err
	}
	found, err := h.Queries.Workspace(r.Context(), id)
	if err != nil {
		return "", noWorkspace(err)
	}
	if !commands.Allowed(c.Actor, commands.ReadWorkspaces, found.Owner) {
		return "", errNoWorkspace
	}
	return id, mayLookBack(c, found.Owner, false)
}

func (h *Handler) getPastWorkspace(w http.ResponseWriter, r *http.Request, c gate.Caller, m moment) error {
	id, err := h.pastWorkspace(r, c)
	if err != nil {
		return err
	}
	space, err := h.workspaceAt(r, id, m)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, workspaceOfState(space))
}

// presentOr runs one of two handlers: that of the present, or, with a moment, that
// of the past.
func (h *Handler) presentOr(
	present func(http.ResponseWriter, *http.Request, gate.Caller) error,
	past func(http.ResponseWriter, *http.Request, gate.Caller, moment) error,
) func(http.ResponseWriter, *http.Request, gate.Caller) error {
	return func(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
		if r.URL.RawQuery == "" { // the hot way
			return present(w, r, c)
		}
		m, err := h.moment(r)
		switch {
		case err != nil:
			return err
		case !m.given:
			return present(w, r, c)
		default:
			return past(w, r, c, m)
		}
	}
}

func userAggregate(id string) events.Aggregate { return events.Aggregate{Kind: events.User, ID: id} }

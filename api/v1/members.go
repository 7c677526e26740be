package v1

import (
	"net/http"

	"github.com/google/uuid"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/api/v1/client"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query"
)

func (h *Handler) listMembers(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	o, err := h.organizationRead(r, c)
	if err != nil {
		return err
	}
	params, err := parametersOf(r)
	if err != nil {
		return err
	}
	limit, after, err := params.page()
	if err != nil {
		return err
	}
	if after != "" && uuid.Validate(after) != nil {
		return query.ErrBadCursor
	}
	found, next, err := h.visibleMembers(r, c, query.MemberFilter{Organization: o.ID, AfterID: after, Limit: limit})
	if err != nil {
		return err
	}
	out := client.MemberPage{Items: make([]client.Member, len(found)), Next: next}
	for i, u := range found {
		out.Items[i] = memberOfRow(u, o.ID)
	}
	return answer(w, http.StatusOK, out)
}

// visibleMembers returns a page of those whom the caller may see: all, or itself.
func (h *Handler) visibleMembers(r *http.Request, c gate.Caller, f query.MemberFilter) (found []query.User, next string, err error) {
	if !commands.AllowedIn(c.Actor, commands.ReadMembers, f.Organization) {
		found, err = h.ownMembership(r, c, f)
		return found, "", err
	}
	limit := f.Limit
	f.Limit++ // one more says whether there is another page
	found, _, err = h.Queries.Members(r.Context(), f)
	if err == nil && len(found) > limit {
		found = found[:limit]
		next = found[limit-1].ID
	}
	return found, next, err
}

func (h *Handler) ownMembership(r *http.Request, c gate.Caller, f query.MemberFilter) ([]query.User, error) {
	if err := mayDo(c, commands.ReadMembers, c.UserID()); err != nil {
		return nil, err
	}
	if f.AfterID != "" { // a list of one has no second page
		return nil, query.ErrBadCursor
	}
	self, err := h.Queries.User(r.Context(), query.UserRef{ID: c.UserID()})
	if err != nil {
		return nil, err
	}
	if _, ok := placeIn(self.Organizations, f.Organization); !ok {
		return nil, nil
	}
	return []query.User{self}, nil
}

// memberTarget finds the organization and the user of a write. The user must be
// one whom the caller may see in either way.
func (h *Handler) memberTarget(r *http.Request, c gate.Caller, action commands.Action) (organizationID, userID string, err error) {
	organizationID, err = h.organizationTarget(r, c, action)
	if err != nil {
		return "", "", err
	}
	userID, err = h.target(r, c, commands.ReadUser)
	return organizationID, userID, err
}

func (h *Handler) addMember(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	organizationID, userID, err := h.memberTarget(r, c, commands.ChangeMembers)
	if err != nil {
		return err
	}
	if err := noBody(w, r); err != nil {
		return err
	}
	res, err := h.Commands.AddMember(r.Context(), h.request(r, c), organizationID, userID)
	if e, ok := commands.AsError(err); ok && e.Code == commands.Conflict && e.Reason == "member" {
		return h.answerMember(w, r, organizationID, userID)
	}
	if err != nil {
		return err
	}
	return h.wroteMember(w, r, res, organizationID)
}

// answerMember answers who is a member already with the state in the log.
func (h *Handler) answerMember(w http.ResponseWriter, r *http.Request, organizationID, userID string) error {
	user, err := h.Commands.Find(r.Context(), commands.UserRef{ID: userID})
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, memberOfState(user, organizationID))
}

func (h *Handler) removeMember(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	organizationID, userID, err := h.memberTarget(r, c, commands.ChangeMembers)
	if err != nil {
		return err
	}
	if err := noBody(w, r); err != nil {
		return err
	}
	res, err := h.Commands.RemoveMember(r.Context(), h.request(r, c), organizationID, userID)
	if err != nil {
		return err
	}
	return h.done(w, r, res)
}

func (h *Handler) setMemberRoles(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	organizationID, userID, err := h.memberTarget(r, c, commands.GrantOrganizationRoles)
	if err != nil {
		return err
	}
	object, err := gate.ReadObject(w, r, gate.MaxBody)
	if err != nil {
		return err
	}
	f := fieldsOf(object)
	names := f.texts("roles")
	if names == nil && len(*f.wrong) == 0 {
		f.refuse("roles", "required", "is required; [] takes all roles")
	}
	f.end()
	if err := f.problem(); err != nil {
		return err
	}
	res, err := h.Commands.AssignOrganizationRoles(r.Context(), h.request(r, c), commands.AssignOrganizationRoles{
		UserID: userID, Organization: organizationID, Roles: names,
	})
	if err != nil {
		return err
	}
	return h.wroteMember(w, r, res, organizationID)
}

func (h *Handler) wroteMember(w http.ResponseWriter, r *http.Request, res commands.Result, organizationID string) error {
	h.Gate.WroteCredentials(w, r, res)
	return answer(w, http.StatusOK, memberOfState(res.User, organizationID))
}

func memberOfRow(u query.User, organizationID string) client.Member {
	place, _ := placeIn(u.Organizations, organizationID)
	return client.Member{User: userOfRow(u), Roles: append([]string{}, place.Roles...)}
}

func memberOfState(u commands.User, organizationID string) client.Member {
	place, _ := placeIn(u.Memberships, organizationID)
	return client.Member{User: userOfState(u), Roles: append([]string{}, place.Roles...)}
}

func placeIn(places []events.Membership, organizationID string) (events.Membership, bool) {
	for _, m := range places {
		if m.Organization == organizationID {
			return m, true
		}
	}
	return events.Membership{}, false
}

package coder

import (
	"net/http"

	"github.com/gorilla/mux"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query"
)

func (h *Handler) listMembers(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	o, err := h.organization(r, c)
	if err != nil {
		return err
	}
	found, _, err := h.members(r, c, query.MemberFilter{Organization: o.ID})
	if err != nil {
		return err
	}
	write(w, http.StatusOK, shownMembers(o, found))
	return nil
}

func (h *Handler) listMembersByPage(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	o, err := h.organization(r, c)
	if err != nil {
		return err
	}
	page, err := pageOf(r.URL.Query())
	if err != nil {
		return err
	}
	found, count, err := h.members(r, c, query.MemberFilter{
		Organization: o.ID, AfterID: page.afterID, Limit: page.limit, Offset: page.offset,
	})
	if err != nil {
		return err
	}
	write(w, http.StatusOK, map[string]any{"members": shownMembers(o, found), "count": count})
	return nil
}

// members returns those whom the caller may read: all, or itself.
func (h *Handler) members(r *http.Request, c gate.Caller, f query.MemberFilter) ([]query.User, int64, error) {
	if mayIn(c, commands.ReadMembers, f.Organization) {
		return h.Queries.Members(r.Context(), f)
	}
	if !may(c, commands.ReadMembers, c.UserID()) || f.AfterID != "" { // behind a list of one there is nobody
		return nil, 0, nil
	}
	self, err := h.Queries.User(r.Context(), query.UserRef{ID: c.UserID()})
	if err != nil {
		return nil, 0, err
	}
	if _, member := placeIn(self.Organizations, f.Organization); !member {
		return nil, 0, nil
	}
	if f.Offset > 0 {
		return nil, 1, nil
	}
	return []query.User{self}, 1, nil
}

func shownMembers(o query.Organization, found []query.User) []memberWithUser {
	out := make([]memberWithUser, len(found))
	for i, u := range found {
		out[i] = memberWithUserOf(o, u)
	}
	return out
}

// member finds the member that a path names, for who may read it.
func (h *Handler) member(r *http.Request, c gate.Caller) (query.Organization, query.User, error) {
	o, u, err := h.placeNamed(r, c)
	if err != nil {
		return o, u, err
	}
	if _, member := placeIn(u.Organizations, o.ID); !member {
		return o, u, errNotFound
	}
	return o, u, nil
}

// placeNamed finds the organization and the user that a path names, for who may
// read that user's place in it, if there is one.
func (h *Handler) placeNamed(r *http.Request, c gate.Caller) (query.Organization, query.User, error) {
	o, err := h.organization(r, c)
	if err != nil {
		return o, query.User{}, err
	}
	ref, ok := userRef(mux.Vars(r)["user"], c)
	if !ok {
		return o, query.User{}, errNotFound
	}
	u, err := h.Queries.User(r.Context(), ref)
	if err != nil {
		return o, u, err
	}
	self := c.Is(u.ID) && may(c, commands.ReadMembers, u.ID)
	if u.Status == events.StatusDeleted || !self && !mayIn(c, commands.ReadMembers, o.ID) {
		return o, u, errNotFound
	}
	return o, u, nil
}

func (h *Handler) getMember(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	o, u, err := h.member(r, c)
	if err != nil {
		return err
	}
	write(w, http.StatusOK, memberWithUserOf(o, u))
	return nil
}

// addMember is for who may read the user and change the members: all others are
// told that there is nothing.
func (h *Handler) addMember(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	o, err := h.organization(r, c)
	if err != nil {
		return err
	}
	u, err := h.user(r, c)
	if err != nil {
		return err
	}
	if !mayIn(c, commands.ChangeMembers, o.ID) {
		return errNotFound
	}
	res, err := h.Commands.AddMember(r.Context(), gate.Request(r, c, Name), o.ID, u.ID)
	if e, ok := commands.AsError(err); ok && e.Code == commands.Conflict && e.Reason == "member" {
		return refuse(http.StatusBadRequest, "Organization member already exists in this organization", "")
	}
	if err != nil {
		return err
	}
	h.Gate.WroteCredentials(w, r, res)
	write(w, http.StatusOK, memberOfState(o, res.User))
	return nil
}

// removeMember lets the command say whether another user is a member, so that a
// repeat is answered as the first time.
func (h *Handler) removeMember(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	o, u, err := h.placeNamed(r, c)
	if err != nil {
		return err
	}
	if _, member := placeIn(u.Organizations, o.ID); member && c.Is(u.ID) {
		return refuse(http.StatusBadRequest, "cannot remove self from an organization", "")
	}
	if c.Is(u.ID) || !mayIn(c, commands.ChangeMembers, o.ID) {
		return errNotFound
	}
	res, err := h.Commands.RemoveMember(r.Context(), gate.Request(r, c, Name), o.ID, u.ID)
	if err != nil {
		return err
	}
	h.Gate.WroteCredentials(w, r, res)
	noContent(w)
	return nil
}

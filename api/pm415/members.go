package pm415

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query"
)

// members answers GET /api/org/:orgId/users, by number.
func (h *Handler) members(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	o, err := h.memberOf(r, c, commands.ReadMembers)
	if err != nil {
		return err
	}
	found, err := h.membersOf(r, o)
	if err != nil {
		return err
	}
	type line struct {
		UserID    int64   `json:"userId"`
		Email     string  `json:"email"`
		FirstName *string `json:"firstName"`
		LastName  *string `json:"lastName"`
		IsActive  int     `json:"isActive"`
		Role      string  `json:"role"`
	}
	lines := make([]line, len(found))
	for i, u := range found {
		p := personOf(u)
		lines[i] = line{p.ID, p.Email, p.FirstName, p.LastName, activeOf(u), roleIn(u, o).Role}
	}
	write(w, http.StatusOK, struct {
		Success bool   `json:"success"`
		Users   []line `json:"users"`
	}{true, lines})
	return nil
}

func (h *Handler) membersOf(r *http.Request, o query.Organization) ([]query.User, error) {
	found, _, err := h.Queries.Members(r.Context(), query.MemberFilter{Organization: o.ID})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(found, func(a, b query.User) int { return cmp.Compare(a.Number, b.Number) })
	return found, nil
}

// activeOf is the number that PM415's database has for a truth.
func activeOf(u query.User) int {
	if u.Confirmed && u.Status != events.StatusSuspended {
		return 1
	}
	return 0
}

func roleIn(u query.User, o query.Organization) role {
	m, _ := membership(u.Organizations, o.ID)
	return roleOf(m.Roles)
}

// maxUsers is how many users one call may name.
const maxUsers = 500

// readUsers reads the numbers of users that a call is about.
func readUsers(w http.ResponseWriter, r *http.Request) ([]int64, error) {
	members, err := readMembers(w, r)
	if err != nil {
		return nil, err
	}
	raw, given := members["usersId"]
	if !given {
		return nil, problem("usersId", "is required")
	}
	var elements []json.RawMessage
	if err := json.Unmarshal(raw, &elements); err != nil || elements == nil {
		elements = []json.RawMessage{raw} // of a form with one
		if !isForm(r) {
			return nil, problem("usersId", "must be an array")
		}
	}
	if len(elements) > maxUsers {
		return nil, problem("usersId", "must contain less than or equal to "+strconv.Itoa(maxUsers)+" items")
	}
	numbers := make([]int64, len(elements))
	for i, e := range elements {
		n, ok := numberOf(e)
		if !ok {
			return nil, problem(strconv.Itoa(i), "must be a number")
		}
		numbers[i] = n
	}
	if name, ok := unknown(members, []member{{name: "usersId"}}); ok {
		return nil, problem(name, "is not allowed")
	}
	return numbers, nil
}

// numberOf reads a whole number, or a text that is one.
func numberOf(raw json.RawMessage) (int64, bool) {
	text := string(raw)
	var s string
	if json.Unmarshal(raw, &s) == nil && s != "" {
		text = s
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil
}

// named returns those members whom a call names; others are passed over.
func named(found []query.User, numbers []int64) []query.User {
	var out []query.User
	for _, u := range found {
		if slices.Contains(numbers, u.Number) {
			out = append(out, u)
		}
	}
	return out
}

// removeMembers answers POST /api/org/:orgId/users/remove: of an admin, or of who
// leaves.
func (h *Handler) removeMembers(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	numbers, err := readUsers(w, r)
	if err != nil {
		return err
	}
	self, err := h.Queries.User(r.Context(), query.UserRef{ID: c.UserID()})
	if err != nil {
		return err
	}
	leaving := len(numbers) == 1 && numbers[0] == self.Number && wholly(c) == nil
	o, err := h.organizationFor(r, func(id string) bool {
		_, in := membership(c.Actor.Memberships, id)
		return leaving && in || commands.AllowedIn(c.Actor, commands.ChangeMembers, id)
	}, errAdmin)
	if err != nil {
		return err
	}
	found, err := h.membersOf(r, o)
	if err != nil {
		return err
	}
	admins := adminsBeside(found, o, numbers)
	if len(admins) == 0 {
		return errLastAdmin
	}
	for _, u := range named(found, numbers) {
		if err := h.removeMember(w, r, c, o, u, admins); err != nil {
			return err
		}
	}
	writeDone(w)
	return nil
}

// adminsBeside are the ids of the admins whom a call does not name. They may be none
// any more: the command looks again.
func adminsBeside(found []query.User, o query.Organization, numbers []int64) []string {
	out := []string{} // not nil, which would ask for none
	for _, u := range found {
		if roleIn(u, o) == roleAdmin && !slices.Contains(numbers, u.Number) {
			out = append(out, u.ID)
		}
	}
	return out
}

func (h *Handler) removeMember(
	w http.ResponseWriter, r *http.Request, c gate.Caller, o query.Organization, u query.User, admins []string,
) error {
	var res commands.Result
	var err error
	if c.Is(u.ID) {
		res, err = h.Commands.LeaveOrganization(r.Context(), gate.Request(r, c, Name), o.ID, admins)
	} else {
		res, err = h.Commands.RemoveMemberBeside(r.Context(), gate.Request(r, c, Name), o.ID, u.ID, admins)
	}
	return h.changedMember(w, r, res, err)
}

// changedMember tells of a change of a membership. Who is gone meanwhile is passed
// over.
func (h *Handler) changedMember(w http.ResponseWriter, r *http.Request, res commands.Result, err error) error {
	e, ok := commands.AsError(err)
	switch {
	case ok && e.Code == commands.NotFound && (e.Reason == "member" || e.Reason == "user"):
		return nil
	case ok && e.Reason == "last-admin":
		return errLastAdmin
	case err != nil:
		return err
	}
	h.Gate.WroteCredentials(w, r, res)
	return nil
}

// grantAdmin answers PUT /api/org/:orgId/admin/grant.
func (h *Handler) grantAdmin(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	changed, err := h.setRoles(w, r, c, roleAdmin)
	if err != nil {
		return err
	}
	write(w, http.StatusOK, struct {
		Success bool `json:"success"`
		Users   int  `json:"users"`
	}{true, changed})
	return nil
}

// revokeAdmin answers PUT /api/org/:orgId/admin/revoke. It makes members of admins,
// and of those who were invited.
func (h *Handler) revokeAdmin(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	changed, err := h.setRoles(w, r, c, roleMember)
	if err != nil {
		return err
	}
	write(w, http.StatusOK, struct {
		Success bool   `json:"success"`
		Users   int    `json:"users"`
		Message string `json:"message"`
	}{true, changed, "Now users are members"})
	return nil
}

// setRoles gives members a role and says how many were named. Nobody changes their
// own, and of the admins one remains.
func (h *Handler) setRoles(w http.ResponseWriter, r *http.Request, c gate.Caller, wanted role) (int, error) {
	numbers, err := readUsers(w, r)
	if err != nil {
		return 0, err
	}
	o, err := h.organization(r, c, commands.GrantOrganizationRoles)
	if err != nil {
		return 0, err
	}
	found, err := h.membersOf(r, o)
	if err != nil {
		return 0, err
	}
	chosen := named(found, numbers)
	demoted := false
	for _, u := range chosen {
		if c.Is(u.ID) && roleIn(u, o) != wanted {
			return 0, errOwnRole
		}
		demoted = demoted || wanted != roleAdmin && roleIn(u, o) == roleAdmin
	}
	admins := adminsBeside(found, o, numbers)
	if demoted && len(admins) == 0 { // of who is no member there
		return 0, errLastAdmin
	}
	for _, u := range chosen {
		if c.Is(u.ID) || roleIn(u, o) == wanted {
			continue
		}
		if err := h.setRole(w, r, c, o, u, wanted, admins); err != nil {
			return 0, err
		}
	}
	return len(chosen), nil
}

func (h *Handler) setRole(
	w http.ResponseWriter, r *http.Request, c gate.Caller, o query.Organization, u query.User, wanted role, admins []string,
) error {
	m, _ := membership(u.Organizations, o.ID)
	roles := slices.DeleteFunc(slices.Clone(m.Roles), func(name string) bool {
		return name == events.OrganizationAdmin || name == events.OrganizationInvitationPending
	})
	if wanted == roleAdmin {
		roles = append(roles, events.OrganizationAdmin)
	}
	res, err := h.Commands.AssignOrganizationRoles(r.Context(), gate.Request(r, c, Name), commands.AssignOrganizationRoles{
		UserID: u.ID, Organization: o.ID, Roles: roles, Beside: admins,
	})
	if commands.CodeOf(err) == commands.Forbidden {
		return errAdmin
	}
	return h.changedMember(w, r, res, err)
}

// resetPasswords answers PUT /api/org/:orgId/admin/resetpassword. Users are not their
// organizations' property here: each is mailed what sets a new password.
func (h *Handler) resetPasswords(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	numbers, err := readUsers(w, r)
	if err != nil {
		return err
	}
	o, err := h.organization(r, c, commands.GrantOrganizationRoles)
	if err != nil {
		return err
	}
	found, err := h.membersOf(r, o)
	if err != nil {
		return err
	}
	people := []person{}
	for _, u := range named(found, numbers) {
		if err := h.Gate.AllowMail(r, u.Email); err != nil {
			return err
		}
		mailed, err := h.mailResetTo(r, u)
		if err != nil {
			return err
		}
		if mailed {
			people = append(people, personOf(u))
		}
	}
	write(w, http.StatusOK, struct {
		Success bool     `json:"success"`
		Users   []person `json:"users"`
	}{true, people})
	return nil
}

// mailResetTo mails a member what sets a new password. Who has none to set, or no
// address, is passed over.
func (h *Handler) mailResetTo(r *http.Request, u query.User) (bool, error) {
	state, err := h.Commands.Find(r.Context(), commands.UserRef{ID: u.ID})
	if err == nil && state.Email != "" && h.resettable(state) == nil {
		return true, h.mailReset(r.Context(), state)
	}
	if commands.CodeOf(err) == commands.NotFound { // gone meanwhile
		err = nil
	}
	return false, err
}

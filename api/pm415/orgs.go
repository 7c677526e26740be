package pm415

import (
	"errors"
	"net/http"
	"regexp"
	"strconv"

	"github.com/gorilla/mux"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/query"
)

var (
	errAdmin          = refuse(http.StatusForbidden, "Organization admin privileges required")
	errMember         = refuse(http.StatusForbidden, "Organization membership required")
	errNoOrganization = refuse(http.StatusNotFound, "Organization not found.")
	errOwnRole        = refuse(http.StatusConflict, "You can not change your own role")
	errLastAdmin      = refuse(http.StatusConflict, "At least one admin must remains in")
)

// bare is an organization without anybody's roles.
type bare struct {
	ID        int64  `json:"id"`
	Name      string `json:"name"`
	CreatedAt moment `json:"createdAt"`
	UpdatedAt moment `json:"updatedAt"`
}

func bareOf(o query.Organization) bare {
	return bare{o.Number, titleOf(o), moment(o.CreatedAt), moment(o.UpdatedAt)}
}

// bareOfState is bareOf for what a command answered.
func bareOfState(o commands.Organization) bare {
	return bareOf(query.Organization{
		Number: o.Number, Name: o.Name, DisplayName: o.DisplayName, CreatedAt: o.CreatedAt, UpdatedAt: o.UpdatedAt,
	})
}

// datedRole is a role in the calls about organizations. Roles are no records here:
// their times are the organization's.
type datedRole struct {
	role
	CreatedAt moment `json:"createdAt"`
	UpdatedAt moment `json:"updatedAt"`
}

// dated is an organization with the caller's roles there.
type dated struct {
	bare
	Roles []datedRole `json:"roles"`
}

func (p place) dated() dated {
	b := bareOf(p.Organization)
	return dated{b, []datedRole{{p.role, b.CreatedAt, b.UpdatedAt}}}
}

// organizations answers GET /api/org.
func (h *Handler) organizations(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	if err := may(c, commands.ReadPersonal); err != nil {
		return err
	}
	_, places, err := h.caller(r.Context(), c)
	if err != nil {
		return err
	}
	answer := struct {
		Success       bool    `json:"success"`
		Organizations []dated `json:"organizations"`
		Current       *dated  `json:"current,omitempty"`
	}{Success: true, Organizations: make([]dated, len(places))}
	for i, p := range places {
		answer.Organizations[i] = p.dated()
	}
	if at := current(c, places); at != nil {
		d := at.dated()
		answer.Current = &d
	}
	write(w, http.StatusOK, answer)
	return nil
}

var organizationRules = []member{{name: "name", label: "Name", needed: true, min: minOrgName, max: maxOrgName}}

// wantedName reads the name of an organization.
func wantedName(w http.ResponseWriter, r *http.Request) (commands.CreateOrganization, error) {
	v, err := read(w, r, organizationRules)
	if err != nil {
		return commands.CreateOrganization{}, err
	}
	return newOrganization(v["name"], "Name")
}

// createOrganization answers POST /api/org. Where people may register they found
// organizations anyway; elsewhere admins do.
func (h *Handler) createOrganization(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	wanted, err := wantedName(w, r)
	if err != nil {
		return err
	}
	if !h.Settings.SignUp && !commands.AllowedIn(c.Actor, commands.CreateOrganizations, "") {
		return refuse(http.StatusForbidden, "Organizations are created by administrators")
	}
	made, joined, err := h.Commands.FoundOrganization(r.Context(), gate.Request(r, c, Name), wanted)
	if err != nil {
		return refusedName(err, wanted)
	}
	h.Gate.WroteAt(w, r, "", made.Position)
	h.Gate.WroteCredentials(w, r, joined)
	places, err := h.places(r.Context(), joined.User.Memberships)
	if err != nil {
		return err
	}
	write(w, http.StatusOK, struct {
		Success      bool `json:"success"`
		Organization bare `json:"organization"`
		User         user `json:"user"`
	}{true, bareOfState(made.Organization), user{personOfState(joined.User), organizationsOf(places)}})
	return nil
}

func refusedName(err error, wanted commands.CreateOrganization) error {
	if taken(err, "name") {
		return refusef(http.StatusConflict, "Organization with name %s already exists", wanted.DisplayName)
	}
	return err
}

// leading is what JavaScript's parseInt reads of a text.
var leading = regexp.MustCompile(`^\s*[+-]?\d+`)

// switchOrganization answers POST /api/org/switch/:orgId with a token for another
// organization. It stands for the session that asks; who comes with a key gets one.
func (h *Handler) switchOrganization(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	if err := wholly(c); err != nil {
		return err
	}
	number, shown := int64(0), "NaN"
	if digits := leading.FindString(mux.Vars(r)["orgId"]); digits != "" {
		shown = digits
		if n, err := strconv.ParseInt(digits, 10, 64); err == nil {
			number, shown = n, strconv.FormatInt(n, 10)
		}
	}
	u, places, err := h.caller(r.Context(), c)
	if err != nil {
		return err
	}
	for _, p := range places {
		if p.Number != number {
			continue
		}
		s, err := h.sessionOf(w, r, c)
		if err != nil {
			return err
		}
		token, err := h.token(u.ID, u.Number, number, s)
		if err != nil {
			return err
		}
		write(w, http.StatusOK, struct {
			Success      bool   `json:"success"`
			Organization dated  `json:"organization"`
			Token        string `json:"token"`
		}{true, p.dated(), token})
		return nil
	}
	return refusef(http.StatusNotFound, "Organization with ID %s not found.", shown)
}

// organization finds the organization that a path names, for who may do this there.
// Others are not told whether there is one.
func (h *Handler) organization(r *http.Request, c gate.Caller, action commands.Action) (query.Organization, error) {
	return h.organizationFor(r, func(id string) bool { return commands.AllowedIn(c.Actor, action, id) }, errAdmin)
}

// memberOf is organization for its members too, those but invited left out.
func (h *Handler) memberOf(r *http.Request, c gate.Caller, action commands.Action) (query.Organization, error) {
	return h.organizationFor(r, func(id string) bool {
		if commands.AllowedIn(c.Actor, action, id) {
			return true
		}
		m, in := membership(c.Actor.Memberships, id)
		return in && roleOf(m.Roles) != rolePending && may(c, commands.ReadMembers) == nil
	}, errMember)
}

func (h *Handler) organizationFor(r *http.Request, allowed func(id string) bool, denied error) (query.Organization, error) {
	missing := denied
	if allowed("") { // in every organization
		missing = errNoOrganization
	}
	number, err := strconv.ParseInt(mux.Vars(r)["orgId"], 10, 64)
	if err != nil || number < 1 {
		return query.Organization{}, missing
	}
	o, err := h.Queries.Organization(r.Context(), query.OrganizationRef{Number: number})
	switch {
	case errors.Is(err, query.ErrNotFound):
		return query.Organization{}, missing
	case err != nil:
		return query.Organization{}, err
	case !allowed(o.ID):
		return query.Organization{}, denied
	}
	return o, nil
}

// updateOrganization answers PUT /api/org/:orgId.
func (h *Handler) updateOrganization(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	wanted, err := wantedName(w, r)
	if err != nil {
		return err
	}
	o, err := h.organization(r, c, commands.UpdateOrganizations)
	if err != nil {
		return err
	}
	change := commands.UpdateOrganization{ID: o.ID, Name: &wanted.Name, DisplayName: &wanted.DisplayName}
	res, err := h.Commands.UpdateOrganization(r.Context(), gate.Request(r, c, Name), change)
	if err != nil {
		return refusedName(err, wanted)
	}
	h.Gate.WroteAt(w, r, "", res.Position)
	write(w, http.StatusOK, struct {
		Success      bool `json:"success"`
		Organization bare `json:"organization"`
	}{true, bareOfState(res.Organization)})
	return nil
}

// deleteOrganization answers DELETE /api/org/:orgId.
func (h *Handler) deleteOrganization(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	o, err := h.organization(r, c, commands.DeleteOrganizations)
	if err != nil {
		return err
	}
	res, err := h.Commands.DeleteOrganization(r.Context(), gate.Request(r, c, Name), o.ID)
	if err != nil {
		return err
	}
	h.Gate.WroteAt(w, r, "", res.Position)
	writeDone(w)
	return nil
}

// writeDone answers that something was done.
func writeDone(w http.ResponseWriter) {
	write(w, http.StatusOK, struct {
		Success bool `json:"success"`
	}{true})
}

package coder

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"

	"github.com/gorilla/mux"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/query"
)

// defaultOrganization names the default organization in paths, whatever its name
// is, so that none can have it as its name.
const defaultOrganization = "default"

var (
	organizationName    = rule{"organization_name", isUsername}
	organizationDisplay = rule{"organization_display_name", isDisplayName}
	displayNameForm     = regexp.MustCompile(`^[^\s](.*[^\s])?$`)
	inUse               = validation{Field: "name", Detail: "This value is already in use and should be unique."}
)

func isDisplayName(s string) bool { return s == "" || len(s) <= 64 && displayNameForm.MatchString(s) }

// organizationBody is what may be said of an organization; nil for nothing.
type organizationBody struct{ name, displayName, description, icon *string }

// readOrganization takes absent, null and, of the names, empty members as nothing
// said.
func readOrganization(b *body, named bool) (organizationBody, error) {
	o := organizationBody{
		name: said(b.optional("name")), displayName: said(b.optional("display_name")),
		description: b.optional("description"), icon: b.optional("icon"),
	}
	if o.name != nil || named {
		b.check("name", textOf(o.name), required, organizationName)
	}
	b.check("display_name", textOf(o.displayName), organizationDisplay)
	if err := b.err(); err != nil {
		return o, err
	}
	if textOf(o.name) == defaultOrganization {
		return o, refuse(http.StatusBadRequest, fmt.Sprintf("Organization name %q is reserved.", defaultOrganization), "")
	}
	return o, nil
}

func said(s *string) *string {
	if s != nil && *s == "" {
		return nil
	}
	return s
}

func textOf(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// createOrganization makes the caller the first member, as clients expect.
func (h *Handler) createOrganization(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	b, err := readBody(w, r)
	if err != nil {
		return err
	}
	o, err := readOrganization(b, true)
	if err != nil {
		return err
	}
	if o.displayName == nil {
		o.displayName = o.name
	}
	request := gate.Request(r, c, Name)
	res, err := h.Commands.CreateOrganization(r.Context(), request, commands.CreateOrganization{
		Name: textOf(o.name), DisplayName: textOf(o.displayName), Description: textOf(o.description), Icon: textOf(o.icon),
	})
	if err != nil {
		return refusedOrganization(err, refuse(http.StatusConflict, "Organization already exists with that name.", ""))
	}
	h.Gate.WroteAt(w, r, "", res.Position)
	if err := h.join(w, r, c, res); err != nil {
		return err
	}
	write(w, http.StatusCreated, organizationOfState(res.Organization))
	return nil
}

// join makes the caller a member of what it just made. A repeat finds that done,
// and a key whose allow list has no members leaves the organization empty.
func (h *Handler) join(w http.ResponseWriter, r *http.Request, c gate.Caller, res commands.OrganizationResult) error {
	if !mayIn(c, commands.ChangeMembers, res.Organization.ID) {
		return nil
	}
	request := gate.Request(r, c, Name)
	request.IdempotencyKey, request.RequestHash = "", "" // the key is the creation's
	joined, err := h.Commands.AddMember(r.Context(), request, res.Organization.ID, c.UserID())
	if e, ok := commands.AsError(err); ok && e.Code == commands.Conflict && e.Reason == "member" {
		return nil
	}
	if err != nil {
		return fmt.Errorf("make the creator a member of organization %s: %w", res.Organization.ID, err)
	}
	h.Gate.WroteCredentials(w, r, joined)
	return nil
}

func (h *Handler) updateOrganization(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	before, err := h.organization(r, c)
	if err != nil {
		return err
	}
	b, err := readBody(w, r)
	if err != nil {
		return err
	}
	defaults := b.texts("default_org_member_roles")
	o, err := readOrganization(b, false)
	if err != nil {
		return err
	}
	if len(defaults) > 0 {
		return refuse(http.StatusForbidden, "Changing default organization roles is not enabled on this deployment.", "")
	}
	if !mayIn(c, commands.UpdateOrganizations, before.ID) {
		return errNotFound
	}
	res, err := h.Commands.UpdateOrganization(r.Context(), gate.Request(r, c, Name), commands.UpdateOrganization{
		ID: before.ID, Name: o.name, DisplayName: o.displayName, Description: o.description, Icon: o.icon,
	})
	if err != nil {
		taken := fmt.Sprintf("Organization already exists with the name %q.", textOf(o.name))
		return refusedOrganization(err, refuse(http.StatusConflict, taken, "", inUse))
	}
	h.Gate.WroteAt(w, r, "", res.Position)
	write(w, http.StatusOK, organizationOfState(res.Organization))
	return nil
}

// deleteOrganization lets the command say whether an organization named by its id
// is there, so that a repeat is answered as the first time.
func (h *Handler) deleteOrganization(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	o, err := h.organization(r, c)
	if id, ok := canonicalUUID(mux.Vars(r)["organization"]); ok && errors.Is(err, query.ErrNotFound) {
		o, err = query.Organization{ID: id}, nil
	}
	if err != nil {
		return err
	}
	undeletable := refuse(http.StatusBadRequest, "Default organization cannot be deleted.", "")
	if o.Default {
		return undeletable
	}
	if !mayIn(c, commands.DeleteOrganizations, o.ID) {
		return errNotFound
	}
	res, err := h.Commands.DeleteOrganization(r.Context(), gate.Request(r, c, Name), o.ID)
	if e, ok := commands.AsError(err); ok && e.Reason == "default-organization" {
		return undeletable
	}
	if err != nil {
		return err
	}
	h.Gate.WroteAt(w, r, "", res.Position)
	write(w, http.StatusOK, envelope{Message: "Organization has been deleted."})
	return nil
}

// refusedOrganization is taken for a taken name, and names members as Coder does.
func refusedOrganization(err error, taken *answer) error {
	e, ok := commands.AsError(err)
	if !ok {
		return err
	}
	switch {
	case e.Code == commands.Conflict && e.Reason == "taken":
		return taken
	case e.Code != commands.Invalid:
		return err
	}
	out := refuse(http.StatusBadRequest, "Validation failed.", "")
	for _, f := range e.Fields {
		if f.Field == "displayName" {
			f.Field = "display_name"
		}
		out.Validations = append(out.Validations, validation{Field: f.Field, Detail: f.Detail})
	}
	return out
}

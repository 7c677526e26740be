package coder

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query"
)

// nilUUID stands for the default organization.
const nilUUID = "00000000-0000-0000-0000-000000000000"

const failedUser = "Internal error creating user."

// newUser is the body of a request for a user.
type newUser struct {
	email, username, name, password string
	loginType                       events.LoginType
	status                          events.Status
	organizations                   []string
	roles                           []string
	service                         bool
}

func (h *Handler) createUser(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	b, err := readBody(w, r)
	if err != nil {
		return err
	}
	n, err := readNewUser(b)
	if err != nil {
		return err
	}
	request := gate.Request(r, c, Name)
	if err := h.checkNewUser(r, request, c, n); err != nil {
		return broken(err, failedUser)
	}
	res, err := h.Commands.Register(r.Context(), request, n.command())
	if err != nil {
		return broken(refusedUser(err), failedUser)
	}
	h.Gate.Wrote(w, r, res)
	write(w, http.StatusCreated, changedUser(query.User{Organizations: res.User.Memberships}, res.User))
	return nil
}

func readNewUser(b *body) (newUser, error) {
	n := newUser{
		email: b.text("email"), username: b.text("username"), name: b.text("name"), password: b.text("password"),
		loginType: events.LoginType(b.text("login_type")), status: events.Status(b.text("user_status")),
		organizations: b.uuids("organization_ids"), roles: b.texts("roles"), service: b.boolean("service_account"),
	}
	if old := b.text("organization_id"); len(n.organizations) == 0 && old != "" { // of older clients
		id, ok := canonicalUUID(old)
		if !ok {
			b.refuse(`field "organization_id" must be a UUID`)
		}
		n.organizations = []string{id}
	}
	if !n.service {
		b.check("email", n.email, required)
	}
	if n.email != "" {
		b.check("email", n.email, email)
	}
	b.check("username", n.username, required, username)
	b.check("name", n.name, realName)
	b.check("user_status", string(n.status), oneOfTag("", events.StatusActive, events.StatusDormant, events.StatusSuspended))
	n.fill()
	return n, b.err()
}

func (n *newUser) fill() {
	if n.status == "" {
		n.status = events.StatusDormant
	}
	if n.loginType != "" {
		return
	}
	n.loginType = events.LoginPassword
	if n.service {
		n.loginType = events.LoginNone
	}
}

func (n *newUser) command() commands.Register {
	return commands.Register{
		Username: n.username, Email: n.email, Name: n.name, Password: n.password,
		LoginType: n.loginType, Status: n.status, Organizations: n.organizations, Roles: wantedRoles(n.roles), SSHKey: true,
	}
}

// checkNewUser makes the checks in the order in which clients know them.
func (h *Handler) checkNewUser(r *http.Request, request commands.Request, c gate.Caller, n newUser) error {
	if refused := h.checkLoginType(n); refused != nil {
		return refused
	}
	if len(n.organizations) == 0 {
		return errNoOrganization
	}
	// A repeat under an Idempotency-Key goes through to its first answer.
	if request.IdempotencyKey == "" {
		if err := h.checkNames(r, c, n); err != nil {
			return err
		}
	}
	if err := h.checkOrganizations(r, n.organizations); err != nil {
		return err
	}
	if n.loginType == events.LoginPassword {
		if weak := commands.CheckStrength(n.password, minEntropy); weak != nil {
			return weakPassword(weak)
		}
	}
	switch n.loginType {
	case events.LoginOIDC:
		if !h.Settings.SignIn.OIDC {
			return refuse(http.StatusBadRequest, "You must configure OIDC before creating OIDC users.", "")
		}
	case events.LoginPassword, events.LoginGitHub, events.LoginNone:
	default:
		return refuse(http.StatusBadRequest, fmt.Sprintf("Unsupported login type %q for manually creating new users.", printable(string(n.loginType))), "")
	}
	if !mayCreate(c, n.roles) {
		return errMayNotCreate
	}
	return checkSiteRoles(n.roles)
}

var (
	errMayNotCreate   = refuse(http.StatusForbidden, "You are not authorized to create users.", "")
	errUserExists     = refuse(http.StatusConflict, "User already exists.", "")
	errNoOrganization = refuse(http.StatusBadRequest,
		"No organization specified to place the user as a member of. It is required to specify at least one organization id to place the user in.",
		"required at least 1 value for the array 'organization_ids'",
		validation{Field: "organization_ids", Detail: "Missing values, this cannot be empty"})
)

func (h *Handler) checkLoginType(n newUser) *answer {
	bad := func(message string) *answer { return refuse(http.StatusBadRequest, message, "") }
	switch {
	case n.service && n.loginType != events.LoginNone:
		return bad("Service accounts must use login type 'none'.")
	case n.service && n.password != "":
		return bad("Password cannot be set for service accounts.")
	case n.service && n.email != "":
		return bad("Email cannot be set for service accounts.")
	case n.service:
		return refuse(http.StatusForbidden, "Service accounts is a Premium feature. Contact sales!", "")
	case n.loginType == events.LoginNone:
		return bad("Login type 'none' requires a service account.")
	case n.password != "" && n.loginType != events.LoginPassword:
		return bad(fmt.Sprintf("Password cannot be set for non-password (%q) authentication.", printable(string(n.loginType))))
	case n.loginType == events.LoginPassword && h.Settings.PasswordLoginDisabled:
		return refuse(http.StatusForbidden, "Password based authentication is disabled! Unable to provision new users with password authentication.", "")
	}
	return nil
}

// checkNames looks whether the names are taken, as far as the caller may know.
func (h *Handler) checkNames(r *http.Request, c gate.Caller, n newUser) error {
	for _, ref := range []commands.UserRef{{Email: n.email}, {Username: n.username}} {
		holder, err := h.Commands.Find(r.Context(), ref)
		switch {
		case commands.CodeOf(err) == commands.NotFound:
		case err != nil:
			return fmt.Errorf("look up a name: %w", err)
		case readable(c, holder.ID):
			return errUserExists
		}
	}
	return nil
}

// checkOrganizations finds the organizations by id and puts the default one in
// the place of its stand-in.
func (h *Handler) checkOrganizations(r *http.Request, ids []string) error {
	for i, id := range ids {
		if id == nilUUID {
			ids[i] = h.Commands.DefaultOrganization()
			continue
		}
		_, err := h.Commands.Organization(r.Context(), id)
		if commands.CodeOf(err) == commands.NotFound {
			return refuse(http.StatusNotFound, fmt.Sprintf("Organization does not exist with the provided id %q.", id), "")
		}
		if err != nil {
			return fmt.Errorf("look up an organization: %w", err)
		}
	}
	return nil
}

func mayCreate(c gate.Caller, roles []string) bool {
	if !may(c, commands.CreateUser, "") {
		return false
	}
	return len(wantedRoles(roles)) == 0 || mayAssign(c, "", nil, roles)
}

// refusedUser translates what the command refuses after all, since something
// changed meanwhile or the operator asks for more.
func refusedUser(err error) error {
	e, ok := commands.AsError(err)
	if !ok {
		return err
	}
	switch {
	case e.Code == commands.Conflict && e.Reason == "taken":
		return errUserExists
	case e.Code == commands.Forbidden:
		return errMayNotCreate
	case e.Code == commands.Invalid && len(e.Fields) == 1 && e.Fields[0].Field == "password":
		return weakPassword(e)
	}
	return err
}

// printable makes a client's word fit for an answer.
func printable(s string) string { return shortened(s, 64) }

// shortened cuts a text that would be repeated: a hostile one is long.
func shortened(s string, most int) string {
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "")
	}
	return s
}

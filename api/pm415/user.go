package pm415

import (
	"net/http"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
)

// currentUser answers GET /api/user.
func (h *Handler) currentUser(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	if err := may(c, commands.ReadPersonal); err != nil {
		return err
	}
	u, places, err := h.caller(r.Context(), c)
	if err != nil {
		return err
	}
	write(w, http.StatusOK, selfOf(c, personOf(u), places))
	return nil
}

// userOrganizations answers GET /api/user/orgs.
func (h *Handler) userOrganizations(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	if err := may(c, commands.ReadPersonal); err != nil {
		return err
	}
	_, places, err := h.caller(r.Context(), c)
	if err != nil {
		return err
	}
	type line struct {
		OrgID int64  `json:"orgId"`
		Name  string `json:"name"`
		Role  string `json:"role"`
	}
	lines := make([]line, len(places))
	for i, p := range places {
		lines[i] = line{p.Number, titleOf(p.Organization), p.role.Role}
	}
	write(w, http.StatusOK, struct {
		Success       bool   `json:"success"`
		Organizations []line `json:"organizations"`
	}{true, lines})
	return nil
}

// profileRules are the members of PUT /api/user.
var profileRules = []member{
	{name: "firstName", label: "Firstname", emptyToo: true, max: maxPart},
	{name: "lastName", label: "Lastname", max: maxPart},
	{name: "email", label: "Email", needed: true},
	{name: "password", label: "password", min: minPassword, max: maxPassword},
	{name: "confirmation", label: "Confirmation", same: "password"},
}

// updateUser answers PUT /api/user. All of it is one commit.
func (h *Handler) updateUser(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	v, err := read(w, r, profileRules)
	if err != nil {
		return err
	}
	if _, confirmed := v["confirmation"]; v.pointer("password") != nil && !confirmed {
		return refuse(http.StatusUnprocessableEntity, "Confirmation must match password")
	}
	res, err := h.Commands.UpdateUser(r.Context(), gate.Request(r, c, Name), commands.UpdateUser{
		UserID: c.UserID(), FirstName: v.pointer("firstName"), LastName: v.pointer("lastName"),
		Email: v.pointer("email"), Password: v.pointer("password"),
	})
	if taken(err, "email") {
		return refusef(http.StatusConflict, "Email %s already registered", v["email"])
	}
	if err != nil {
		return err
	}
	h.Gate.Wrote(w, r, res)
	places, err := h.places(r.Context(), res.User.Memberships)
	if err != nil {
		return err
	}
	write(w, http.StatusOK, struct {
		self
		DoLogout bool `json:"doLogout"`
	}{selfOf(c, personOfState(res.User), places), false})
	return nil
}

// apiKey answers GET /api/user/apikey. The log knows the newest key.
func (h *Handler) apiKey(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	if err := wholly(c); err != nil {
		return err
	}
	u, err := h.Commands.Find(r.Context(), commands.UserRef{ID: c.UserID()})
	if commands.CodeOf(err) == commands.NotFound {
		return errSignIn
	}
	if err != nil {
		return err
	}
	write(w, http.StatusOK, struct {
		Success bool    `json:"success"`
		APIKey  *string `json:"apikey"`
	}{true, nullable(u.ReadableKey)})
	return nil
}

// newAPIKey answers POST /api/user/apikey. The page names the member otherwise than
// the server and its browser client do: both are there.
func (h *Handler) newAPIKey(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	if err := wholly(c); err != nil {
		return err
	}
	res, err := h.Commands.SetReadableKey(r.Context(), gate.Request(r, c, Name), c.UserID())
	if err != nil {
		return err
	}
	h.Gate.Wrote(w, r, res)
	write(w, http.StatusOK, struct {
		Success   bool   `json:"success"`
		APIKey    string `json:"apikey"`
		ClientKey string `json:"apiKey"`
	}{true, res.User.ReadableKey, res.User.ReadableKey})
	return nil
}

package pm415

import (
	"net/http"
	"strings"

	"github.com/rosterhq/roster/api/bearer"
	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
)

var registerRules = []member{
	{name: "email", label: "Email", needed: true, email: true, max: maxEmail},
	{name: "password", label: "Password", needed: true, min: minPassword, max: maxPassword},
	{name: "firstName", label: "First Name", needed: true, max: maxPart},
	{name: "lastName", label: "Last Name", needed: true, max: maxPart},
	{name: "confirmation", label: "Confirmation", needed: true, same: "password"},
	{name: "tosAccepted", label: "Terms of Service", needed: true, accepted: true},
	{name: "organization", label: "Organization", max: maxOrgName},
	{name: "token", label: "token", max: maxToken},
}

// register answers POST /api/account/register: of who founds an organization, or
// was invited into one. The address is confirmed by mail.
func (h *Handler) register(w http.ResponseWriter, r *http.Request) error {
	if !h.Settings.SignUp {
		return refuse(http.StatusForbidden, "Registration is closed")
	}
	v, err := read(w, r, registerRules)
	if err != nil {
		return err
	}
	if err := h.Gate.SameOrigin(r); err != nil {
		return err
	}
	if err := h.Gate.AllowMail(r, v["email"]); err != nil {
		return err
	}
	options, err := h.whereTo(v)
	if err != nil {
		return err
	}
	if err := h.unregistered(r, v["email"]); err != nil {
		return err
	}
	res, err := h.Commands.SignUp(r.Context(), gate.Request(r, gate.Caller{}, Name), commands.Register{
		Username: v["email"], NormaliseUsername: true, Email: v["email"], Password: v["password"],
		FirstName: v["firstName"], LastName: v["lastName"],
	}, options)
	if err != nil {
		return refusedRegistration(err, v)
	}
	h.Gate.WroteCredentials(w, r, res)
	h.mailVerification(r.Context(), res.User)
	write(w, http.StatusOK, struct {
		UserID  int64 `json:"userId"`
		Success bool  `json:"success"`
	}{res.User.Number, true})
	return nil
}

// whereTo says into which organization somebody registers. An invitation wins.
func (h *Handler) whereTo(v values) (commands.SignUpOptions, error) {
	if token, ok := v["token"]; ok {
		invited, ok := h.claims(token, bearer.Invitation)
		switch {
		case !ok:
			return commands.SignUpOptions{}, refuse(http.StatusUnprocessableEntity, "Invitation token invalid or expired")
		case !strings.EqualFold(invited.Extra[claimEmail], v["email"]):
			return commands.SignUpOptions{}, refuse(http.StatusUnprocessableEntity, "Email is incorrect")
		}
		return commands.SignUpOptions{JoinPending: invited.Extra[claimOrganization]}, nil
	}
	name, ok := v["organization"]
	if !ok {
		return commands.SignUpOptions{}, problem("Organization", "is required")
	}
	wanted, err := newOrganization(name, "Organization")
	return commands.SignUpOptions{Organization: &wanted}, err
}

// unregistered looks for a user before an organization is founded in vain.
func (h *Handler) unregistered(r *http.Request, email string) error {
	_, err := h.Commands.Find(r.Context(), commands.UserRef{Email: email})
	switch {
	case err == nil:
		return errRegistered(email)
	case commands.CodeOf(err) == commands.NotFound:
		return nil
	default:
		return err
	}
}

func errRegistered(email string) error {
	return refusef(http.StatusConflict, "User with email %s already exists", email)
}

func refusedRegistration(err error, v values) error {
	e, ok := commands.AsError(err)
	switch {
	case !ok:
		return err
	case taken(err, "email"):
		return errRegistered(v["email"])
	case taken(err, "name"):
		return refusef(http.StatusConflict, "Organization %s already exists.", v["organization"])
	case e.Reason == "organization":
		return refuse(http.StatusNotFound, "Organization not found")
	default:
		return err
	}
}

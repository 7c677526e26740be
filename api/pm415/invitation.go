package pm415

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/rosterhq/roster/api/bearer"
	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query"
)

// mailed is how long a token lives that travels by mail.
const mailed = 24 * time.Hour

// The members of tokens that travel by mail.
const (
	claimEmail        = "email"
	claimOrganization = "organization"
	claimMark         = "mark"
)

// accept takes who signs in with an invitation into the organization, not accepted
// there yet. The password is checked before anything is told of the invitation.
func (h *Handler) accept(w http.ResponseWriter, r *http.Request, v values, token string) error {
	u, err := h.Commands.CheckPassword(r.Context(), commands.SignIn{Email: v["email"], Password: v["password"]})
	if err != nil {
		return refusedLogin(err)
	}
	invited, ok := h.claims(token, bearer.Invitation)
	switch {
	case !ok:
		return refuse(http.StatusUnprocessableEntity, "Bad data")
	case !strings.EqualFold(invited.Extra[claimEmail], v["email"]):
		return refuse(http.StatusUnprocessableEntity, "Invitation email mismatch")
	}
	request := gate.Request(r, gate.Caller{}, Name)
	request.IdempotencyKey = ""
	res, err := h.Commands.JoinPending(r.Context(), request, invited.Extra[claimOrganization], u.ID)
	if e, ok := commands.AsError(err); ok {
		switch {
		case e.Code == commands.NotFound && e.Reason == "organization":
			return refuse(http.StatusNotFound, "Invitation organization incorrect")
		case e.Code == commands.Conflict && e.Reason == "member":
			return refuse(http.StatusConflict, "Invitation already accepted")
		}
	}
	if err != nil {
		return err
	}
	h.Gate.WroteCredentials(w, r, res)
	return nil
}

// invitation answers GET /api/org/invite: what an invitation says, for the form by
// which it is answered.
func (h *Handler) invitation(w http.ResponseWriter, r *http.Request) error {
	invited, ok := h.claims(r.URL.Query().Get("token"), bearer.Invitation)
	if !ok {
		return refuse(http.StatusUnprocessableEntity, "Bad data")
	}
	o, err := h.Commands.Organization(r.Context(), invited.Extra[claimOrganization])
	if commands.CodeOf(err) == commands.NotFound {
		return refuse(http.StatusUnprocessableEntity, "Invitation token invalid or expired")
	}
	if err != nil {
		return err
	}
	write(w, http.StatusOK, struct {
		Success      bool   `json:"success"`
		Email        string `json:"email"`
		Organization string `json:"organization"`
	}{true, invited.Extra[claimEmail], titleOf(query.Organization{Name: o.Name, DisplayName: o.DisplayName})})
	return nil
}

var inviteRules = []member{{name: "email", label: "Email", needed: true, email: true, max: maxEmail}}

// inviteLink answers POST /api/org/:orgId/invitelink. Members invite: who comes by an
// invitation has no rights before an admin says so.
func (h *Handler) inviteLink(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	members, err := readMembers(w, r)
	if err != nil {
		return err
	}
	delete(members, "send") // PM415 knows it and mails in any case
	v, err := check(members, inviteRules)
	if err != nil {
		return err
	}
	if err := wholly(c); err != nil {
		return err
	}
	o, err := h.memberOf(r, c, commands.ChangeMembers)
	if err != nil {
		return err
	}
	if err := h.Gate.AllowMail(r, v["email"]); err != nil {
		return err
	}
	if err := h.uninvited(r, o, v["email"]); err != nil {
		return err
	}
	token, err := h.sign(bearer.Invitation, bearer.Claims{
		UserID: c.UserID(), ExpiresAt: h.Clock().Add(mailed),
		Extra: map[string]string{claimEmail: v["email"], claimOrganization: o.ID},
	})
	if err != nil {
		return err
	}
	link := h.Settings.BaseURL(r) + "/account/invite/?" + url.Values{"token": {token}}.Encode()
	h.tryToSend(r.Context(), h.invitationMail(v["email"], o, token))
	write(w, http.StatusOK, struct {
		Success    bool   `json:"success"`
		ConfirmURL string `json:"confirmUrl"`
	}{true, link})
	return nil
}

// uninvited refuses to invite who is in the organization already.
func (h *Handler) uninvited(r *http.Request, o query.Organization, email string) error {
	u, err := h.Commands.Find(r.Context(), commands.UserRef{Email: email})
	if commands.CodeOf(err) == commands.NotFound {
		return nil
	}
	if err != nil {
		return err
	}
	if _, in := membership(u.Memberships, o.ID); in {
		return refusef(http.StatusConflict, "User %s already have access to organization %s", email, titleOf(o))
	}
	return nil
}

func membership(memberships []events.Membership, organization string) (events.Membership, bool) {
	for _, m := range memberships {
		if m.Organization == organization {
			return m, true
		}
	}
	return events.Membership{}, false
}

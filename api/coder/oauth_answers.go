package coder

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"go.uber.org/zap"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/signin"
)

var (
	errNotConfigured = refuse(http.StatusBadRequest, "The oauth2 method requested is not configured!", "")
	errState         = refuse(http.StatusUnauthorized, "State mismatched.", "")
	errMergeState    = refuse(http.StatusBadRequest, "The state to merge accounts by is not valid.", "Begin again with POST /api/v2/users/{user}/convert-login.")
	errSuspended     = refuse(http.StatusUnauthorized, "Your account is suspended. Contact an admin to reactivate your account.", "")
)

func errProviderDown(t events.LoginType) *answer {
	return refuse(http.StatusServiceUnavailable, providerName(t)+" can not be reached. Please try again.", "")
}

// refusedByProvider tells what the provider told the browser.
func refusedByProvider(q url.Values) *answer {
	detail := foreign(q.Get("error_description"))
	if uri := q.Get("error_uri"); uri != "" {
		detail += ", error_uri: " + foreign(uri)
	}
	return refuse(http.StatusBadRequest, "Encountered error in oidc process: "+foreign(q.Get("error")), detail)
}

// foreign makes a text of a stranger fit to be shown.
func foreign(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(shortened(s, 300), ""), "\x00", "")
}

// exchangeFailed is Coder's message for whatever goes wrong between the code and
// the person.
const exchangeFailed = "Internal error exchanging Oauth code."

// refusedPerson tells why nobody was vouched for.
func (h *Handler) refusedPerson(w http.ResponseWriter, r *http.Request, err error) error {
	e, ok := signin.AsError(err)
	if !ok {
		return err
	}
	if e.Reason != signin.Pending {
		h.Logger.Warn("a sign-in by a provider failed", zap.String("request_id", gate.RequestID(r.Context())), zap.Error(e))
	}
	if e.Reason == signin.NotMember {
		const message = "You aren't a member of the authorized Github organizations!"
		w.Header().Set("Location", "/login?"+url.Values{"message": {message}, "redirect": {redirectOf(r)}}.Encode())
		return refuse(http.StatusUnauthorized, message, "")
	}
	return answerOfPerson(e)
}

func answerOfPerson(e *signin.Error) *answer {
	bad := func(message, detail string) *answer { return refuse(http.StatusBadRequest, message, detail) }
	switch e.Reason {
	case signin.Pending, signin.Refused: // clients of the device flow compare the detail
		return bad(exchangeFailed, e.Code)
	case signin.WrongIssuer:
		return errState
	case signin.NoIDToken:
		return bad("id_token not found in response payload. Ensure your OIDC callback is configured correctly!", "")
	case signin.BadIDToken:
		return bad("Failed to verify OIDC token.", e.Detail)
	case signin.NoSubject:
		return bad("The provider did not say who signed in.", "")
	case signin.NoEmail:
		return bad("No email found in OIDC payload!", "")
	case signin.PrimaryEmail:
		return bad("Your primary email must be verified on GitHub!", "")
	case signin.NotVerified:
		return refuse(http.StatusForbidden, fmt.Sprintf("Verify the %q email address on your OIDC provider to authenticate!", e.Email), "")
	case signin.BadRoles:
		return refuse(http.StatusInternalServerError, "Login disabled until site role OIDC configuration is fixed", e.Detail)
	case signin.WrongDomain:
		return refuse(http.StatusForbidden, fmt.Sprintf("Your email %q is not in domains %q!", e.Email, e.Allowed), "")
	default:
		return refuse(http.StatusInternalServerError, exchangeFailed, "The provider can not be reached, or its answer not be read.")
	}
}

// refusedSignIn tells why somebody that a provider vouches for is not let in.
func refusedSignIn(err error, kind events.LoginType) error {
	e, ok := commands.AsError(err)
	if !ok {
		return err
	}
	switch e.Reason {
	case "login-type":
		return wrongLoginType(kind, e)
	case "signup":
		return refuse(http.StatusForbidden, "Signups are disabled", "")
	case "suspended":
		return errSuspended
	case "identity":
		return refuse(http.StatusForbidden, "The user with your email address is tied to another account of this provider.", "")
	case "convert":
		return refuse(http.StatusForbidden, "Your account at the provider does not belong to the user who wanted to sign in by it.", "")
	case "username-exhausted":
		return refuse(http.StatusConflict, e.Message, "")
	default:
		return err
	}
}

// wrongLoginType names the way in that the user has, which the command's refusal
// tells.
func wrongLoginType(tried events.LoginType, e *commands.Error) *answer {
	has := ""
	if len(e.Fields) > 0 {
		has = e.Fields[0].Detail
	}
	return refuse(http.StatusForbidden, fmt.Sprintf("Incorrect login type, attempting to use %q but user is of login type %q", tried, has), "")
}

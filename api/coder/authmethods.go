package coder

import "net/http"

type (
	passwordMethod struct {
		Enabled bool `json:"enabled"`
	}
	githubMethod struct {
		Enabled           bool `json:"enabled"`
		DefaultConfigured bool `json:"default_provider_configured"`
	}
	oidcMethod struct {
		Enabled    bool   `json:"enabled"`
		SignInText string `json:"signInText"`
		IconURL    string `json:"iconUrl"`
	}
	methodsAnswer struct {
		TermsURL string         `json:"terms_of_service_url,omitempty"`
		Password passwordMethod `json:"password"`
		GitHub   githubMethod   `json:"github"`
		OIDC     oidcMethod     `json:"oidc"`
	}
)

// authMethods tells by which ways one can sign in.
func (h *Handler) authMethods(w http.ResponseWriter, _ *http.Request) error {
	by := h.Settings.SignIn
	out := methodsAnswer{
		TermsURL: h.Settings.TermsURL,
		Password: passwordMethod{Enabled: !h.Settings.PasswordLoginDisabled},
		GitHub:   githubMethod{Enabled: by.GitHub},
	}
	if by.OIDC {
		out.OIDC = oidcMethod{Enabled: true, SignInText: by.OIDCText, IconURL: by.OIDCIcon}
	}
	write(w, http.StatusOK, out)
	return nil
}

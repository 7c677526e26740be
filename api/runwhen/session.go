package runwhen

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/rosterhq/roster/api/bearer"
	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query"
)

const (
	day = 24 * time.Hour
	// accessLife is for how long an access token is good.
	accessLife = day
	// refreshLife is for how long a refresh token is good, and its session with it.
	refreshLife = 30 * day
)

// pair is what a sign-in gives.
type pair struct {
	Access  string `json:"access"`
	Refresh string `json:"refresh"`
}

// errNoTokens says that this process has nothing to sign with.
var errNoTokens = errors.New("signed tokens are not configured")

// tokensOf signs the tokens of a session.
func (h *Handler) tokensOf(u commands.User, k commands.Key) (pair, error) {
	if h.Tokens == nil {
		return pair{}, errNoTokens
	}
	now := h.Clock()
	access, err := h.Tokens.Sign(bearer.RunWhenAccess, bearer.Claims{
		UserID: u.ID, SessionID: k.ID, Number: u.Number, ExpiresAt: now.Add(accessLife),
	})
	if err != nil {
		return pair{}, fmt.Errorf("sign an access token: %w", err)
	}
	refresh, err := h.Tokens.Sign(bearer.RunWhenRefresh, bearer.Claims{
		UserID: u.ID, SessionID: k.ID, Number: u.Number, Generation: k.Generation, ExpiresAt: now.Add(refreshLife),
	})
	if err != nil {
		return pair{}, fmt.Errorf("sign a refresh token: %w", err)
	}
	return pair{access, refresh}, nil
}

// obtain answers POST /token/.
func (h *Handler) obtain(w http.ResponseWriter, r *http.Request, _ gate.Caller) error {
	_, tokens, err := h.signIn(w, r)
	if err != nil {
		return err
	}
	return succeed(w, http.StatusOK, tokens)
}

// login answers POST /users/login.
func (h *Handler) login(w http.ResponseWriter, r *http.Request, _ gate.Caller) error {
	u, tokens, err := h.signIn(w, r)
	if err != nil {
		return err
	}
	a, err := h.written(r.Context(), u)
	if err != nil {
		return err
	}
	return succeed(w, http.StatusOK, struct {
		pair
		User account `json:"user"`
	}{tokens, a})
}

// signIn opens a session for who sends username or e-mail and password.
func (h *Handler) signIn(w http.ResponseWriter, r *http.Request) (commands.User, pair, error) {
	b, err := readBody(w, r, true)
	if err != nil {
		return commands.User{}, pair{}, err
	}
	who := b.member("username", "email")
	if email := b.member("email"); who.null() && email.given { // null is as good as absent
		who = email
	}
	if !who.given {
		b.add(missing.at(who.loc(), b.whole))
	}
	name, _ := b.text(who, 0, 0)
	password, _ := b.text(b.need("password"), 0, 0)
	if err := b.err(); err != nil {
		return commands.User{}, pair{}, err
	}
	if err := h.Gate.AllowLogin(r, name); err != nil {
		return commands.User{}, pair{}, err
	}
	command := commands.SignIn{Username: name, Password: password, Lifetime: refreshLife}
	if strings.Contains(name, "@") || who.name == "email" {
		command.Email, command.Username = name, ""
	}
	res, err := h.Commands.SignIn(r.Context(), gate.Request(r, gate.Caller{}, Name), command)
	h.Gate.TriedLogin(r, name, err)
	if err != nil {
		return commands.User{}, pair{}, refusedSignIn(err)
	}
	h.Gate.WroteCredentials(w, r, res)
	tokens, err := h.tokensOf(res.User, res.Key)
	return res.User, tokens, err
}

// refusedSignIn tells nothing of accounts to who does not know the password. What
// can be no password is a wrong one.
func refusedSignIn(err error) error {
	switch commands.CodeOf(err) {
	case commands.Unauthenticated, commands.Invalid:
		return errNoAccount
	default:
		return err
	}
}

// refresh answers POST /token/refresh/: each token is good once. Who shows one again
// ends the session, since one of two holders stole it.
func (h *Handler) refresh(w http.ResponseWriter, r *http.Request, _ gate.Caller) error {
	b, err := readBody(w, r, true)
	if err != nil {
		return err
	}
	token, _ := b.text(b.need("refresh"), 0, 0)
	if err := b.err(); err != nil {
		return err
	}
	if h.Tokens == nil {
		return errNoTokens
	}
	claims, err := h.Tokens.Verify(token, bearer.RunWhenRefresh)
	if err != nil {
		return errBadToken
	}
	request := gate.Request(r, gate.Caller{}, Name)
	res, err := h.Commands.RefreshSession(r.Context(), request, claims.UserID, claims.SessionID, claims.Generation, refreshLife)
	if commands.CodeOf(err) == commands.Unauthenticated {
		h.Gate.WroteCredentials(w, r, res) // of a session that this closed
		return errBadToken
	}
	if err != nil {
		return err
	}
	h.Gate.WroteCredentials(w, r, res)
	tokens, err := h.tokensOf(res.User, res.Key)
	if err != nil {
		return err
	}
	return succeed(w, http.StatusOK, tokens)
}

// verify answers POST /token/verify/ of any token with which one could come in now.
func (h *Handler) verify(w http.ResponseWriter, r *http.Request, _ gate.Caller) error {
	b, err := readBody(w, r, true)
	if err != nil {
		return err
	}
	token, _ := b.text(b.need("token"), 0, 0)
	if err := b.err(); err != nil {
		return err
	}
	if err := h.good(r, token); err != nil {
		return err
	}
	return succeed(w, http.StatusOK, struct{}{})
}

func (h *Handler) good(r *http.Request, token string) error {
	if h.Tokens != nil {
		if claims, err := h.Tokens.Verify(token, bearer.RunWhenRefresh); err == nil {
			return h.goodRefresh(r, claims)
		}
	}
	probe := r.Clone(r.Context())
	probe.Header = http.Header{"Authorization": {"Bearer " + token}}
	_, err := h.Gate.Identify(probe, gate.Forms{gate.Bearer()})
	if gate.ReasonOf(err) == gate.NoCredential {
		return errBadToken
	}
	return err
}

func (h *Handler) goodRefresh(r *http.Request, claims bearer.Claims) error {
	c, err := h.Gate.Again(r.Context(), gate.PassOfClaims(claims))
	if err != nil {
		return err
	}
	if c.Key.Generation != claims.Generation {
		return errBadToken
	}
	return nil
}

// logout answers POST /users/logout: the credential that asks is good no more, and
// every token of its session with it.
func (h *Handler) logout(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	if c.Key.ID == "" { // name and password came with the request: there is nothing to end
		return noContent(w)
	}
	if _, err := gate.ReadBody(w, r, gate.MaxBody); err != nil {
		return err
	}
	res, err := h.Commands.SignOut(r.Context(), gate.Request(r, c, Name), c.UserID(), c.Key.ID)
	if err != nil {
		return err
	}
	h.Gate.WroteCredentials(w, r, res)
	return noContent(w)
}

const (
	mostTokenDays  = 365
	usualTokenDays = 30
)

// getToken answers GET /users/get-token: an access token that lives for days, of a
// session of its own.
func (h *Handler) getToken(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	var p problems
	u, err := h.self(r.Context(), c)
	if err != nil {
		return err
	}
	most := h.mostDays(u.Roles, mostTokenDays)
	days := min(usualTokenDays, most)
	if q := queryOf(r); q.Has("days") {
		days, _ = p.parsed(last(q, "days"), []any{"query", "days"}, 1, most)
	}
	if err := p.err(); err != nil {
		return err
	}
	if h.Tokens == nil {
		return errNoTokens
	}
	life := time.Duration(days) * day
	res, err := h.Commands.CreateKey(r.Context(), gate.Request(r, c, Name), commands.CreateKey{
		UserID: u.ID, LoginType: sessionType(u), Lifetime: life,
	})
	if err != nil {
		return err
	}
	h.Gate.WroteCredentials(w, r, res)
	access, err := h.Tokens.Sign(bearer.RunWhenAccess, bearer.Claims{
		UserID: u.ID, SessionID: res.Key.ID, Number: u.Number, ExpiresAt: h.Clock().Add(life),
	})
	if err != nil {
		return fmt.Errorf("sign an access token: %w", err)
	}
	return succeed(w, http.StatusOK, map[string]string{"access": access, "lifetime": lifetimeText(days)})
}

// mostDays is how many days a credential may live: what the dialect says, or less
// where the installation does.
func (h *Handler) mostDays(roles []events.Role, most int64) int64 {
	return min(most, max(1, int64(h.Commands.MaxLifetime(commands.User{Roles: roles})/day)))
}

// sessionType is how the session of a user is opened who is signed in already.
func sessionType(u query.User) events.LoginType {
	switch u.LoginType {
	case events.LoginGitHub, events.LoginOIDC:
		return u.LoginType
	default:
		return events.LoginPassword
	}
}

// lifetimeText is a number of days as Python writes a span of time.
func lifetimeText(days int64) string {
	if days == 1 {
		return "1 day, 0:00:00"
	}
	return fmt.Sprintf("%d days, 0:00:00", days)
}

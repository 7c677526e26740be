package signintest

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// Account is somebody's account at GitHub.
type Account struct {
	ID        int64
	Login     string
	Name      string
	AvatarURL string
	Emails    []Address
	Orgs      map[string]string // login of an organization: state of the membership
}

// Address is one of an account's e-mail addresses.
type Address struct {
	Email    string `json:"email"`
	Primary  bool   `json:"primary"`
	Verified bool   `json:"verified"`
}

// GitHub answers as GitHub's documentation of OAuth applications and of version
// 2022-11-28 of its API says. It is laid out like an enterprise server.
type GitHub struct {
	URL          string
	ClientID     string
	ClientSecret string

	mu      sync.Mutex
	who     Account
	down    bool
	codes   map[string]gitHubCode
	access  map[string]Account
	devices map[string]*device
	renew   map[string]Account
	expires bool
}

type gitHubCode struct {
	who       Account
	challenge string
	redirect  string
}

type device struct {
	userCode string
	answer   string // an error's code, until it is approved
	who      Account
}

// NewGitHub starts a GitHub that ends with the test.
func NewGitHub(tb testing.TB) *GitHub {
	tb.Helper()
	g := &GitHub{
		ClientID: "Iv1.roster", ClientSecret: secret("client"), codes: map[string]gitHubCode{},
		access: map[string]Account{}, devices: map[string]*device{}, renew: map[string]Account{},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /login/oauth/authorize", g.authorize)
	mux.HandleFunc("POST /login/oauth/access_token", g.token)
	mux.HandleFunc("POST /login/device/code", g.device)
	mux.Handle("GET /api/v3/user", g.api(g.user))
	mux.Handle("GET /api/v3/user/emails", g.api(g.emails))
	mux.Handle("GET /api/v3/user/memberships/orgs", g.api(g.memberships))
	server := httptest.NewServer(mux)
	tb.Cleanup(server.Close)
	g.URL = server.URL
	return g
}

// SignsIn says who is at the keyboard.
func (g *GitHub) SignsIn(a Account) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.who = a
}

// Down makes the API answer 503.
func (g *GitHub) Down(down bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.down = down
}

// TokensExpire makes tokens end after eight hours, as those of GitHub Apps do.
func (g *GitHub) TokensExpire() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.expires = true
}

// Approve lets somebody type a user code and agree.
func (g *GitHub) Approve(userCode string, a Account) { g.decide(userCode, "", a) }

// Decide lets a sign-in by device end with one of the documented errors.
func (g *GitHub) Decide(userCode, code string) { g.decide(userCode, code, Account{}) }

func (g *GitHub) decide(userCode, answer string, a Account) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, d := range g.devices {
		if d.userCode == userCode {
			d.answer, d.who = answer, a
		}
	}
}

func (g *GitHub) authorize(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	q := r.URL.Query()
	if q.Get("client_id") != g.ClientID {
		http.NotFound(w, r)
		return
	}
	code := secret("code")
	g.codes[code] = gitHubCode{who: g.who, challenge: q.Get("code_challenge"), redirect: q.Get("redirect_uri")}
	back(w, r, url.Values{"code": {code}})
}

// answer is JSON for who asks for it, and a form for all others; errors have
// status 200 too.
func answer(w http.ResponseWriter, r *http.Request, values map[string]any) {
	if strings.Contains(r.Header.Get("Accept"), "json") {
		write(w, http.StatusOK, values)
		return
	}
	form := url.Values{}
	for name, value := range values {
		form.Set(name, fmt.Sprint(value))
	}
	w.Header().Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	_, _ = w.Write([]byte(form.Encode()))
}

func refuse(w http.ResponseWriter, r *http.Request, code, description string) {
	answer(w, r, map[string]any{
		"error": code, "error_description": description, "error_uri": "https://docs.github.com/",
	})
}

func (g *GitHub) token(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if r.FormValue("client_id") != g.ClientID {
		refuse(w, r, "incorrect_client_credentials", "The client_id and/or client_secret passed are incorrect.")
		return
	}
	if r.FormValue("grant_type") == "urn:ietf:params:oauth:grant-type:device_code" {
		g.poll(w, r)
		return
	}
	if r.FormValue("client_secret") != g.ClientSecret {
		refuse(w, r, "incorrect_client_credentials", "The client_id and/or client_secret passed are incorrect.")
		return
	}
	if r.FormValue("grant_type") == "refresh_token" {
		old := r.FormValue("refresh_token")
		who, ok := g.renew[old]
		delete(g.renew, old)
		if !ok {
			refuse(w, r, "bad_refresh_token", "The refresh token passed is incorrect or expired.")
			return
		}
		g.give(w, r, who)
		return
	}
	code := r.FormValue("code")
	c, ok := g.codes[code]
	delete(g.codes, code)
	sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
	proved := c.challenge == "" || c.challenge == base64.RawURLEncoding.EncodeToString(sum[:])
	if !ok || !proved || c.redirect != r.FormValue("redirect_uri") {
		refuse(w, r, "bad_verification_code", "The code passed is incorrect or expired.")
		return
	}
	g.give(w, r, c.who)
}

func (g *GitHub) give(w http.ResponseWriter, r *http.Request, who Account) {
	access := secret("gho")
	g.access[access] = who
	values := map[string]any{"access_token": access, "token_type": "bearer", "scope": "read:user,read:org,user:email"}
	if g.expires {
		refresh := secret("ghr")
		g.renew[refresh] = who
		values["expires_in"], values["refresh_token"], values["refresh_token_expires_in"] = 28800, refresh, 15897600
	}
	answer(w, r, values)
}

func (g *GitHub) device(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.down {
		http.Error(w, "unicorn", http.StatusServiceUnavailable)
		return
	}
	if r.FormValue("client_id") != g.ClientID {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	code, text := secret("device"), rand.Text()
	d := &device{userCode: text[:4] + "-" + text[4:8], answer: "authorization_pending"}
	g.devices[code] = d
	answer(w, r, map[string]any{
		"device_code": code, "user_code": d.userCode, "verification_uri": g.URL + "/login/device", "expires_in": 899, "interval": 5,
	})
}

func (g *GitHub) poll(w http.ResponseWriter, r *http.Request) {
	code := r.FormValue("device_code")
	d, ok := g.devices[code]
	switch {
	case !ok:
		refuse(w, r, "incorrect_device_code", "The device_code provided is not valid: "+code)
	case d.answer == "slow_down":
		answer(w, r, map[string]any{"error": d.answer, "error_description": "Too many requests.", "interval": 10})
	case d.answer != "":
		refuse(w, r, d.answer, "")
	default:
		delete(g.devices, code)
		g.give(w, r, d.who)
	}
}

// api checks what GitHub's API wants of every request.
func (g *GitHub) api(handle func(http.ResponseWriter, *http.Request, Account)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.mu.Lock()
		defer g.mu.Unlock()
		token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		who, ok := g.access[token]
		switch {
		case g.down:
			http.Error(w, "unicorn", http.StatusServiceUnavailable)
		case r.UserAgent() == "" || strings.HasPrefix(r.UserAgent(), "Go-http-client"):
			write(w, http.StatusForbidden, map[string]string{"message": "Please make sure your request has a User-Agent header"})
		case r.Header.Get("X-Github-Api-Version") != "2022-11-28":
			write(w, http.StatusBadRequest, map[string]string{"message": "Not a supported version"})
		case !ok:
			write(w, http.StatusUnauthorized, map[string]string{"message": "Bad credentials", "status": "401"})
		default:
			handle(w, r, who)
		}
	})
}

func (g *GitHub) user(w http.ResponseWriter, _ *http.Request, a Account) {
	var name any
	if a.Name != "" {
		name = a.Name
	}
	write(w, http.StatusOK, map[string]any{
		"login": a.Login, "id": a.ID, "node_id": "MDQ6VXNlcjE=", "avatar_url": a.AvatarURL, "type": "User", "site_admin": false,
		"name": name, "company": nil, "email": nil, "bio": nil,
	})
}

// pageOf cuts a page out of a list and links to the next one.
func pageOf[T any](w http.ResponseWriter, r *http.Request, list []T) []T {
	size, _ := strconv.Atoi(r.URL.Query().Get("per_page"))
	if size < 1 || size > 100 {
		size = 30
	}
	page, _ := strconv.Atoi(r.URL.Query().Get("page"))
	begin := min(max(page-1, 0)*size, len(list))
	end := min(begin+size, len(list))
	if end < len(list) {
		w.Header().Set("Link", fmt.Sprintf(`<https://api.github.com%s?page=%d>; rel="next"`, r.URL.Path, max(page, 1)+1))
	}
	return list[begin:end]
}

func (g *GitHub) emails(w http.ResponseWriter, r *http.Request, a Account) {
	write(w, http.StatusOK, pageOf(w, r, append([]Address{}, a.Emails...)))
}

func (g *GitHub) memberships(w http.ResponseWriter, r *http.Request, a Account) {
	list := []map[string]any{}
	for _, org := range slices.Sorted(maps.Keys(a.Orgs)) {
		state := a.Orgs[org]
		if want := r.URL.Query().Get("state"); want != "" && want != state {
			continue
		}
		list = append(list, map[string]any{
			"state": state, "role": "member", "organization": map[string]any{"login": org, "id": 1}, "user": map[string]any{"login": a.Login, "id": a.ID},
		})
	}
	write(w, http.StatusOK, pageOf(w, r, list))
}

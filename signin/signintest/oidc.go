package signintest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// Claims are what a provider says of somebody.
type Claims = map[string]any

// Faults are what goes wrong at a provider. The zero value is nothing.
type Faults struct {
	Down            bool          // it answers 503
	Deny            string        // who is asked to sign in refuses, by this error
	CodesEnd        bool          // codes have expired when they are used
	NoIDToken       bool          // there is none in the answer
	Nonce           string        // instead of the right one
	Audience        string        // instead of the right one
	Issuer          string        // in the id token, instead of the right one
	AuthorizedParty string        // azp
	Expired         bool          // the id token has ended
	ForeignKey      bool          // it is signed by a key that nobody published
	HS256           bool          // it is signed by the client's secret
	OtherUserInfo   string        // the subject in the user info
	Huge            bool          // answers are too large
	NoRefresh       bool          // refresh tokens are refused
	Hold            chan struct{} // a renewal waits for it
}

// OIDC is a provider of OpenID Connect.
type OIDC struct {
	URL          string // the issuer
	ClientID     string
	ClientSecret string

	mu       sync.Mutex
	faults   Faults
	who      Claims // in the id token
	info     Claims // in the user info; nil: the same
	life     time.Duration
	clock    func() time.Time
	key      jose.JSONWebKey
	grants   map[string]grant // by code
	access   map[string]Claims
	renewals map[string]grant // by refresh token
	calls    counter
}

// grant is what a code stands for.
type grant struct {
	who, info                  Claims
	challenge, nonce, redirect string
	offline                    bool
}

// NewOIDC starts a provider that ends with the test. Nobody is at its keyboard yet.
func NewOIDC(tb testing.TB) *OIDC {
	tb.Helper()
	p := &OIDC{
		ClientID: "roster", ClientSecret: secret("client"), life: time.Hour, clock: time.Now,
		grants: map[string]grant{}, access: map[string]Claims{}, renewals: map[string]grant{}, calls: counter{},
	}
	p.Rotate()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", p.configuration)
	mux.HandleFunc("GET /keys", p.keys)
	mux.HandleFunc("GET /authorize", p.authorize)
	mux.HandleFunc("POST /token", p.token)
	mux.HandleFunc("GET /userinfo", p.userInfo)
	server := httptest.NewServer(p.watch(mux))
	tb.Cleanup(server.Close)
	p.URL = server.URL
	return p
}

// SignsIn says who is at the keyboard, and what the user info says of them where
// that is something else.
func (p *OIDC) SignsIn(who, info Claims) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.who, p.info = who, info
}

// Fail sets what goes wrong from now on.
func (p *OIDC) Fail(f Faults) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = f
}

// TokensLive sets how long access tokens live.
func (p *OIDC) TokensLive(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.life = d
}

// KeepsTime gives the provider another clock.
func (p *OIDC) KeepsTime(clock func() time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clock = clock
}

// Rotate replaces the signing key: the old one is no longer published.
func (p *OIDC) Rotate() {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err) // randomness never fails
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.key = jose.JSONWebKey{Key: private, KeyID: rand.Text(), Algorithm: string(jose.RS256), Use: "sig"}
}

// Calls says how often a path was asked.
func (p *OIDC) Calls(path string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.calls[path]
}

func (p *OIDC) watch(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		p.calls[r.URL.Path]++
		f := p.faults
		p.mu.Unlock()
		switch {
		case f.Down:
			http.Error(w, "down for maintenance", http.StatusServiceUnavailable)
		case f.Huge:
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(`{"issuer":"` + strings.Repeat("x", 2<<20) + `"}`))
		default:
			next.ServeHTTP(w, r)
		}
	})
}

func (p *OIDC) configuration(w http.ResponseWriter, _ *http.Request) {
	write(w, http.StatusOK, map[string]any{
		"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token",
		"jwks_uri": p.URL + "/keys", "userinfo_endpoint": p.URL + "/userinfo",
		"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"},
		"id_token_signing_alg_values_supported": []string{"RS256"}, "code_challenge_methods_supported": []string{"S256"},
		"token_endpoint_auth_methods_supported": []string{"client_secret_basic"},
		"scopes_supported":                      []string{"openid", "profile", "email", "offline_access"},
	})
}

func (p *OIDC) keys(w http.ResponseWriter, _ *http.Request) {
	p.mu.Lock()
	public := p.key.Public()
	p.mu.Unlock()
	write(w, http.StatusOK, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{public}})
}

// authorize stands for the pages on which somebody signs in and agrees.
func (p *OIDC) authorize(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	q := r.URL.Query()
	switch {
	case q.Get("client_id") != p.ClientID || q.Get("redirect_uri") == "":
		http.Error(w, "this client is not known here", http.StatusBadRequest)
		return
	case p.faults.Deny != "":
		back(w, r, url.Values{"error": {p.faults.Deny}, "error_description": {"the person said no"}})
		return
	case q.Get("response_type") != "code" || !strings.Contains(" "+q.Get("scope")+" ", " openid "):
		back(w, r, url.Values{"error": {"invalid_request"}})
		return
	case q.Get("code_challenge_method") != "S256" || q.Get("code_challenge") == "":
		back(w, r, url.Values{"error": {"invalid_request"}, "error_description": {"code challenge required"}})
		return
	}
	code := secret("code")
	p.grants[code] = grant{
		who: maps.Clone(p.who), info: maps.Clone(p.info), challenge: q.Get("code_challenge"), nonce: q.Get("nonce"),
		redirect: q.Get("redirect_uri"), offline: q.Get("access_type") == "offline" || strings.Contains(q.Get("scope"), "offline_access"),
	}
	back(w, r, url.Values{"code": {code}, "iss": {p.URL}})
}

func (p *OIDC) token(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	hold := p.faults.Hold
	p.mu.Unlock()
	if hold != nil && r.FormValue("grant_type") == "refresh_token" {
		<-hold
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	id, password, _ := r.BasicAuth()
	if id != p.ClientID || password != p.ClientSecret {
		oauthError(w, http.StatusUnauthorized, "invalid_client", "")
		return
	}
	switch r.FormValue("grant_type") {
	case "authorization_code":
		p.redeem(w, r)
	case "refresh_token":
		p.renew(w, r)
	default:
		oauthError(w, http.StatusBadRequest, "unsupported_grant_type", "")
	}
}

// redeem turns a code into tokens, once.
func (p *OIDC) redeem(w http.ResponseWriter, r *http.Request) {
	code := r.FormValue("code")
	g, ok := p.grants[code]
	delete(p.grants, code)
	sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
	switch {
	case !ok || p.faults.CodesEnd:
		oauthError(w, http.StatusBadRequest, "invalid_grant", "the code "+code+" has expired") // it repeats what it was asked with
		return
	case g.challenge != base64.RawURLEncoding.EncodeToString(sum[:]):
		oauthError(w, http.StatusBadRequest, "invalid_grant", "wrong code verifier")
		return
	case g.redirect != r.FormValue("redirect_uri"):
		oauthError(w, http.StatusBadRequest, "invalid_grant", "wrong redirect URI")
		return
	}
	answer := p.tokens(g)
	if !p.faults.NoIDToken {
		answer["id_token"] = p.idToken(g, answer["access_token"].(string))
	}
	write(w, http.StatusOK, answer)
}

// renew takes a refresh token, once, and gives another.
func (p *OIDC) renew(w http.ResponseWriter, r *http.Request) {
	old := r.FormValue("refresh_token")
	g, ok := p.renewals[old]
	if !ok || p.faults.NoRefresh {
		oauthError(w, http.StatusBadRequest, "invalid_grant", "the token "+old+" is not valid")
		return
	}
	delete(p.renewals, old)
	write(w, http.StatusOK, p.tokens(g))
}

func (p *OIDC) tokens(g grant) map[string]any {
	access := secret("access")
	info := g.info
	if info == nil {
		info = g.who
	}
	p.access[access] = info
	answer := map[string]any{"access_token": access, "token_type": "Bearer", "expires_in": int64(p.life.Seconds())}
	if g.offline {
		refresh := secret("refresh")
		p.renewals[refresh] = g
		answer["refresh_token"] = refresh
	}
	return answer
}

func (p *OIDC) idToken(g grant, access string) string {
	now := p.clock()
	claims := Claims{
		"iss": p.URL, "aud": p.ClientID, "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(), "nonce": g.nonce, "at_hash": hashOf(access),
	}
	maps.Copy(claims, g.who)
	for name, instead := range map[string]string{
		"nonce": p.faults.Nonce, "aud": p.faults.Audience, "iss": p.faults.Issuer, "azp": p.faults.AuthorizedParty,
	} {
		if instead != "" {
			claims[name] = instead
		}
	}
	if p.faults.Expired {
		claims["exp"] = now.Add(-time.Hour).Unix()
	}
	signer, err := jose.NewSigner(p.signingKey(), (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		panic(err)
	}
	token, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		panic(err)
	}
	return token
}

func (p *OIDC) signingKey() jose.SigningKey {
	if p.faults.HS256 {
		return jose.SigningKey{Algorithm: jose.HS256, Key: []byte(p.ClientSecret)}
	}
	key := p.key
	if p.faults.ForeignKey {
		private, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		key.Key = private
	}
	return jose.SigningKey{Algorithm: jose.RS256, Key: key}
}

// hashOf is at_hash (OpenID Connect Core 3.1.3.6).
func hashOf(access string) string {
	sum := sha256.Sum256([]byte(access))
	return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
}

func (p *OIDC) userInfo(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	info, known := p.access[token]
	if !ok || !known {
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		http.Error(w, "", http.StatusUnauthorized)
		return
	}
	info = maps.Clone(info)
	if p.faults.OtherUserInfo != "" {
		info["sub"] = p.faults.OtherUserInfo
	}
	write(w, http.StatusOK, info)
}

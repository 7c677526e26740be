package api_test

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/internal/mail"
)

// step is a step of a life as one dialect does it. It sets what is to be seen then.
type step struct {
	do func(*life)
	// lacks says why a dialect has no such step: it is done through /v1 then.
	lacks string
}

func by(do func(*life)) step  { return step{do: do} }
func lacking(why string) step { return step{lacks: why} }

// or is the step, or the own API's where a dialect lacks it.
func (s step) or(own step) step {
	if s.do == nil {
		return own
	}
	return s
}

// through names who does the step.
func (s step) through(dialect string) string {
	if s.do == nil {
		return "/v1, since " + dialect + " lacks it: " + s.lacks
	}
	return dialect
}

// way is how the clients of one dialect do what a life takes.
type way struct {
	register, rename, readdress, relock step
	// keeps says that who is signed in stays so when the password changes.
	keeps bool
}

// ways is the table of the test: what each dialect has of a life.
var ways = map[string]way{ //nolint:gochecknoglobals // a constant table
	"/v1": ownWay,
	"codimir": {
		register: lacking("people come by providers or through the operator"),
		rename: by(func(l *life) {
			l.named("", "", "Name of Codimir")
			l.do("PUT", "/api/user/profile", object{"name": l.name})
		}),
		readdress: lacking("its profile takes no e-mail"),
		relock:    lacking("passwords are no part of its page"),
	},
	"pm415": {
		register: by(registerByPM415),
		rename: by(func(l *life) {
			l.named("First", "of PM415", "")
			l.do("PUT", "/api/user", object{"email": l.email, "firstName": l.first, "lastName": l.last})
		}),
		readdress: by(func(l *life) { l.email = "new-" + l.email; l.do("PUT", "/api/user", object{"email": l.email}) }),
		relock: by(func(l *life) {
			l.password = "4444"
			l.do("PUT", "/api/user", object{"email": l.email, "password": l.password, "confirmation": l.password})
		}),
		keeps: true,
	},
	"runwhen": {
		register: by(registerByRunWhen),
		rename: by(func(l *life) {
			l.named("First", "of RunWhen", "")
			l.do("PATCH", runWhenPath(l.number), object{"firstName": l.first, "last_name": l.last})
		}),
		readdress: by(func(l *life) {
			l.email = "new-" + l.email
			l.do("PATCH", runWhenPath(l.number), object{"primaryEmail": l.email})
		}),
		relock: lacking("its users API has no call for it"),
	},
	"coder": {
		register: by(func(l *life) {
			l.done(l.owner.Do("POST", "/api/v2/users", nil, object{
				"email": l.email, "username": l.username, "password": l.password, "organization_ids": []any{l.Commands.DefaultOrganization()},
			}), "register")
		}),
		rename: by(func(l *life) {
			l.named("", "", "Name of Coder")
			l.do("PUT", "/api/v2/users/me/profile", object{"username": l.username, "name": l.name})
		}),
		readdress: lacking("its profile takes no e-mail"),
		relock: by(func(l *life) {
			old := l.password
			l.password = "SecondPassword!"
			l.do("PUT", "/api/v2/users/me/password", object{"old_password": old, "password": l.password})
		}),
	},
	"abf": {
		register: lacking("people are made by a form of the site, with an invitation"),
		rename: by(func(l *life) {
			l.named("", "", "Name of ABF")
			l.do("PUT", "/api/v1/user.json", object{"user": object{"name": l.name}})
		}),
		readdress: by(func(l *life) {
			l.email = "new-" + l.email
			l.do("PUT", "/api/v1/user.json", object{"user": object{"email": l.email}})
		}),
		relock: lacking("its PUT drops a password"),
	},
}

// ownWay does everything.
var ownWay = way{ //nolint:gochecknoglobals // a constant table
	register: by(func(l *life) {
		l.done(l.owner.Do("POST", "/v1/users", nil, object{"email": l.email, "username": l.username, "password": l.password}), "register")
	}),
	rename: by(func(l *life) {
		l.named("First", "of Roster", "Name of Roster")
		l.do("PATCH", "/v1/users/me", object{"name": l.name, "firstName": l.first, "lastName": l.last})
	}),
	readdress: by(func(l *life) { l.email = "new-" + l.email; l.do("PATCH", "/v1/users/me", object{"email": l.email}) }),
	relock: by(func(l *life) {
		old := l.password
		l.password = "SecondPassword!"
		l.do("PUT", "/v1/users/me/password", object{"oldPassword": old, "password": l.password})
	}),
}

// named sets the names to be seen; what is empty stays as it was.
func (l *life) named(first, last, name string) {
	if first != "" {
		l.first, l.last = first, last
	}
	if name != "" {
		l.name = name
	}
}

// postbox takes what is mailed.
type postbox struct {
	mu   sync.Mutex
	last map[string]string // text by address
}

// Send keeps the message.
func (p *postbox) Send(_ context.Context, m mail.Message) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last[m.To] = m.Text
	return nil
}

var tokenLine = regexp.MustCompile(`(?m)^(?:Verification token|Token): (\S+)$`)

// proof is the token that came by mail.
func (l *life) proof() string {
	l.t.Helper()
	l.post.mu.Lock()
	defer l.post.mu.Unlock()
	found := tokenLine.FindStringSubmatch(l.post.last[l.email])
	require.NotNil(l.t, found, "%q", l.post.last)
	return found[1]
}

func registerByPM415(l *life) {
	l.named("Registered", "by PM415", "")
	l.done(l.Do("POST", "/api/account/register", nil, object{
		"email": l.email, "password": l.password, "confirmation": l.password, "firstName": l.first, "lastName": l.last,
		"tosAccepted": "Y", "organization": "Lives",
	}), "register")
	l.refuse(l.password, http.StatusForbidden, "registration that is not confirmed")
	l.done(l.Do("GET", "/api/account/verify?"+url.Values{"token": {l.proof()}}.Encode(), nil, nil), "verify")
}

func registerByRunWhen(l *life) {
	l.named("Registered", "by RunWhen", "")
	l.done(l.Do("POST", "/api/v3/users/register", nil, object{
		"email": l.email, "username": l.username, "password": l.password, "first_name": l.first, "last_name": l.last,
	}), "register")
	l.refuse(l.password, http.StatusForbidden, "registration that is not confirmed")
	l.done(l.Do("POST", "/api/v3/users/verify-email", nil, object{"token": l.proof()}), "verify")
}

// TestOneLifeInFiveDialects lives the same life through each dialect, and reads it in
// all the others, and in the own API, after each step.
func TestOneLifeInFiveDialects(t *testing.T) {
	t.Parallel()
	post := &postbox{last: map[string]string{}}
	s := apitest.New(t, apitest.WithMail(post), apitest.WithSettings(func(s *gate.Settings) { s.SignUp = true }))
	owner := s.FirstUser()
	for name, w := range ways {
		t.Run(name, func(t *testing.T) {
			l := &life{System: s, t: t, owner: owner, post: post, password: "SomeSecurePassword!"}
			l.username = "life-" + regexp.MustCompile(`\W`).ReplaceAllString(name, "")
			l.email = l.username + "@example.com"
			l.live(name, w)
		})
	}
}

func (l *life) live(name string, w way) {
	l.t.Helper()
	seen := func(what string) {
		l.t.Helper()
		l.check(what)
		l.checkByOthers(what)
	}
	what := "registration through " + w.register.through(name)
	w.register.or(ownWay.register).do(l)
	l.signIn(what)
	seen(what)

	what = "name through " + w.rename.through(name)
	w.rename.or(ownWay.rename).do(l)
	seen(what)

	what = "address through " + w.readdress.through(name)
	before := l.email
	w.readdress.or(ownWay.readdress).do(l)
	seen(what)
	l.signIn(what)
	gone := l.Do("POST", "/api/v3/token/", nil, object{"email": before, "password": l.password})
	require.Equal(l.t, http.StatusUnauthorized, gone.Status, "the address before, after %s", what)

	what = "password through " + w.relock.through(name)
	old := l.password
	w.relock.or(ownWay.relock).do(l)
	l.signedIn(l.token, w.keeps, what)
	l.refuse(old, http.StatusUnauthorized, what)
	l.signIn(what)
	seen(what)
}

// signedIn tries a token of before in every dialect.
func (l *life) signedIn(token string, good bool, step string) {
	l.t.Helper()
	want := map[bool]int{true: http.StatusOK, false: http.StatusUnauthorized}[good]
	for _, path := range ownPaths {
		a := l.Do("GET", path, map[string]string{"Authorization": "Bearer " + token}, nil)
		require.Equal(l.t, want, a.Status, "%s after %s: %s", path, step, a.Body)
	}
}

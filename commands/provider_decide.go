package commands

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/rosterhq/roster/events"
)

// signInWith is a checked SignInWith on the user that was found for it.
type signInWith struct {
	loginType  events.LoginType
	identity   events.Identity
	email      string // "" when the provider says none
	name       string
	avatar     string
	said       json.RawMessage // the claims
	tokens     ProviderTokens
	convert    bool // from a password, which was proved
	syncRoles  bool // roles are the user's from now on
	roles      []events.Role
	keyID      string
	secretHash []byte
	lifetime   time.Duration
	ip, agent  string
}

func (signInWith) actions(facts) []Action { return nil } // the provider's word is the right

func (c signInWith) claims(u User) []events.Claim {
	out := []events.Claim{identityClaim(c.identity)}
	if c.syncRoles {
		out = append(out, assignRoles{roles: c.roles}.claims(u)...)
	}
	if !c.renames(u) {
		return out
	}
	if u.Email != "" {
		out = append(out, emailClaim(u.Email))
	}
	return append(out, emailClaim(c.email))
}

func (c signInWith) linked(u User) bool { return slices.Contains(u.Identities, c.identity) }

// renames says whether the provider knows another e-mail address of the user.
func (c signInWith) renames(u User) bool { return c.email != "" && fold(c.email) != fold(u.Email) }

func decideSignInWith(u User, c signInWith, f facts) (decision, *Error) {
	if refused := c.admits(u); refused != nil {
		return decision{}, refused
	}
	var d decision
	if err := c.link(u, f, &d); err != nil {
		return decision{}, err
	}
	if u.LoginType != c.loginType {
		d.events = append(d.events, &events.UserLoginTypeChanged{LoginType: c.loginType})
	}
	c.refresh(u, f, &d)
	if err := c.assign(u, f, &d); err != nil {
		return decision{}, err
	}
	d.events = append(d.events, providerAnswer(c.identity.Provider, c.said, c.tokens))
	d.events = append(d.events, closeOldest(u, f.now)...)
	d.events = append(d.events, &events.UserSessionOpened{
		Sealed: events.Seal(events.UserKeyPrivate{SecretHash: c.secretHash, IP: c.ip, UserAgent: c.agent}),
		KeyID:  c.keyID, LoginType: c.loginType, Epoch: u.Epoch, ExpiresAt: f.now.Add(c.lifetime),
		Activated: u.Status == events.StatusDormant,
	})
	d.key.ID = c.keyID
	return d, nil
}

// admits says why a user can not come in by a provider, or nil.
func (c signInWith) admits(u User) *Error {
	converts := c.convert && u.LoginType == events.LoginPassword
	switch {
	case u.LoginType != c.loginType && !converts:
		return errLoginType(u)
	case !u.Confirmed:
		return unauthenticated("unconfirmed", "this account is not confirmed yet")
	case u.Status == events.StatusSuspended:
		return unauthenticated("suspended", "this account is suspended")
	}
	return nil
}

// link ties the user to the account at the provider. An address that now belongs
// to another account of the same issuer is not proof enough: addresses are given
// to new people.
func (c signInWith) link(u User, f facts, d *decision) *Error {
	if c.linked(u) {
		return nil
	}
	if f.takenByOther(identityClaim(c.identity), u.ID) || !c.convert && c.renames(u) {
		return &Error{Code: Conflict, Reason: "race", Message: "this account was tied to another user meanwhile, try again"}
	}
	if slices.ContainsFunc(u.Identities, c.rivals) {
		return &Error{Code: Forbidden, Reason: "identity", Message: "this user is tied to another account at the provider"}
	}
	if len(u.Identities) >= maxIdentities {
		return &Error{Code: Precondition, Reason: "too-many-identities", Message: "this user is tied to too many accounts"}
	}
	d.events = append(d.events, &events.UserIdentityLinked{Sealed: events.Seal(c.identity)})
	d.claims = append(d.claims, f.take(identityClaim(c.identity), u.ID))
	return nil
}

// rivals says whether an identity is of the same issuer.
func (c signInWith) rivals(other events.Identity) bool {
	return other.Provider == c.identity.Provider && issuer(other) == issuer(c.identity)
}

// issuer is the part of a subject before the first "|", which no issuer's URL
// holds; a provider with one issuer alone, as GitHub, has no such part.
func issuer(id events.Identity) string {
	before, _, ok := strings.Cut(id.Subject, "|")
	if !ok {
		return ""
	}
	return before
}

// refresh takes over what the provider says of the user.
func (c signInWith) refresh(u User, f facts, d *decision) {
	said := UpdateUser{}
	if c.name != "" {
		said.Name = &c.name
	}
	if c.avatar != "" {
		said.Avatar = &c.avatar
	}
	if p := changedProfile(u, said); p != nil {
		d.events = append(d.events, p)
	}
	if c.email == "" || c.email == u.Email || f.takenByOther(emailClaim(c.email), u.ID) {
		return
	}
	d.events = append(d.events, &events.UserEmailChanged{Sealed: events.Seal(events.UserEmailChangedPrivate{Email: c.email})})
	d.claims = append(d.claims, f.moveName(emailClaim(u.Email), emailClaim(c.email), u.ID)...)
}

package commands

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/rosterhq/roster/events"
)

// usernameTries bounds the search for a free variant of a taken username.
const usernameTries = 10

// errAnswered stops a registration that turned out to be a repeat.
var errAnswered = errors.New("answered as the first time")

// DefaultOrganization returns the id of the organization that exists from the
// first start on.
func (s *Service) DefaultOrganization() string { return s.defaultOrg }

// FirstUserExists says whether an installation has its first user.
func (s *Service) FirstUserExists(ctx context.Context) (bool, error) {
	if s.firstUser.Load() {
		return true, nil
	}
	held, err := s.log.Claim(ctx, firstUserClaim())
	if err != nil {
		return false, refusal(fmt.Errorf("look up first user: %w", err))
	}
	if held.Holder != "" {
		s.firstUser.Store(true) // the claim is never released
	}
	return held.Holder != "", nil
}

// RegisterFirst makes the first user of an installation, an active owner. Of
// concurrent calls exactly one succeeds; later ones get Conflict with reason
// "first-user-exists". It needs no rights: there is nobody yet to give them.
func (s *Service) RegisterFirst(ctx context.Context, r Request, c Register) (Result, error) {
	c.Roles = []events.Role{events.RoleOwner}
	c.Status, c.LoginType, c.Unconfirmed, c.Organizations = events.StatusActive, events.LoginPassword, false, nil
	return s.register(ctx, r, c, true)
}

// Register makes a user.
func (s *Service) Register(ctx context.Context, r Request, c Register) (Result, error) {
	return s.register(ctx, r, c, false)
}

func (s *Service) register(ctx context.Context, r Request, c Register, first bool) (Result, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	env := s.envelope(r)
	reg := registration{s: s, env: env, wanted: c}
	var refused *Error
	reg.command, refused = s.checkRegister(c)
	reg.command.first = first
	if env.keyed() {
		reg.command.commandID = env.commandID
	}
	if refused == nil {
		refused = authorizeRegister(r.Actor, reg.command)
	}
	if refused != nil {
		return Result{}, refused
	}
	if err := reg.prepare(ctx); err != nil {
		return reg.answer(Result{}, err)
	}
	res, err := s.run(ctx, r, env, reg.command.id, reg.build, attempt{load: unborn, assume: !s.doubt.some()})
	// After Unavailable the log may hold the registration all the same.
	if errors.Is(err, errAnswered) || err != nil && CodeOf(err) != "" && CodeOf(err) != Unavailable {
		s.numbers.giveBack(reg.command.number)
		s.ids.giveBack(reg.command.id)
	}
	return reg.answer(res, err)
}

func authorizeRegister(actor Actor, c registerUser) *Error {
	for _, action := range c.actions(facts{actor: actor}) {
		if !Allowed(actor, action, "") {
			return forbidden(action)
		}
	}
	if c.first {
		return nil
	}
	return grantable(actor, c.roles)
}

// registration is one call of Register.
type registration struct {
	s       *Service
	env     envelope
	wanted  Register
	command registerUser
	repeat  Result // the answer, when errAnswered came
}

func (g *registration) answer(res Result, err error) (Result, error) {
	if errors.Is(err, errAnswered) {
		return g.repeat, nil
	}
	return res, refusal(err)
}

// prepare does once what costs: it looks whether the registration can succeed at
// all, before a password is hashed and a number taken.
func (g *registration) prepare(ctx context.Context) error {
	if err := g.repeated(ctx); err != nil {
		return err
	}
	if g.command.first {
		exists, err := g.s.FirstUserExists(ctx)
		if err != nil {
			return err
		}
		if exists {
			return errFirstUserExists()
		}
	}
	if err := g.s.checkOrganizations(ctx, g.command.memberships); err != nil {
		return err
	}
	if g.wanted.SSHKey {
		pair, err := newSSHKey()
		if err != nil {
			return err
		}
		g.command.sshKey = &pair
	}
	if g.wanted.Password != "" {
		hash, err := g.s.passwords.hash(ctx, g.wanted.Password)
		if err != nil {
			return err
		}
		g.command.password = hash
	}
	number, err := g.s.numbers.take(ctx)
	if err != nil {
		return fmt.Errorf("take a number: %w", err)
	}
	if g.command.id, err = g.s.ids.take(ctx); err != nil {
		g.s.numbers.giveBack(number)
		return fmt.Errorf("take an id: %w", err)
	}
	g.command.number = number
	return nil
}

// build makes the command of one try.
func (g *registration) build(ctx context.Context) (userCommand, error) {
	if err := g.repeated(ctx); err != nil {
		return nil, err
	}
	if !g.wanted.NormaliseUsername {
		return g.command, nil
	}
	// A taken identity refuses the registration whatever the name: don't search.
	for _, id := range g.command.identities {
		held, err := g.s.log.Claim(ctx, identityClaim(id))
		if err != nil {
			return nil, fmt.Errorf("look up identity: %w", err)
		}
		if held.Holder != "" {
			g.command.username = g.s.names.normalise(g.wanted)
			return g.command, nil
		}
	}
	name, err := g.s.freeUsername(ctx, g.wanted)
	if err != nil {
		return nil, err
	}
	g.command.username = name
	return g.command, nil
}

// repeated finds the user that this very command made before.
func (g *registration) repeated(ctx context.Context) error {
	if !g.env.keyed() {
		return nil
	}
	held, err := g.s.log.Claim(ctx, commandClaim(g.env.commandID))
	if err != nil {
		return fmt.Errorf("look up command: %w", err)
	}
	g.command.forgotten = held.Holder
	if held.Holder == "" {
		return nil
	}
	kind, id := heldBy(held.Holder)
	if kind != events.User {
		return g.s.reusedFor(ctx, g.env, kind, id)
	}
	st, err := g.s.states.fresh(ctx, id)
	if err != nil {
		return err
	}
	res, ok, err := repeated(st.user, g.env)
	if err != nil || !ok {
		return err // not ok: older than a day, the key is free again
	}
	g.repeat = res
	return errAnswered
}

// freeUsername finds a valid username that nobody has: the one wanted, or a
// variant of it.
func (s *Service) freeUsername(ctx context.Context, c Register) (string, error) {
	base := s.names.normalise(c)
	candidate := base
	for range usernameTries + 1 {
		held, err := s.log.Claim(ctx, usernameClaim(candidate))
		if err != nil {
			return "", fmt.Errorf("look up username: %w", err)
		}
		if held.Holder == "" {
			return candidate, nil
		}
		candidate = s.names.variant(base)
	}
	return "", &Error{
		Code: Conflict, Reason: "username-exhausted",
		Message: fmt.Sprintf("exhausted alternatives for taken username %q", base),
		Fields:  []FieldError{{Field: "username", Rule: "taken", Detail: "this username is already in use"}},
	}
}

// checkRegister checks the form of a registration and fills in what is unset.
func (s *Service) checkRegister(c Register) (registerUser, *Error) {
	var p problems
	if !c.NormaliseUsername {
		p.username(c.Username)
	}
	p.email(c.Email)
	p.profile(UpdateUser{Name: &c.Name, FirstName: &c.FirstName, LastName: &c.LastName, Avatar: &c.Avatar, Language: &c.Language})
	out := registerUser{
		username: c.Username, email: c.Email, name: c.Name, firstName: c.FirstName, lastName: c.LastName,
		avatar: c.Avatar, language: c.Language, confirmed: !c.Unconfirmed, loginType: c.LoginType, status: c.Status,
	}
	s.checkLogin(c, &out, &p)
	out.roles = checkRoles(c.Roles, &p)
	out.memberships = s.checkMemberships(c.Organizations, &p)
	if c.Memberships != nil {
		out.memberships = c.Memberships
	}
	if len(c.Identities) > maxIdentities {
		p.add("identities", "too-long", fmt.Sprintf("must be at most %d", maxIdentities))
		return out, p.err()
	}
	for _, id := range c.Identities {
		p.identity("identities", id)
		if !slices.Contains(out.identities, id) {
			out.identities = append(out.identities, id)
		}
	}
	return out, p.err()
}

func (s *Service) checkLogin(c Register, out *registerUser, p *problems) {
	switch out.loginType {
	case "":
		out.loginType = events.LoginPassword
	case events.LoginPassword, events.LoginGitHub, events.LoginOIDC, events.LoginNone:
	default:
		p.add("loginType", "unknown", "there is no such login type")
	}
	switch out.status {
	case "":
		out.status = events.StatusActive
	case events.StatusActive, events.StatusDormant, events.StatusSuspended:
	default:
		p.add("status", "unknown", "must be one of: active, dormant, suspended")
	}
	if c.Password == "" {
		return
	}
	if out.loginType != events.LoginPassword {
		p.add("password", "format", "can not be set for this login type")
		return
	}
	s.checkPassword("password", c.Password, p)
}

func (s *Service) checkPassword(field, password string, p *problems) {
	before := len(p.fields)
	if p.password(field, password); len(p.fields) == before {
		p.strength(field, password, s.minEntropy, 0)
	}
}

func (s *Service) checkMemberships(ids []string, p *problems) []events.Membership {
	if len(ids) == 0 {
		return []events.Membership{{Organization: s.defaultOrg}}
	}
	if len(ids) > maxOrganizations {
		p.add("organizations", "too-long", fmt.Sprintf("must be at most %d", maxOrganizations))
		return nil
	}
	var out []events.Membership
	for _, id := range ids {
		canonical, ok := canonicalID(id)
		if !ok {
			p.add("organizations", "unknown", "there is no organization with the id "+printable(id))
			continue
		}
		if !slices.ContainsFunc(out, func(m events.Membership) bool { return m.Organization == canonical }) {
			out = append(out, events.Membership{Organization: canonical})
		}
	}
	return out
}

func (s *Service) checkOrganizations(ctx context.Context, memberships []events.Membership) error {
	var p problems
	for _, m := range memberships {
		exists, err := s.organizationExists(ctx, m.Organization)
		if err != nil {
			return err
		}
		if !exists {
			p.add("organizations", "unknown", "there is no organization with the id "+m.Organization)
		}
	}
	if err := p.err(); err != nil {
		err.Reason = "organization"
		return err
	}
	return nil
}

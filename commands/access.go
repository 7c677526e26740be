package commands

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/rosterhq/roster/events"
)

// MaxRefreshLifetime bounds how long a session lives after a refresh.
const MaxRefreshLifetime = 60 * 24 * time.Hour

// ConfirmUser says that a user proved to own the e-mail address; one who did
// already stays so.
func (s *Service) ConfirmUser(ctx context.Context, r Request, userID string) (Result, error) {
	return s.checked(ctx, r, userID, confirmUser{}, &problems{})
}

// RefreshSession prolongs a session for who shows its newest refresh token. Errors:
// Unauthenticated with reason "reused" when the token is an older one, which closed
// the session; "credentials" when there is no such session.
func (s *Service) RefreshSession(ctx context.Context, r Request, userID, keyID string, generation int64, lifetime time.Duration) (Result, error) {
	var p problems
	lifetime = p.lifetime(lifetime, s.lifetimes.session, MaxRefreshLifetime)
	if err := p.err(); err != nil {
		return Result{}, err
	}
	r.Actor, r.IdempotencyKey = Actor{}, "" // a token is good once
	id, ok := canonicalID(userID)
	if !ok {
		return Result{}, errCredentials()
	}
	res, err := s.execute(ctx, r, id, fixed(refreshSession{keyID: keyID, generation: generation, lifetime: lifetime}))
	if CodeOf(err) == NotFound {
		return Result{}, errCredentials()
	}
	if err == nil && res.Key.ID == "" {
		return res, unauthenticated("reused", "this refresh token was used before: the session is closed")
	}
	return res, err
}

// SetReadableKey gives a user a new API key that can be read again, in
// Result.User.ReadableKey: 64 hexadecimal digits. The one before is dead at once.
func (s *Service) SetReadableKey(ctx context.Context, r Request, userID string) (Result, error) {
	key := strings.ReplaceAll(uuid.NewString()+uuid.NewString(), "-", "")
	return s.checked(ctx, r, userID, setReadableKey{key: key}, &problems{})
}

// UserByReadableKey returns the live user to whom a readable key leads.
func (s *Service) UserByReadableKey(ctx context.Context, key string) (User, error) {
	if key == "" || len(key) > maxReadableKey {
		return User{}, errNoUser()
	}
	held, err := s.log.Claim(ctx, readableKeyClaim(key))
	if err != nil {
		return User{}, refusal(fmt.Errorf("look up readable key: %w", err))
	}
	if held.Holder == "" {
		return User{}, errNoUser()
	}
	st, err := s.states.fresh(ctx, held.Holder)
	if err != nil {
		return User{}, refusal(err)
	}
	if !st.user.exists() || st.user.ReadableKey != key {
		return User{}, errNoUser()
	}
	return st.user, nil
}

// maxReadableKey bounds keys that came from elsewhere; ours have 64 characters.
const maxReadableKey = 128

// SignUpOptions say where somebody belongs who registers without being asked to.
type SignUpOptions struct {
	// Organization is the name and the display name of a new organization, which the
	// new user administers.
	Organization *CreateOrganization
	// JoinPending is the id of an organization that invited the user, who is not
	// accepted there yet.
	JoinPending string
}

// SignUp registers a user at their own wish: not confirmed, without roles. It asks
// for no rights; whether it is offered is for the caller to say. What it makes of
// an organization it takes back when the user can not be registered.
//
// Strangers may choose the same idempotency key: it counts for the names that are
// registered. Who founds an organization is answered once: the names that are taken
// by then refuse a repeat.
func (s *Service) SignUp(ctx context.Context, r Request, c Register, o SignUpOptions) (Result, error) {
	r.Actor = Actor{UserID: SystemActor}
	if r.IdempotencyKey != "" {
		r.IdempotencyKey = strings.Join([]string{"sign-up", r.Dialect, fold(c.Username), fold(c.Email), r.IdempotencyKey}, "\x00")
	}
	c.Roles, c.Status, c.Unconfirmed = nil, events.StatusActive, true
	switch {
	case o.JoinPending != "":
		c.Memberships = []events.Membership{{Organization: o.JoinPending, Roles: []string{events.OrganizationInvitationPending}}}
	case o.Organization != nil:
		return s.signUpWithOrganization(ctx, r, c, *o.Organization)
	}
	return s.Register(ctx, r, c)
}

func (s *Service) signUpWithOrganization(ctx context.Context, r Request, c Register, wanted CreateOrganization) (Result, error) {
	r.IdempotencyKey, r.RequestHash = "", "" // one key can not stand for both commands
	made, err := s.CreateOrganization(ctx, r, wanted)
	if err != nil {
		return Result{}, err
	}
	c.Memberships = []events.Membership{{Organization: made.Organization.ID, Roles: []string{events.OrganizationAdmin}}}
	res, err := s.Register(ctx, r, c)
	if unused(false, err) {
		plain := Request{Actor: r.Actor, Dialect: r.Dialect, CorrelationID: r.CorrelationID, Reason: "the user could not be registered"}
		if _, undo := s.DeleteOrganization(ctx, plain, made.Organization.ID); undo != nil {
			return Result{}, fmt.Errorf("%w (its organization stays: %w)", err, undo)
		}
	}
	return res, err
}

// AddMemberWith takes a user into an organization with roles that are there from
// the start: those of an invitation, say. It asks for the right to change members
// and to grant each role.
func (s *Service) AddMemberWith(ctx context.Context, r Request, organizationID, userID string, roles ...string) (Result, error) {
	return s.onMember(ctx, r, onMember{organizationID, userID, nil}, &problems{}, func(id string, _ *otherAdmin) userCommand {
		return addMember{id, roles}
	})
}

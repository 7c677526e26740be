package commands

import (
	"context"

	"github.com/rosterhq/roster/events"
)

// renewTokens keeps tokens that a provider gave in exchange for older ones.
type renewTokens struct {
	provider string
	tokens   ProviderTokens
}

func (renewTokens) actions(facts) []Action     { return nil } // nobody but the provider hands them out
func (renewTokens) claims(User) []events.Claim { return nil }

func decideRenewTokens(u User, c renewTokens) (decision, *Error) {
	old, ok := u.Providers[c.provider]
	if !ok {
		return decision{}, &Error{Code: NotFound, Reason: "provider", Message: "this user never signed in by this provider"}
	}
	p := providerAnswer(c.provider, nil, c.tokens)
	if old.AccessToken == c.tokens.AccessToken && old.RefreshToken == c.tokens.RefreshToken && old.ExpiresAt.Equal(p.TokenExpiresAt) {
		return decision{}, nil
	}
	return decided(p)
}

// RenewProviderTokens keeps the tokens by which a provider can be asked about a
// user from now on. The claims of the last sign-in stay.
func (s *Service) RenewProviderTokens(ctx context.Context, r Request, userID, provider string, t ProviderTokens) (Result, error) {
	var p problems
	p.providerTokens(t)
	return s.checked(ctx, r, userID, renewTokens{provider: provider, tokens: t}, &p)
}

// ProvePassword says that the actor knows its own password, before something that
// a session alone must not do. Its refusals, and the work that they cost, are those
// of SignIn.
func (s *Service) ProvePassword(ctx context.Context, r Request, userID, password string) (User, error) {
	var p problems
	p.password("password", password)
	if err := p.err(); err != nil {
		return User{}, err
	}
	id, ok := canonicalID(userID)
	if !ok || r.Actor.UserID != id || !Allowed(r.Actor, SetUserPassword, id) {
		return User{}, forbidden(SetUserPassword)
	}
	st, err := s.states.fresh(ctx, id)
	if err != nil {
		return User{}, refusal(err)
	}
	right, _, err := s.passwords.compare(ctx, password, st.user.PasswordHash)
	if err != nil {
		return User{}, refusal(err)
	}
	if refused := st.user.admits(right, false); refused != nil {
		return User{}, refused
	}
	return st.user, nil
}

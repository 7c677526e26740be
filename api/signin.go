package api

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/signin"
)

// signInOf tells dialects by whom users may sign in.
func signInOf(p signin.Providers) gate.SignIn {
	s := gate.SignIn{GitHub: p.GitHub != nil, OIDC: p.OIDC != nil}
	if p.OIDC != nil {
		s.OIDCText, s.OIDCIcon = p.OIDC.SignInText(), p.OIDC.IconURL()
	}
	return s
}

// vouchers keep the sessions of a provider's people for as long as the provider's
// tokens can be renewed.
type vouchers struct{ sessions *signin.Sessions }

var _ gate.Providers = vouchers{}

func newVouchers(p signin.Providers, c *commands.Service, clock func() time.Time) (vouchers, error) {
	sessions, err := signin.NewSessions(p, tokens{c}, clock)
	if err != nil {
		return vouchers{}, fmt.Errorf("watch the sessions of providers: %w", err)
	}
	return vouchers{sessions}, nil
}

// Current implements gate.Providers.
func (v vouchers) Current(ctx context.Context, userID string, by events.LoginType) error {
	err := v.sessions.Current(ctx, userID, by)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, signin.ErrNoLink):
		return &gate.Error{Reason: gate.LinkGone, LoginType: by}
	case errors.Is(err, signin.ErrExpired):
		return &gate.Error{Reason: gate.RefreshFailed, LoginType: by, Err: err}
	default:
		return err
	}
}

// tokens keeps the providers' tokens in the log.
type tokens struct{ commands *commands.Service }

var _ signin.Keeper = tokens{}

// Tokens implements signin.Keeper.
func (t tokens) Tokens(ctx context.Context, userID string, by events.LoginType) (signin.Token, error) {
	u, err := t.commands.Find(ctx, commands.UserRef{ID: userID})
	if commands.CodeOf(err) == commands.NotFound {
		return signin.Token{}, signin.ErrNoLink
	}
	if err != nil {
		return signin.Token{}, fmt.Errorf("look for a provider's token: %w", err)
	}
	kept, ok := u.Providers[string(by)]
	if !ok {
		return signin.Token{}, signin.ErrNoLink
	}
	return signin.Token{Access: kept.AccessToken, Refresh: kept.RefreshToken, ExpiresAt: kept.ExpiresAt}, nil
}

// Keep implements signin.Keeper.
func (t tokens) Keep(ctx context.Context, userID string, by events.LoginType, token signin.Token) error {
	request := commands.Request{Actor: commands.Actor{UserID: commands.SystemActor}, Reason: "the token of the provider was renewed"}
	_, err := t.commands.RenewProviderTokens(ctx, request, userID, string(by), commands.ProviderTokens{
		AccessToken: token.Access, RefreshToken: token.Refresh, ExpiresAt: token.ExpiresAt,
	})
	if err != nil {
		return fmt.Errorf("keep a provider's token: %w", err)
	}
	return nil
}

package commands

import (
	"context"
	"errors"
)

// SignInWith opens a session for who a provider of identities vouches for.
func (s *Service) SignInWith(_ context.Context, _ Request, _ SignInWith) (Result, error) {
	return Result{}, errors.ErrUnsupported
}

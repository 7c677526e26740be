package query

import (
	"context"
	"encoding/json"
	"time"
)

// SSHKey is the public half of a user's SSH key.
type SSHKey struct {
	PublicKey string
	CreatedAt time.Time // of the user's first pair
	UpdatedAt time.Time
}

// SSHKey returns a user's SSH key; ErrNotFound when there is none.
func (q *Queries) SSHKey(ctx context.Context, userID string) (SSHKey, error) {
	return SSHKey{}, ErrUnavailable
}

// Parameter is the value that a user chose last for a parameter of a template.
type Parameter struct {
	Name  string
	Value string
}

// Parameters returns what a user chose for a template's parameters, by name.
func (q *Queries) Parameters(ctx context.Context, userID, templateID string) ([]Parameter, error) {
	return nil, ErrUnavailable
}

// ProviderClaims returns what the OpenID Connect provider said of a user at the
// last sign-in, a JSON object; ErrNotFound when nothing is kept.
func (q *Queries) ProviderClaims(ctx context.Context, userID string) (json.RawMessage, error) {
	return nil, ErrUnavailable
}

package query

import (
	"context"
	"encoding/json"
	"time"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query/internal/rows"
)

// SSHKey is the public half of a user's SSH key.
type SSHKey struct {
	PublicKey string
	CreatedAt time.Time // of the user's first pair
	UpdatedAt time.Time
}

// SSHKey returns a user's SSH key; ErrNotFound when there is none.
func (q *Queries) SSHKey(ctx context.Context, userID string) (SSHKey, error) {
	id, err := parseID(userID)
	if err != nil {
		return SSHKey{}, failure(ctx, "read an SSH key", err)
	}
	if err := q.await(ctx, userID, q.users); err != nil {
		return SSHKey{}, err
	}
	r, err := q.rows.SSHKeyOfUser(ctx, id)
	if err != nil {
		return SSHKey{}, failure(ctx, "read an SSH key", err)
	}
	return SSHKey{PublicKey: r.PublicKey, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt}, nil
}

// Parameter is the value that a user chose last for a parameter of a template.
type Parameter struct {
	Name  string
	Value string
}

// Parameters returns what a user chose for a template's parameters, by name.
func (q *Queries) Parameters(ctx context.Context, userID, templateID string) ([]Parameter, error) {
	id, err := parseID(userID)
	if err != nil || !storable(templateID) {
		return nil, nil //nolint:nilerr // nobody chose nothing
	}
	if err := q.await(ctx, userID, q.users); err != nil {
		return nil, err
	}
	found, err := q.rows.ParametersOfUser(ctx, rows.ParametersOfUserParams{UserID: id, TemplateID: templateID})
	if err != nil {
		return nil, failure(ctx, "list parameters", err)
	}
	out := make([]Parameter, len(found))
	for i, r := range found {
		out[i] = Parameter(r)
	}
	return out, nil
}

// ProviderClaims returns what the OpenID Connect provider said of a user at the
// last sign-in, a JSON object; ErrNotFound when nothing is kept.
func (q *Queries) ProviderClaims(ctx context.Context, userID string) (json.RawMessage, error) {
	id, err := parseID(userID)
	if err != nil {
		return nil, failure(ctx, "read a provider's claims", err)
	}
	if err := q.await(ctx, userID, q.users); err != nil {
		return nil, err
	}
	claims, err := q.rows.ProviderClaims(ctx, rows.ProviderClaimsParams{UserID: id, Provider: string(events.LoginOIDC)})
	if err != nil {
		return nil, failure(ctx, "read a provider's claims", err)
	}
	return json.RawMessage(claims), nil
}

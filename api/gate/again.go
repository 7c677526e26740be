package gate

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"

	"github.com/rosterhq/roster/query"
)

// Pass is what is kept of a credential to check it again later: not its secret.
type Pass struct {
	id  string
	sum [sha256.Size]byte
}

// PassOf returns the pass of a request that Identify has let in.
func PassOf(r *http.Request, forms Forms) (Pass, error) {
	token, _ := forms.Find(r)
	id, secret, err := ParseToken(token)
	if err != nil {
		return Pass{}, err
	}
	return Pass{id: id, sum: sha256.Sum256([]byte(secret))}, nil
}

// Again finds the caller anew, without counting it as a request. Errors are *Error.
func (g *Gate) Again(ctx context.Context, p Pass) (Caller, error) {
	found, err := g.reads.Credential(ctx, p.id)
	switch {
	case errors.Is(err, query.ErrNotFound):
		return Caller{}, &Error{Reason: UnknownKey}
	case err != nil:
		return Caller{}, &Error{Reason: Unavailable, Err: err}
	case subtle.ConstantTimeCompare(p.sum[:], found.SecretHash) != 1:
		return Caller{}, &Error{Reason: WrongSecret}
	}
	if _, err := g.uses.apply(ctx, &found.Key); err != nil {
		return Caller{}, &Error{Reason: Unavailable, Err: err}
	}
	if err := g.alive(found); err != nil {
		return Caller{}, err
	}
	return callerOf(found, false), nil
}

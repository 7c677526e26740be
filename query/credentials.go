package query

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rosterhq/roster/events"
)

// Key is a session or API key, without its secret.
type Key struct {
	ID        string
	UserID    string
	Username  string // in the lists that say so
	LoginType events.LoginType
	Name      string
	Scopes    []string
	AllowList []events.Resource // empty: everything
	Lifetime  time.Duration     // what each use gives again
	IP        string            // from where it was made
	CreatedAt time.Time
	UpdatedAt time.Time
	// ExpiresAt is what the log says in a Credential; elsewhere uses have prolonged it.
	ExpiresAt  time.Time
	LastUsedAt time.Time // zero: never; not in a Credential
	Generation int64     // of a session that was refreshed; 0 for one that never was
}

// Credential is what a credential check needs.
type Credential struct {
	Key
	SecretHash []byte
	Epoch      int64 // of the key
	Account    Account
}

// Account is the state of the account behind a credential.
type Account struct {
	Status    events.Status
	Confirmed bool
	Epoch     int64
	Roles     []events.Role
	// Memberships are the places in live organizations, with the roles there.
	Memberships []events.Membership
}

// Credential returns a key or session by its id. An unknown id waits for the
// newest known change of credentials before it is ErrNotFound; if the read model can not
// get there in time, the answer is ErrUnavailable. A known one is read again when
// the model is behind its user's newest change; if that change was of credentials
// (NoteCredentials), or happened before this process began, and the model can not get
// there in time, the answer is ErrUnavailable too, since the row may be a revoked one.
func (q *Queries) Credential(ctx context.Context, keyID string) (Credential, error) {
	if !storable(keyID) {
		return Credential{}, failure(ctx, "read a credential", errNoRow)
	}
	if q.trusted(ctx) {
		if c, ok := q.memory.credential(keyID); ok {
			return c, nil
		}
	}
	ctx = sharedWait(ctx)
	if err := q.await(ctx, nobody, q.credentials); err != nil {
		return Credential{}, err
	}
	seen := q.credentials.reached.Load() // before the read: the row is at least as new
	if seen < q.organizations.Load() {
		return Credential{}, fmt.Errorf("read a credential: %w: an organization may be gone since", ErrUnavailable)
	}
	c, err := q.credential(ctx, keyID)
	whom := c.UserID
	switch {
	case errors.Is(err, ErrNotFound):
		whom = anyCredential
	case err != nil:
		return Credential{}, err
	}
	need := q.notes.need(whom, q.credentials.stream, seen)
	if need <= seen {
		return c, err
	}
	if err := q.await(ctx, whom, q.credentials); err != nil {
		return Credential{}, err
	}
	reached := q.credentials.reached.Load()
	if reached < need && (whom == anyCredential || reached < q.notes.credentials(whom)) {
		return Credential{}, fmt.Errorf("read a credential: %w: it may have changed since", ErrUnavailable)
	}
	return q.credential(ctx, keyID)
}

func (q *Queries) credential(ctx context.Context, keyID string) (Credential, error) {
	at := q.credentials.reached.Load()
	r, err := q.rows.CredentialByKey(ctx, keyID)
	if errors.Is(err, pgx.ErrNoRows) {
		q.memory.dropKey(keyID)
	}
	if err != nil {
		return Credential{}, failure(ctx, "read a credential", err)
	}
	c := Credential{
		Key: Key{
			ID: r.ID, UserID: r.UserID.String(), LoginType: events.LoginType(r.LoginType), Name: r.Name, Scopes: r.Scopes,
			Lifetime: time.Duration(r.Lifetime) * time.Second, IP: r.Ip, Generation: r.Generation,
			CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt, ExpiresAt: r.ExpiresAt,
		},
		SecretHash: r.SecretHash,
		Epoch:      r.Epoch,
		Account: Account{
			Status: events.Status(r.Status), Confirmed: r.Confirmed, Epoch: r.AccountEpoch, Roles: rolesOf(r.Roles),
		},
	}
	if err := json.Unmarshal(r.AllowList, &c.AllowList); err != nil {
		return Credential{}, fmt.Errorf("read the allow list of key %s: %w", keyID, err)
	}
	if err := json.Unmarshal(r.Memberships, &c.Account.Memberships); err != nil {
		return Credential{}, fmt.Errorf("read the memberships of user %s: %w", c.UserID, err)
	}
	q.memory.keepCredential(c, at)
	return c, nil
}

// changesCredentials says whether a credential check may end otherwise after an
// event of this type. Types of a newer release count as such.
func changesCredentials(t events.Type) bool {
	name, _, _ := strings.Cut(strings.TrimPrefix(string(t), "roster.user."), ".")
	switch name {
	case "profile-updated", "username-changed", "email-changed", "preferences-updated", "password-rehashed",
		"identity-linked", "provider-answered", "passcode-requested", "ssh-key-generated", "parameter-recorded":
		return false
	default:
		return true
	}
}

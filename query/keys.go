package query

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query/internal/rows"
)

// Keys lists a user's sessions and keys, newest first, ended ones too.
func (q *Queries) Keys(ctx context.Context, userID string) ([]Key, error) {
	id, err := parseID(userID)
	if err != nil {
		return nil, nil //nolint:nilerr // nobody has none
	}
	if err := q.await(ctx, userID, q.credentials); err != nil {
		return nil, err
	}
	found, err := q.rows.KeysOfUser(ctx, id)
	if err != nil {
		return nil, failure(ctx, "list keys", err)
	}
	keys := make([]Key, len(found))
	for i, r := range found {
		if keys[i], err = q.keyOf(rows.KeyByIDRow(r)); err != nil {
			return nil, err
		}
	}
	return keys, nil
}

// Key returns a session or key by its id, ended ones too.
func (q *Queries) Key(ctx context.Context, keyID string) (Key, error) {
	if !storable(keyID) {
		return Key{}, failure(ctx, "read a key", errNoRow)
	}
	if err := q.await(ctx, anyCredential, q.credentials); err != nil {
		return Key{}, err
	}
	r, err := q.rows.KeyByID(ctx, keyID)
	if err != nil {
		return Key{}, failure(ctx, "read a key", err)
	}
	return q.keyOf(r)
}

// KeyByName returns a user's API key by its exact name, ended ones too; of several,
// the newest.
func (q *Queries) KeyByName(ctx context.Context, userID, name string) (Key, error) {
	id, err := parseID(userID)
	if err != nil || name == "" || !storable(name) {
		return Key{}, failure(ctx, "read a key by its name", errNoRow)
	}
	if err := q.await(ctx, userID, q.credentials); err != nil {
		return Key{}, err
	}
	r, err := q.rows.KeyByName(ctx, rows.KeyByNameParams{UserID: id, Name: name})
	if err != nil {
		return Key{}, failure(ctx, "read a key by its name", err)
	}
	return q.keyOf(rows.KeyByIDRow(r))
}

// TokenFilter selects API keys.
type TokenFilter struct {
	UserIDs        []string // whose; nil for everybody's
	IncludeExpired bool
	Now            time.Time // where expired ones are left out
}

// Tokens lists API keys with their users' names, oldest first.
func (q *Queries) Tokens(ctx context.Context, f TokenFilter) ([]Key, error) {
	ctx = sharedWait(ctx)
	for _, m := range []*model{q.credentials, q.users} {
		if err := q.awaitAll(ctx, f.UserIDs, m); err != nil {
			return nil, err
		}
	}
	found, err := q.tokens(ctx, f.UserIDs)
	if err != nil {
		return nil, failure(ctx, "list tokens", err)
	}
	keys := make([]Key, 0, len(found))
	for _, r := range found {
		k, err := q.keyOf(rows.KeyByIDRow{
			ID: r.ID, UserID: r.UserID, LoginType: r.LoginType, Name: r.Name, Scopes: r.Scopes, AllowList: r.AllowList,
			Lifetime: r.Lifetime, Generation: r.Generation, Ip: r.Ip, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt,
			ExpiresAt: r.ExpiresAt, LastUsed: r.LastUsed, UsedUntil: r.UsedUntil,
		})
		if err != nil {
			return nil, err
		}
		k.Username = r.Username
		if f.IncludeExpired || k.ExpiresAt.After(f.Now) {
			keys = append(keys, k)
		}
	}
	return keys, nil
}

func (q *Queries) tokens(ctx context.Context, userIDs []string) ([]rows.TokensRow, error) {
	if userIDs == nil {
		return q.rows.Tokens(ctx)
	}
	found, err := q.rows.TokensOfUsers(ctx, idsOf(userIDs))
	out := make([]rows.TokensRow, len(found))
	for i, r := range found {
		out[i] = rows.TokensRow(r)
	}
	return out, err
}

// awaitAll waits for what concerns any of some users; nil is everybody.
func (q *Queries) awaitAll(ctx context.Context, userIDs []string, m *model) error {
	if userIDs == nil {
		return q.await(ctx, anybody, m)
	}
	for _, id := range userIDs {
		if err := q.await(ctx, id, m); err != nil {
			return err
		}
	}
	return nil
}

func (q *Queries) keyOf(r rows.KeyByIDRow) (Key, error) {
	k := Key{
		ID: r.ID, UserID: r.UserID.String(), LoginType: events.LoginType(r.LoginType), Name: r.Name, Scopes: r.Scopes,
		Lifetime: time.Duration(r.Lifetime) * time.Second, IP: r.Ip, Generation: r.Generation,
		CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt, ExpiresAt: r.ExpiresAt,
	}
	if err := json.Unmarshal(r.AllowList, &k.AllowList); err != nil {
		return Key{}, fmt.Errorf("read the allow list of key %s: %w", k.ID, err)
	}
	last := q.uses.of(k.ID, events.Usage{LastUsed: moment(r.LastUsed), ExpiresAt: moment(r.UsedUntil)})
	k.LastUsedAt = last.LastUsed
	k.ExpiresAt = prolonged(k, last)
	return k, nil
}

// prolonged is when a key ends by its last use. Uses of an earlier secret gave this
// one nothing, and no use brings back a key that somebody ended.
func prolonged(k Key, last events.Usage) time.Time {
	endedByHand := !k.ExpiresAt.After(k.UpdatedAt)
	if endedByHand || last.LastUsed.Before(k.UpdatedAt) {
		return k.ExpiresAt
	}
	return later(k.ExpiresAt, last.ExpiresAt)
}

package credentials

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/projections/runtime"
)

const (
	// Many sign in, or move in with their keys, at once, so this one takes a set;
	// scopes are joined by commas.
	keySQL = `insert into keys (id, user_id, login_type, name, scopes, allow_list, lifetime, secret_hash, epoch, ip, user_agent,
			created_at, updated_at, expires_at)
		select id, user_id, login_type, name, string_to_array(scopes, ','), allow_list::jsonb, lifetime, secret_hash, epoch, ip,
			user_agent, created_at, created_at, expires_at
		from unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::bytea[], $9::bigint[],
			$10::text[], $11::text[], $12::timestamptz[], $13::timestamptz[])
			as k (id, user_id, login_type, name, scopes, allow_list, lifetime, secret_hash, epoch, ip, user_agent, created_at, expires_at)
		on conflict (id) do nothing`
	regenerateSQL = `update keys set secret_hash = $3, epoch = $4, updated_at = $5, expires_at = $6, lifetime = $7
		where id = $1 and user_id = $2`
	refreshSQL = `update keys set generation = $3, expires_at = $4, lifetime = $6, updated_at = $5
		where id = $1 and user_id = $2 and generation < $3`
	expireSQL = `update keys set expires_at = $3, updated_at = $4 where id = $1 and user_id = $2`
	deleteSQL = `delete from keys where id = $1 and user_id = $2`
	sweepSQL  = `delete from keys where id = any($1::text[]) and user_id = $2`
)

// allScopes is what a session may do.
const allScopes = "all"

func sessionOpened(_ context.Context, q runtime.Queue, m runtime.Event, e *events.UserSessionOpened) error {
	if e.Activated {
		q.Queue(statusSQL, m.Aggregate.ID, position(m), string(events.StatusActive))
	}
	runtime.Row(q, keySQL, e.KeyID, m.Aggregate.ID, string(e.LoginType), e.Private.Name, allScopes, "[]", lifetime(m, e.ExpiresAt),
		secret(e.Private), e.Epoch, e.Private.IP, e.Private.UserAgent, m.Time, e.ExpiresAt)
	return nil
}

// sessionRefreshed prolongs a session that lives; of two refreshes the later stays.
func sessionRefreshed(_ context.Context, q runtime.Queue, m runtime.Event, e *events.UserSessionRefreshed) error {
	q.Queue(refreshSQL, e.KeyID, m.Aggregate.ID, e.Generation, e.ExpiresAt, m.Time, lifetime(m, e.ExpiresAt))
	return nil
}

func sessionClosed(_ context.Context, q runtime.Queue, m runtime.Event, e *events.UserSessionClosed) error {
	q.Queue(deleteSQL, e.KeyID, m.Aggregate.ID)
	return nil
}

func keyCreated(_ context.Context, q runtime.Queue, m runtime.Event, e *events.UserKeyCreated) error {
	allowed, err := list(e.AllowList)
	if err != nil {
		return fmt.Errorf("allow list: %w", err)
	}
	gives := e.Lifetime
	if gives <= 0 {
		gives = lifetime(m, e.ExpiresAt)
	}
	runtime.Row(q, keySQL, e.KeyID, m.Aggregate.ID, string(e.LoginType), e.Private.Name, strings.Join(e.Scopes, ","), allowed, gives,
		secret(e.Private), e.Epoch, e.Private.IP, e.Private.UserAgent, m.Time, e.ExpiresAt)
	return nil
}

func keyRegenerated(_ context.Context, q runtime.Queue, m runtime.Event, e *events.UserKeyRegenerated) error {
	q.Queue(regenerateSQL, e.KeyID, m.Aggregate.ID, secret(e.Private), e.Epoch, m.Time, e.ExpiresAt, lifetime(m, e.ExpiresAt))
	return nil
}

func keyExpired(_ context.Context, q runtime.Queue, m runtime.Event, e *events.UserKeyExpired) error {
	q.Queue(expireSQL, e.KeyID, m.Aggregate.ID, e.ExpiresAt, m.Time)
	return nil
}

func keyDeleted(_ context.Context, q runtime.Queue, m runtime.Event, e *events.UserKeyDeleted) error {
	q.Queue(deleteSQL, e.KeyID, m.Aggregate.ID)
	return nil
}

func swept(_ context.Context, q runtime.Queue, m runtime.Event, e *events.UserCredentialsSwept) error {
	q.Queue(sweepSQL, e.KeyIDs, m.Aggregate.ID)
	return nil
}

// lifetime is what a key was given, in seconds, where the event does not say so.
func lifetime(m runtime.Event, expires time.Time) int64 {
	return int64(expires.Sub(m.Time) / time.Second)
}

// secret returns the hash to compare with: empty for an erased person, which
// equals no hash.
func secret(p events.UserKeyPrivate) []byte {
	if p.SecretHash == nil {
		return []byte{}
	}
	return p.SecretHash
}

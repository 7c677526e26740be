package users

import (
	"context"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/projections/runtime"
)

const (
	sshKeySQL = `insert into ssh_keys as k (user_id, public_key, created_at, updated_at, position) values ($1, $2, $3, $3, $4)
		on conflict (user_id) do update set public_key = excluded.public_key, updated_at = excluded.updated_at,
			position = excluded.position
		where k.position < excluded.position`
	parameterSQL = `insert into parameters as p (user_id, template_id, name, value, position) values ($1, $2, $3, $4, $5)
		on conflict (user_id, template_id, name) do update set value = excluded.value, position = excluded.position
		where p.position < excluded.position`
	claimsSQL = `insert into provider_claims as c (user_id, provider, claims, position) values ($1, $2, $3, $4)
		on conflict (user_id, provider) do update set claims = excluded.claims, position = excluded.position
		where c.position < excluded.position`

	dropSSHKeySQL     = `delete from ssh_keys where user_id = $1 and position < $2`
	dropParametersSQL = `delete from parameters where user_id = $1 and position < $2`
	dropClaimsSQL     = `delete from provider_claims where user_id = $1 and position < $2`
)

func sshKeyGenerated(_ context.Context, q runtime.Queue, m runtime.Event, e *events.UserSSHKeyGenerated) error {
	q.Queue(sshKeySQL, m.Aggregate.ID, e.Private.PublicKey, m.Time, position(m))
	return nil
}

func parameterRecorded(_ context.Context, q runtime.Queue, m runtime.Event, e *events.UserParameterRecorded) error {
	q.Queue(parameterSQL, m.Aggregate.ID, e.TemplateID, e.Name, e.Private.Value, position(m))
	return nil
}

// providerAnswered keeps claims. Without any, a token was renewed, or the person
// is erased; what the provider said before stands.
func providerAnswered(_ context.Context, q runtime.Queue, m runtime.Event, e *events.UserProviderAnswered) error {
	if len(e.Private.Claims) > 0 {
		q.Queue(claimsSQL, m.Aggregate.ID, e.Provider, string(e.Private.Claims), position(m))
	}
	return nil
}

// dropPossessions ends what goes with an account.
func dropPossessions(q runtime.Queue, m runtime.Event) {
	for _, sql := range []string{dropSSHKeySQL, dropParametersSQL, dropClaimsSQL} {
		q.Queue(sql, m.Aggregate.ID, position(m))
	}
}

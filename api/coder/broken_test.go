package coder_test

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/rosterhq/roster/api/apitest"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
)

// fullDisk is a log that takes nothing more from a moment on.
type fullDisk struct {
	commands.Log
	why atomic.Pointer[error]
}

func (l *fullDisk) Append(ctx context.Context, c events.Commit) (uint64, error) {
	if why := l.why.Load(); why != nil {
		return 0, *why
	}
	return l.Log.Append(ctx, c)
}

func (l *fullDisk) fail(why error) { l.why.Store(&why) }

func internalError(text string) object {
	return object{"message": text, "detail": "The log or the database can not be reached. Please try again."}
}

// What clients read when the log fails, and that operators read why.
func TestTheLogFails(t *testing.T) {
	t.Parallel()
	const secret = "no space left on /var/lib/nats"
	disk := &fullDisk{}
	seen, logs := observer.New(zap.ErrorLevel)
	s := apitest.New(t, apitest.WithLogger(zap.New(seen)), apitest.WithLog(func(l commands.Log) commands.Log {
		disk.Log = l
		return disk
	}))
	w := world{System: s, t: t, owner: s.FirstUser()}
	w.ada = w.owner.NewUser("ada")
	w.make("grace", object{"user_status": "suspended"})
	w.check([]line{ // the first uses write
		{"the owner is known", w.owner, "GET", path("me", ""), nil, 200, nil},
		{"ada is known", w.ada, "GET", path("me", ""), nil, 200, nil},
	})
	const suspended, active = `Internal error updating user's status to "suspended".`, `Internal error updating user's status to "active".`
	for _, why := range []error{events.ErrUnavailable, errors.New(secret)} {
		disk.fail(errors.Join(why, errors.New(secret)))
		w.check([]line{
			{"3.2 #15 storage failure", w.owner, "POST", users, wanted("mary", nil), 500, internalError("Internal error creating user.")},
			{"3.2 #9 comes before it", w.owner, "POST", users, wanted("ada", nil), 409, says("User already exists.")},
			{"3.2 #14 comes before it", w.ada, "POST", users, wanted("mary", nil), 403, says("You are not authorized to create users.")},
			{"3.17 storage failure", w.ada, "PUT", path("me", "/gitsshkey"), nil, 500, internalError("Internal error fetching user's SSH key.")},
			{"3.18 storage failure", w.ada, "POST", path("me", "/keys"), nil, 500, internalError("Failed to create API key.")},
			{"3.20 storage failure", w.ada, "POST", path("me", "/keys/tokens"), object{}, 500, internalError("Failed to create API key.")},
			{"3.31 storage failure: suspend", w.owner, "PUT", path("ada", "/status/suspend"), nil, 500, internalError(suspended)},
			{"3.31 storage failure: activate", w.owner, "PUT", path("grace", "/status/activate"), nil, 500, internalError(active)},
		})
	}
	require.NotZero(t, logs.Len())
	for _, e := range logs.FilterMessage("request failed").All() {
		require.Contains(t, e.ContextMap()["error"], secret, "operators learn why")
	}
}

// What clients read when a table can not be read.
func TestTheDatabaseFails(t *testing.T) {
	t.Parallel()
	s, p := oidcSystem(t, nil)
	p.SignsIn(claimsOf("1", "ada"), nil)
	w := world{System: s, t: t, owner: newBrowser(t, s).enters(oidcCallback)}
	w.check([]line{
		{"3.16 before", w.owner, "GET", path("me", "/gitsshkey"), nil, 200, nil},
		{"3.10 before", w.owner, "GET", users + "/oidc-claims", nil, 200, nil},
	})
	db, err := pgx.Connect(t.Context(), s.DSN)
	require.NoError(t, err)
	for _, table := range []string{"ssh_keys", "provider_claims"} {
		var schema string
		require.NoError(t, db.QueryRow(t.Context(), "SELECT schemaname FROM pg_tables WHERE tablename = $1", table).Scan(&schema))
		_, err = db.Exec(t.Context(), "ALTER TABLE "+pgx.Identifier{schema, table}.Sanitize()+" RENAME TO gone_"+table)
		require.NoError(t, err)
	}
	require.NoError(t, db.Close(t.Context()))
	w.check([]line{
		{"3.16 storage failure", w.owner, "GET", path("me", "/gitsshkey"), nil, http.StatusInternalServerError, internalError("Internal error fetching user's SSH key.")},
		{"3.10 storage failure", w.owner, "GET", users + "/oidc-claims", nil, http.StatusInternalServerError, internalError("Failed to get user link.")},
	})
}

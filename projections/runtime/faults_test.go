package runtime

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/events"
)

func TestCircumstancesAreNoPoison(t *testing.T) {
	t.Parallel()
	pg := func(code string) error { return fmt.Errorf("commit: %w", &pgconn.PgError{Code: code}) }
	for name, c := range map[string]struct {
		err  error
		want bool
	}{
		"shutdown":             {context.Canceled, true},
		"time-out":             {context.DeadlineExceeded, true},
		"fence":                {errFenced, true},
		"log unavailable":      {fmt.Errorf("key: %w", events.ErrUnavailable), true},
		"network":              {&net.OpError{Op: "read", Err: errors.New("reset")}, true},
		"server shuts down":    {pg("57P01"), true},
		"serialization":        {pg("40001"), true},
		"deadlock":             {pg("40P01"), true},
		"disk full":            {pg("53100"), true},
		"connection failure":   {pg("08006"), true},
		"read only":            {pg("25006"), true},
		"no such table":        {pg("42P01"), true},
		"no responders":        {nats.ErrNoResponders, true},
		"stream leader lost":   {&jetstream.APIError{Code: 503}, true},
		"not null":             {pg("23502"), false},
		"bad text":             {pg("22P02"), false},
		"NUL in text":          {pg("22021"), false},
		"undefined column":     {pg("42703"), false},
		"malformed":            {events.ErrMalformed, false},
		"handler":              {errors.New("no"), false},
		"refused by JetStream": {&jetstream.APIError{Code: 400}, false},
	} {
		require.Equal(t, c.want, transient(c.err), name)
	}
}

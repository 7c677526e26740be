package runtime

import (
	"context"
	"errors"
	"io"
	"net"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/rosterhq/roster/events"
)

// transient says whether a failure is the circumstances' and not the event's: a
// shutdown, a lost connection, a race, a full disk. Such a failure is tried again
// for ever and parks nothing.
func transient(err error) bool {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, errFenced) ||
		errors.Is(err, events.ErrUnavailable) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, net.ErrClosed) || pgconn.Timeout(err) {
		return true
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return transientCode(pg.Code)
	}
	var network net.Error
	if errors.As(err, &network) {
		return true
	}
	return natsTrouble(err)
}

// transientCode tells the SQLSTATEs that blame the server, its operator or the
// schema as a whole from those that blame a statement.
func transientCode(code string) bool {
	switch code {
	case "25006", // read only: a failover under way
		"25P03", "25P04", // time-outs of the session
		"26000",                   // prepared statement is gone
		"0A000",                   // cached plan must not change result type: a migration under way
		"3F000", "42P01", "42501", // no schema, no table, no right: of no event's making
		"55P03": // lock not available
		return true
	}
	if len(code) < 2 {
		return false
	}
	switch code[:2] {
	case "08", // connection
		"40", // serialization, deadlock
		"53", // out of disk, of memory, of connections
		"57", // operator: shutdown, cancelled
		"58", // system error
		"XX": // internal error
		return true
	}
	return false
}

func natsTrouble(err error) bool {
	var api *jetstream.APIError
	if errors.As(err, &api) {
		return api.Code >= 500 || api.Code == 429
	}
	for _, known := range []error{
		nats.ErrTimeout, nats.ErrNoResponders, nats.ErrConnectionClosed, nats.ErrConnectionDraining,
		nats.ErrConnectionReconnecting, nats.ErrDisconnected, nats.ErrNoServers, nats.ErrReconnectBufExceeded,
		jetstream.ErrNoStreamResponse, jetstream.ErrJetStreamNotEnabled,
	} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}

package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"

	"github.com/rosterhq/roster/eventlog"
	"github.com/rosterhq/roster/internal/config"
	"github.com/rosterhq/roster/internal/natsserver"
)

// openLog opens the event log on a broker.
func openLog(ctx context.Context, p *parts, c config.Shared, nc *nats.Conn, key []byte) (*eventlog.Log, error) {
	o := eventlog.Options{Prefix: c.NATSPrefix, Replicas: c.NATSReplicas, MasterKey: key, Logger: p.log.Named("eventlog")}
	if c.NATSURL == "" {
		o.BatchMessages = natsserver.BatchMessages
	}
	log, err := eventlog.Open(ctx, nc, o)
	switch {
	case errors.Is(err, eventlog.ErrWrongMasterKey):
		return nil, fmt.Errorf("%w: the log was begun with another one. Give that one in ROSTER_MASTER_KEY, or put master.key back into the data directory", err)
	case err != nil:
		return nil, fmt.Errorf("%w (a server of your own needs JetStream enabled, version 2.12 or newer)", err)
	}
	p.add("event log", log.Close)
	return log, nil
}

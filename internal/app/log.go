package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/rosterhq/roster/eventlog"
	"github.com/rosterhq/roster/internal/config"
	"github.com/rosterhq/roster/internal/natsserver"
)

// lazySync is twice the time within which the embedded NATS writes what it
// acknowledged to disk, where it does not do so at once.
const lazySync = 2 * time.Second

// openLog opens the event log on a broker, which has what it acknowledged on disk
// after syncWithin.
func openLog(ctx context.Context, p *parts, c config.Shared, nc *nats.Conn, keys masterKeys, syncWithin time.Duration) (*eventlog.Log, error) {
	o := logOptions(p, c, keys)
	o.SyncWithin = syncWithin
	if c.NATSURL == "" {
		o.BatchMessages = natsserver.BatchMessages
	}
	return openLogWith(ctx, p, nc, o)
}

// followLog opens the event log where another process makes its streams: whoever only
// builds read models needs no right to.
func followLog(ctx context.Context, p *parts, c config.Shared, nc *nats.Conn, keys masterKeys) (*eventlog.Log, error) {
	o := logOptions(p, c, keys)
	o.MadeElsewhere = true
	return openLogWith(ctx, p, nc, o)
}

func logOptions(p *parts, c config.Shared, keys masterKeys) eventlog.Options {
	return eventlog.Options{
		Prefix: c.NATSPrefix, Replicas: c.NATSReplicas, MasterKey: keys.current, MoreMasterKeys: keys.more,
		Logger: p.log.Named("eventlog"),
	}
}

func openLogWith(ctx context.Context, p *parts, nc *nats.Conn, o eventlog.Options) (*eventlog.Log, error) {
	log, err := eventlog.Open(ctx, nc, o)
	switch {
	case errors.Is(err, eventlog.ErrWrongMasterKey):
		return nil, fmt.Errorf("%w: nothing was changed. Give the master key of this log in ROSTER_MASTER_KEY, or put its master.key back into the data directory; where it was changed, the newest one. Without it nobody can read what is personal in the log: that is what it is for", err)
	case err != nil:
		return nil, fmt.Errorf("%w (a server of your own needs JetStream enabled, version 2.12 or newer)", err)
	}
	p.add("event log", log.Close)
	return log, nil
}

package app

import (
	"context"
	"errors"

	"go.uber.org/zap"

	"github.com/rosterhq/roster/archive"
	"github.com/rosterhq/roster/eventlog"
	"github.com/rosterhq/roster/internal/config"
)

// Stopped is the log of an installation whose server is stopped: nothing is added to
// it while it is open. Close it.
type Stopped struct {
	archive.Local
	parts *parts
}

// OpenStopped opens the log of an installation whose settings are those of its server.
// A data directory that a server runs on is refused.
func OpenStopped(ctx context.Context, settings config.API, logger *zap.Logger) (*Stopped, error) {
	p := &parts{log: logger}
	log, err := openStopped(ctx, p, settings)
	if err != nil {
		return nil, p.abandon(ctx, err)
	}
	return &Stopped{archive.Local{Copies: log}, p}, nil
}

// Close closes it.
func (s *Stopped) Close(ctx context.Context) error { return s.parts.abandon(ctx, nil) }

// openStopped opens the log of an installation that is there already.
func openStopped(ctx context.Context, p *parts, settings config.API) (*eventlog.Log, error) {
	guarded, release, explain := p.refusals.guard(ctx)
	defer release()
	log, err := openExisting(guarded, p, settings)
	return log, explain(err)
}

func openExisting(ctx context.Context, p *parts, settings config.API) (*eventlog.Log, error) {
	nc, master, err := place{settings: settings, sync: true}.open(p)
	if err != nil {
		return nil, err
	}
	there, err := eventlog.Exists(ctx, nc, settings.NATSPrefix)
	if err != nil {
		return nil, err
	}
	if !there {
		return nil, errors.New("there is no installation: check ROSTER_DATA_DIR, or ROSTER_NATS_URL and ROSTER_NATS_PREFIX")
	}
	return openLog(ctx, p, settings.Shared, nc, master, 0)
}

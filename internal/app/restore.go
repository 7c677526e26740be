package app

import (
	"context"
	"errors"
	"fmt"

	"go.uber.org/zap"

	"github.com/rosterhq/roster/archive"
	"github.com/rosterhq/roster/eventlog"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/internal/config"
)

// Restore says what is restored into which installation.
type Restore struct {
	Archive string // its directory
	Keys    string // the file of keys; "" is the one in the archive
	// Settings are those with which cmd/api is to start on what was restored.
	Settings config.API
	Logger   *zap.Logger
	// Progress, which may be nil, is told what is done and how many messages of
	// how many went through it.
	Progress func(doing string, messages, of uint64)
}

// Run fills an empty installation from an archive: all positions, claims, counters
// and keys are as they were. Nothing is written before archive, keys and master key
// were found to be whole and to belong together. It returns what was restored.
func (o Restore) Run(ctx context.Context) (*archive.Manifest, error) {
	source, err := archive.Read(o.Archive)
	if err != nil {
		return nil, err
	}
	m := source.Manifest()
	told := func(doing string) func(uint64) {
		return func(n uint64) {
			if o.Progress != nil {
				o.Progress(doing, n, m.Messages())
			}
		}
	}
	if err := source.Check(ctx, told("checking")); err != nil {
		return nil, err
	}
	of, keys, err := archive.ReadKeys(archive.KeysFile(o.Archive, o.Keys))
	if err != nil {
		return nil, fmt.Errorf("read the keys: %w", err)
	}
	if of != m.Installation {
		return nil, fmt.Errorf("the keys are of installation %s, the archive of %s: give the file that belongs to it with --keys", of, m.Installation)
	}
	// The keys may be a copy that is older than an erasure: what the log tells of counts.
	erased, err := source.Erased(ctx)
	if err != nil {
		return nil, err
	}
	if err := o.into(ctx, source, archive.Forget(keys, erased), told("restoring")); err != nil {
		return nil, err
	}
	return m, nil
}

// into opens the place and fills it, and closes it again.
func (o Restore) into(ctx context.Context, source *archive.Reader, keys []events.WrappedKey, progress func(uint64)) (err error) {
	p := &parts{log: o.Logger}
	defer func() { err = errors.Join(err, p.abandon(ctx, nil)) }()
	guarded, release, explain := p.refusals.guard(ctx)
	defer release()
	return explain(o.fill(guarded, p, source, keys, progress))
}

func (o Restore) fill(ctx context.Context, p *parts, source *archive.Reader, keys []events.WrappedKey, progress func(uint64)) error {
	// What is written is synced when the server stops: until then nobody was told
	// that it is there.
	nc, master, err := place{settings: o.Settings}.open(p)
	if errors.Is(err, errNoMasterKey) {
		return fmt.Errorf("the master key is not in the archive: put master.key of the old installation into %s (mode 0600), or give it in ROSTER_MASTER_KEY", o.Settings.DataDir)
	}
	if err != nil {
		return err
	}
	if err := checkMasterKey(master, keys, source.Manifest().Installation); err != nil {
		return err
	}
	seed, err := eventlog.BeginSeed(ctx, nc, eventlog.SeedOptions{
		Prefix: o.Settings.NATSPrefix, Replicas: o.Settings.NATSReplicas, First: source.First(),
	})
	if errors.Is(err, eventlog.ErrNotEmpty) {
		return fmt.Errorf("%w. An archive is restored into an empty installation: give another one with --data-dir or ROSTER_NATS_URL", err)
	}
	if err != nil {
		return err
	}
	if err := source.Restore(ctx, seed, keys, progress); err != nil {
		seed.Abandon()
		return err
	}
	return nil
}

// checkMasterKey opens all keys; the installation's secret says whose they are.
func checkMasterKey(master masterKeys, keys []events.WrappedKey, installation string) error {
	of, err := eventlog.InstallationOf(master.current, master.more, keys)
	switch {
	case errors.Is(err, eventlog.ErrWrongMasterKey):
		return fmt.Errorf("%w. Give the master key that the keys were archived with; where it was changed since, archive the keys anew, or give the one before in ROSTER_MASTER_KEY_PREVIOUS", err)
	case errors.Is(err, eventlog.ErrNoSecret):
		return fmt.Errorf("the file of keys is not whole: %w", err)
	case err == nil && of != installation:
		return fmt.Errorf("these keys are of installation %s, the archive of %s", of, installation)
	}
	return err
}

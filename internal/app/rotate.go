package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"go.uber.org/zap"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/eventlog"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/internal/config"
	"github.com/rosterhq/roster/internal/durable"
)

// RotateKeys changes the master key of an installation. Where the settings name one,
// that is the new one; else a new one takes the place of the data directory's.
type RotateKeys struct {
	Settings config.API // those of the server
	Logger   *zap.Logger
}

// Run wraps all keys anew. It may be killed anywhere: until it came to its end the
// server starts with both master keys, and the next run goes on.
func (o RotateKeys) Run(ctx context.Context) (done eventlog.Rotation, err error) {
	p := &parts{log: o.Logger}
	defer func() { err = errors.Join(err, p.abandon(ctx, nil)) }()
	log, err := openStopped(ctx, p, o.Settings)
	if err != nil {
		return done, err
	}
	if o.Settings.MasterKey != nil {
		return log.RotateMasterKey(ctx, o.Settings.MasterKey, nil)
	}
	return rotateFile(ctx, log, filepath.Join(o.Settings.DataDir, masterKeyName))
}

// ownMasterKey is the master key in the data directory of a running process.
type ownMasterKey struct {
	log  *eventlog.Log
	path string
	one  sync.Mutex
}

// Rotate implements gate.MasterKey.
func (k *ownMasterKey) Rotate(ctx context.Context) (gate.Rotation, error) {
	if !k.one.TryLock() {
		return gate.Rotation{}, fmt.Errorf("rotate the master key: %w", events.ErrConflict)
	}
	defer k.one.Unlock()
	done, err := rotateFile(ctx, k.log, k.path)
	return gate.Rotation(done), err
}

// rotateFile changes the master key that a file holds. The new one lies beside it before
// anything is wrapped under it, and takes its name when nothing needs the old one.
func rotateFile(ctx context.Context, log *eventlog.Log, path string) (done eventlog.Rotation, err error) {
	next := path + nextKey
	begun, err := exists(next)
	if err != nil {
		return done, err
	}
	var key []byte
	if begun {
		key, err = readMasterKey(next)
	} else {
		key, err = makeMasterKey(next)
	}
	if err != nil {
		return done, err
	}
	if done, err = log.RotateMasterKey(ctx, key, nil); err != nil {
		return done, err
	}
	if err := replaceMasterKey(path, key); err != nil {
		return done, err
	}
	if err := errors.Join(overwrite(next), os.Remove(next), durable.SyncDir(filepath.Dir(next))); err != nil {
		return done, fmt.Errorf("remove %s, which is %s by now: %w", next, path, err)
	}
	return done, nil
}

// replaceMasterKey puts a new key into a file, whose old bytes are overwritten then.
func replaceMasterKey(path string, key []byte) error {
	old, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("open the old master key: %w", err)
	}
	err = keepMasterKey(path, key)
	if err == nil {
		err = blank(old)
	}
	if err := errors.Join(err, old.Close()); err != nil {
		return fmt.Errorf("replace the master key: %w", err)
	}
	return nil
}

func overwrite(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	return errors.Join(blank(f), f.Close())
}

// blank writes zeros over a file. Disks and file systems that write elsewhere than
// where they are told keep the old bytes for as long as they do.
func blank(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if _, err := f.WriteAt(make([]byte, info.Size()), 0); err != nil {
		return err
	}
	return f.Sync()
}

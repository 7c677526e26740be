package faults_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestAFullDisk runs broker and database on small file systems and fills them:
// what can not be written is refused, and nothing is parked or skipped because of
// it. A broker whose disk was full is started anew, as its operator would.
func TestAFullDisk(t *testing.T) {
	c := settingsOf(t).part(4)
	dir := newDir(t)
	log := mountSmall(t, filepath.Join(dir, "nats"), "192m")
	tables := mountSmall(t, filepath.Join(dir, "postgresql"), "384m")
	s := newStack(t, dir, 1, 1)
	require.NoError(t, s.start(t.Context()))
	broker := s.brokers[0]
	s.attack(c, []fault{
		{
			kind: "full disk", what: "nats", hold: span{3 * time.Second, 12 * time.Second}, alone: true, inject: log.fill,
			heal: func(ctx context.Context) error {
				broker.kill()
				return errors.Join(log.free(), broker.start(ctx))
			},
		},
		{
			kind: "full disk", what: "postgresql", hold: span{time.Second, 3 * time.Second}, alone: true, inject: tables.fill,
			heal: func(ctx context.Context) error { return errors.Join(tables.free(), s.postgres.ready(ctx)) },
		},
	})
}

// smallDisk is a file system of its own.
type smallDisk struct{ dir string }

func mountSmall(t *testing.T, dir, size string) *smallDisk {
	t.Helper()
	require.NoError(t, os.MkdirAll(dir, 0o755))
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "mode=0777,size="+size); err != nil {
		t.Skipf("a small file system can not be mounted here: %v", err)
	}
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(dir, 0)) })
	return &smallDisk{dir: dir}
}

func (d *smallDisk) filler() string { return filepath.Join(d.dir, "filler") }

// fill leaves no room.
func (d *smallDisk) fill(context.Context) error {
	f, err := os.Create(d.filler())
	if err != nil {
		return err
	}
	defer f.Close()
	for size := 1 << 20; size > 0; {
		if _, err := f.Write(make([]byte, size)); errors.Is(err, syscall.ENOSPC) {
			size /= 2
		} else if err != nil {
			return fmt.Errorf("fill %s: %w", d.dir, err)
		}
	}
	return nil
}

func (d *smallDisk) free() error { return os.Remove(d.filler()) }

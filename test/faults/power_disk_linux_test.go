package faults_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	fusefs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
	"github.com/stretchr/testify/require"
)

// powerDisk is a file system that can lose its power. Bytes are safe once their
// file was synced; changes of names and sizes once anything was synced after them, as
// ext4's journal has it. Of the rest a power cut leaves what chance leaves: whole
// writes, and the first of the changes of names.
type powerDisk struct {
	t       *testing.T
	mounted string // what programs see
	live    string // what they have written
	safe    string // what a power cut leaves
	server  *fuse.Server
	random  *rand.Rand

	mu      sync.Mutex
	journal []func() error      // changes of names and sizes that are not safe, in order
	dirty   map[uint64][]extent // by inode: what was written and is not safe
}

type extent struct {
	path         string // below the root, when it was written
	offset, size int64
}

func newPowerDisk(t *testing.T, dir string, seed uint64) *powerDisk {
	t.Helper()
	d := &powerDisk{
		t: t, mounted: filepath.Join(dir, "mounted"), live: filepath.Join(dir, "live"), safe: filepath.Join(dir, "safe"),
		random: rand.New(rand.NewPCG(seed, 99)),
	}
	for _, made := range []string{d.mounted, d.live, d.safe} {
		require.NoError(t, os.MkdirAll(made, 0o755))
	}
	if err := d.mount(); err != nil {
		t.Skipf("FUSE can not be had here: %v", err)
	}
	t.Cleanup(func() { require.NoError(t, d.unmount()) })
	return d
}

func (d *powerDisk) mount() error {
	d.journal, d.dirty = nil, map[uint64][]extent{}
	root := &fusefs.LoopbackRoot{Path: d.live}
	top := &diskNode{LoopbackNode: fusefs.LoopbackNode{RootData: root}, disk: d}
	root.RootNode = top
	var err error
	d.server, err = fusefs.Mount(d.mounted, top, &fusefs.Options{MountOptions: fuse.MountOptions{DirectMountStrict: true, FsName: "roster-faults"}})
	return err
}

// unmount waits for the last request of a process that was killed.
func (d *powerDisk) unmount() error {
	if d.server == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := await(ctx, d.server.Unmount); err != nil {
		return err
	}
	d.server.Wait()
	d.server = nil
	return nil
}

// cut takes the power away from under programs that were killed, and brings it back.
func (d *powerDisk) cut() error {
	if err := d.unmount(); err != nil {
		return err
	}
	d.leaveToChance()
	if err := os.RemoveAll(d.live); err != nil {
		return err
	}
	if out, err := exec.Command("cp", "-a", d.safe, d.live).CombinedOutput(); err != nil {
		return errors.Join(err, errors.New(string(out)))
	}
	return d.mount()
}

// leaveToChance makes some of what was not synced safe all the same.
func (d *powerDisk) leaveToChance() {
	for _, change := range d.journal[:d.random.IntN(len(d.journal)+1)] {
		d.require(change())
	}
	for _, written := range d.dirty {
		for _, e := range written {
			if d.random.IntN(2) == 0 {
				d.require(d.save(e))
			}
		}
	}
}

func (d *powerDisk) require(err error) {
	if err != nil {
		d.t.Errorf("the disk that loses its power: %v", err)
	}
}

// change does something to names or sizes; again does the same to what is safe.
func (d *powerDisk) change(do func() syscall.Errno, again func() error) syscall.Errno {
	d.mu.Lock()
	defer d.mu.Unlock()
	errno := do()
	if errno == 0 {
		d.journal = append(d.journal, again)
	}
	return errno
}

func (d *powerDisk) wrote(inode uint64, e extent) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dirty[inode] = append(d.dirty[inode], e)
}

// sync makes all changes of names safe, and what was written to one file; 0 for none.
func (d *powerDisk) sync(inode uint64, path string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, change := range d.journal {
		d.require(change())
	}
	d.journal = nil
	for _, e := range d.dirty[inode] {
		e.path = path // it may have another name by now
		d.require(d.save(e))
	}
	delete(d.dirty, inode)
}

// save copies what was written. A file that is gone has nothing to save.
func (d *powerDisk) save(e extent) error {
	from, err := os.Open(filepath.Join(d.live, e.path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.OpenFile(filepath.Join(d.safe, e.path), os.O_WRONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer to.Close()
	_, err = io.Copy(io.NewOffsetWriter(to, e.offset), io.NewSectionReader(from, e.offset, e.size))
	return err
}

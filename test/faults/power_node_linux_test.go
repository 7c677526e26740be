package faults_test

import (
	"context"
	"os"
	"path/filepath"
	"syscall"

	fusefs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// diskNode is a file or folder of a powerDisk: a loopback that notes what changes.
type diskNode struct {
	fusefs.LoopbackNode
	disk *powerDisk
}

// WrapChild makes every file and folder below one of ours.
func (n *diskNode) WrapChild(context.Context, fusefs.InodeEmbedder) fusefs.InodeEmbedder {
	return &diskNode{LoopbackNode: fusefs.LoopbackNode{RootData: n.RootData}, disk: n.disk}
}

func (n *diskNode) where(name string) string { return filepath.Join(n.Path(n.Root()), name) }

func (n *diskNode) inSafe(name string) string { return filepath.Join(n.disk.safe, n.where(name)) }

func (n *diskNode) Create(ctx context.Context, name string, flags, mode uint32, out *fuse.EntryOut) (child *fusefs.Inode, h fusefs.FileHandle, fuseFlags uint32, errno syscall.Errno) {
	safe := n.inSafe(name)
	errno = n.disk.change(func() syscall.Errno {
		child, h, fuseFlags, errno = n.LoopbackNode.Create(ctx, name, flags, mode, out)
		return errno
	}, func() error {
		f, err := os.OpenFile(safe, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, os.FileMode(mode)&os.ModePerm)
		if err != nil {
			return err
		}
		return f.Close()
	})
	if errno != 0 {
		return nil, nil, 0, errno
	}
	return child, &diskFile{inner: h, node: child.Operations().(*diskNode)}, fuseFlags, 0
}

func (n *diskNode) Open(ctx context.Context, flags uint32) (h fusefs.FileHandle, fuseFlags uint32, errno syscall.Errno) {
	open := func() syscall.Errno {
		h, fuseFlags, errno = n.LoopbackNode.Open(ctx, flags)
		return errno
	}
	if flags&syscall.O_TRUNC != 0 {
		safe := n.inSafe("")
		errno = n.disk.change(open, func() error { return os.Truncate(safe, 0) })
	} else {
		errno = open()
	}
	if errno != 0 {
		return nil, 0, errno
	}
	return &diskFile{inner: h, node: n}, fuseFlags, 0
}

func (n *diskNode) Mkdir(ctx context.Context, name string, mode uint32, out *fuse.EntryOut) (child *fusefs.Inode, errno syscall.Errno) {
	safe := n.inSafe(name)
	errno = n.disk.change(func() syscall.Errno {
		child, errno = n.LoopbackNode.Mkdir(ctx, name, mode, out)
		return errno
	}, func() error { return os.Mkdir(safe, os.FileMode(mode)&os.ModePerm) })
	return child, errno
}

func (n *diskNode) Unlink(ctx context.Context, name string) syscall.Errno {
	safe := n.inSafe(name)
	return n.disk.change(func() syscall.Errno { return n.LoopbackNode.Unlink(ctx, name) }, func() error { return os.Remove(safe) })
}

func (n *diskNode) Rmdir(ctx context.Context, name string) syscall.Errno {
	safe := n.inSafe(name)
	return n.disk.change(func() syscall.Errno { return n.LoopbackNode.Rmdir(ctx, name) }, func() error { return os.Remove(safe) })
}

func (n *diskNode) Rename(ctx context.Context, name string, to fusefs.InodeEmbedder, newName string, flags uint32) syscall.Errno {
	parent, ok := to.(*diskNode)
	if !ok || flags != 0 {
		return syscall.EINVAL
	}
	from, into := n.inSafe(name), parent.inSafe(newName)
	return n.disk.change(func() syscall.Errno { return n.LoopbackNode.Rename(ctx, name, to, newName, 0) },
		func() error { return os.Rename(from, into) })
}

func (n *diskNode) Setattr(ctx context.Context, h fusefs.FileHandle, in *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	var inner fusefs.FileHandle
	if f, ok := h.(*diskFile); ok {
		inner = f.inner
	}
	set := func() syscall.Errno { return n.LoopbackNode.Setattr(ctx, inner, in, out) }
	safe := n.inSafe("")
	if size, ok := in.GetSize(); ok {
		return n.disk.change(set, func() error { return os.Truncate(safe, int64(size)) })
	}
	if mode, ok := in.GetMode(); ok {
		return n.disk.change(set, func() error { return os.Chmod(safe, os.FileMode(mode)&os.ModePerm) })
	}
	return set()
}

// Fsync is of a file, or of a folder, which has nothing but names.
func (n *diskNode) Fsync(_ context.Context, h fusefs.FileHandle, _ uint32) syscall.Errno {
	var inode uint64
	if _, ok := h.(*diskFile); ok {
		inode = n.StableAttr().Ino
	}
	n.disk.sync(inode, n.where(""))
	return 0
}

// CopyFileRange is not there: programs copy by themselves then.
func (n *diskNode) CopyFileRange(context.Context, fusefs.FileHandle, uint64, *fusefs.Inode, fusefs.FileHandle, uint64, uint64, uint64) (uint32, syscall.Errno) {
	return 0, syscall.ENOSYS
}

// diskFile is an open file.
type diskFile struct {
	inner fusefs.FileHandle
	node  *diskNode
}

func (f *diskFile) Read(ctx context.Context, dest []byte, offset int64) (fuse.ReadResult, syscall.Errno) {
	return f.inner.(fusefs.FileReader).Read(ctx, dest, offset)
}

func (f *diskFile) Write(ctx context.Context, data []byte, offset int64) (uint32, syscall.Errno) {
	n, errno := f.inner.(fusefs.FileWriter).Write(ctx, data, offset)
	if n > 0 {
		f.node.disk.wrote(f.node.StableAttr().Ino, extent{path: f.node.where(""), offset: offset, size: int64(n)})
	}
	return n, errno
}

func (f *diskFile) Getattr(ctx context.Context, out *fuse.AttrOut) syscall.Errno {
	return f.inner.(fusefs.FileGetattrer).Getattr(ctx, out)
}

func (f *diskFile) Flush(ctx context.Context) syscall.Errno {
	return f.inner.(fusefs.FileFlusher).Flush(ctx)
}

func (f *diskFile) Release(ctx context.Context) syscall.Errno {
	return f.inner.(fusefs.FileReleaser).Release(ctx)
}

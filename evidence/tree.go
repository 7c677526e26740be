package evidence

import (
	"errors"
	"fmt"
	"math/bits"

	"golang.org/x/mod/sumdb/tlog"
)

// levels of a tree that no stream outgrows.
const levels = 63

// tree is a Merkle tree that grows to the right. It keeps the last whole subtree of each
// level, which is all that growing and the root need: the size of a tree does not matter.
type tree struct {
	size int64
	edge [levels]tlog.Hash
}

// add appends a leaf and returns the subtrees that it made whole, the lowest first.
func (t *tree) add(leaf tlog.Hash) ([]tlog.Hash, error) {
	whole, err := tlog.StoredHashesForRecordHash(t.size, leaf, t)
	if err != nil {
		return nil, fmt.Errorf("add leaf %d: %w", t.size, err)
	}
	copy(t.edge[:], whole)
	t.size++
	return whole, nil
}

// root of the whole tree.
func (t *tree) root() (tlog.Hash, error) {
	root, err := tlog.TreeHash(t.size, t)
	if err != nil {
		return root, fmt.Errorf("root of %d leaves: %w", t.size, err)
	}
	return root, nil
}

var errNotKept = errors.New("a hash was asked for that is not kept")

// ReadHashes implements tlog.HashReader for what growing asks for.
func (t *tree) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		level, n := tlog.SplitStoredHashIndex(index)
		if n+1 != t.size>>level {
			return nil, fmt.Errorf("%w: %d of level %d in a tree of %d", errNotKept, n, level, t.size)
		}
		out[i] = t.edge[level]
	}
	return out, nil
}

// treeOf takes up a tree at the size that it had, from hashes that are kept.
func treeOf(size int64, kept tlog.HashReader) (*tree, error) {
	t := &tree{size: size}
	var at []int
	var indexes []int64
	for level := range bits.Len64(uint64(size)) {
		if size>>level&1 == 1 {
			at = append(at, level)
			indexes = append(indexes, tlog.StoredHashIndex(level, size>>level-1))
		}
	}
	hashes, err := kept.ReadHashes(indexes)
	if err != nil {
		return nil, err
	}
	for i, level := range at {
		t.edge[level] = hashes[i]
	}
	return t, nil
}

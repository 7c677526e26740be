package events

// KeptCheckpoint is a signed checkpoint as it is kept beside the log.
type KeptCheckpoint struct {
	Sequence uint64 // orders those of all streams
	Note     []byte // a signed note, as text
}

// HashTile is a run of hashes of the tree over a stream: up to 256 neighbours of one
// level, where a level stands for eight of the tree.
type HashTile struct {
	Level  int
	Index  int64
	Hashes []byte // 32 bytes each
}

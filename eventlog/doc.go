// Package eventlog keeps the facts of Roster in NATS JetStream.
//
// What it promises:
//
//   - A commit is stored whole or not at all, and only if everything it was
//     decided on (the aggregate's last event, each claim) is still the newest.
//     Of writers that race, exactly one wins; the others get events.ErrConflict
//     and nothing of theirs is stored.
//   - An answer with a sequence means that the events are stored as safely as
//     the server's settings say: on disk with sync always, on a majority of the
//     servers of a cluster.
//   - events.ErrUnavailable says nothing of the outcome. Appending the same
//     commit (the same event ids) again is safe: what was stored already is
//     found and answered.
//   - Nothing personal reaches a stream in clear. A user's data key is stored
//     before the first event that is sealed with it, and never overwritten. A
//     commit that loses its race may leave a key that nothing was sealed with.
//   - An activity is stored once for ever by its source and source id.
//   - Snapshots are a cache: the newest may be lost with the process, and an
//     older one may win over a newer one of another process.
//
// What it does not promise: order between streams, or that another process's
// newest events are seen by Tip and Read at once on a cluster (LeaderTip does;
// after a conflict or an append of this process, Tip, Read and Claim do too).
// An erased data key may live on in the memory of other processes for the ten
// minutes that they cache keys.
//
// # A write
//
//	Append -> data key durable (KEYS) -> encode and seal -> committer -> stream
//
// The committer (committer.go) merges the commits of concurrent writers into
// one atomic batch, since a batch costs one sync whatever its size.
package eventlog

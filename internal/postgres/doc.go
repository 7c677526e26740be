// Package postgres runs a private PostgreSQL server as a child of this process,
// from binaries that are installed on the machine.
//
// What is promised:
//
//   - Nobody else gets in: there is no TCP port, and the Unix socket lies in a
//     directory of mode 0700. That is why trust authentication is acceptable.
//   - It works as root too: PostgreSQL then runs as an unprivileged user.
//   - A half-made cluster is never used: it is made beside and renamed.
//   - On Linux the server ends with this process, however this process ends
//     (Pdeathsig). Where it did not, the next Start stops the orphan first; it
//     stops no process that is not provably PostgreSQL in this very directory.
//   - A server that dies while in use is started again, with a growing pause.
//     When that fails too often in a row, Failed is closed and Err says why.
//
// What is not promised: a place for data that can not be rebuilt. The server
// runs with fsync, but with synchronous_commit off: a crash may take the last
// fraction of a second of commits, whole transactions in order. Read models
// carry their checkpoint in the same transaction, so they just catch up.
//
// Directory layout under Options.Dir:
//
//	data/           the cluster (data.init/ while it is being made)
//	run/            the socket, unless the path is too long for one
//	postgresql.log  what PostgreSQL writes
package postgres

// Package runtime drives projections: it reads the log from JetStream, sends
// each event through a Watermill router to the handlers of a projection, and
// commits what they queued to PostgreSQL.
//
// Promises of this package:
//
//   - Rows and checkpoint commit in one transaction for each fetched batch. The
//     checkpoint (sequence and event id) in PostgreSQL is the only truth about
//     how far a projection is; the server keeps none. So every event has its
//     effect exactly once, whatever is killed when.
//   - Events of a projection reach its handlers in the order of the stream, one
//     at a time. An Ack means "queued", not "committed".
//   - One worker at a time: it owns one connection, which holds the projection's
//     advisory lock and runs its transactions; the checkpoint update is fenced as
//     well. Others stand by and take over within about a second.
//   - A log that went back (the message at the checkpoint is gone or is another
//     one, or the stream ends before it) stops the projection. It never carries on.
//   - Workers at the end of the log share what the process reads of it live: a
//     message is parsed and opened once for all of them. Behind it each reads alone.
//   - An event that can not be projected is parked with every later event of its
//     aggregate, in order, while other aggregates go on. A shutdown, a lost
//     connection or a full disk parks nothing. Redrive replays what is parked.
//
// What is not promised: commits are not flushed one by one (synchronous_commit is
// off on the worker's connection). After a crash of PostgreSQL the newest
// transactions may be gone, rows and checkpoint together, and are projected again.
//
// A worker goes through these states:
//
//	starting -> standby -> active -> (lost connection) -> starting
//	                       active -> stopped (the log went back)
package runtime

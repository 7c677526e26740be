// Package app composes Roster's processes: the one place where broker, database,
// log, commands, projectors, queries and HTTP are put together, shared by the
// binaries and the end-to-end tests.
//
// Everything has one shape: Start returns when it is ready, or an error after
// having stopped what was started; Failed is closed when it can not go on;
// Stop drains and stops, in reverse order, within the context's time.
//
//	flock on the data directory, HTTP address taken
//	   ├── broker ── log ── commands ─┐
//	   └── database ── migrations ────┴── projectors, queries ── HTTP
//
// A private PostgreSQL that dies is started again by its launcher; when that
// fails too often, the process stops loudly (exit code 1) and whoever
// supervises it decides. Nothing is lost by either: the log is in NATS.
package app

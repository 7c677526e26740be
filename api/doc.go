// Package api is the HTTP surface: one handler over all dialects.
//
// What is promised: a path belongs to one dialect, and whatever goes wrong with
// it, an unknown path, a method that is not offered, a panic, is answered in
// that dialect's form. Every answer carries X-Request-Id, and the log tells of
// it under that id without query strings or tokens. A handler never sees an
// Idempotency-Key or Roster-Min-Position that can not be used. Reads that are
// behind what was asked for carry Roster-Stale.
package api

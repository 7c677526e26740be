// Package gharchive reads GH Archive files and turns public GitHub events into
// Roster activities.
//
// A file is NDJSON, plain or gzip-compressed (told apart by content, not by
// name), with one event a line in any order. Reading is a stream: memory is
// bounded by the longest line, at most MaxLine. A line that can not be used is
// an error that names file and line; reading goes on behind it. What can not
// be read any further (a broken gzip stream, a disk error) is a *FileError.
//
// The mapping looks at one event alone and depends on nothing else: the same
// line always gives the same activity, whatever comes before it. Commit
// messages, comment texts and e-mail addresses are not taken over.
//
// Events of before 2015 have another shape (no event id, no actor id); their
// lines are errors.
package gharchive

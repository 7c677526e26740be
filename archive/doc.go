// Package archive keeps the log outside the streams, in a directory:
//
//	manifest.json                what the segments are, in order
//	segments/ROSTER-<from>.ndjson.zst
//	keys.ndjson                  the wrapped keys, apart: they may lie elsewhere
//	uses.ndjson                  the last use of each key
//
// A segment is zstd-compressed NDJSON: a line about itself, then one line for each
// message of the stream, sealed as it lies in the log. Its first line names the
// SHA-256 of the segment before it, so that the segments of a stream form a chain:
// none can be changed, left out or put elsewhere without all later ones being
// changed, too. Segments never change once written. Everything else is written
// anew as a whole, and put in place by a rename, so that a killed process leaves
// the archive as it was before its last segment.
//
// Keys are not part of the chain. A data key that was erased is gone from
// keys.ndjson after the next run, and what it sealed can not be read in any copy
// of the segments. Without keys and master key an archive tells nobody's name.
package archive

// Package export writes events into files that tools of analysts read: NDJSON, CSV
// or Parquet.
//
//	manifest.json                                    what is there, and up to which positions
//	events/day=2026-05-03/part-000001.parquet        the envelope of every event
//	roster.user.registered.v1/day=.../part-000001.parquet   what events of that type say
//
// A day is that of the envelope's time in UTC. NDJSON and CSV have the set "events"
// alone, with the data of each event beside its envelope. Files come in batches: a
// batch is in the manifest as a whole or not at all, and files that are not in it
// are removed by the next run. So whatever is killed when, an export that is run
// again holds each event once.
package export

package main

// row is a line of the table: where its figure and its limit are found, and what
// must be reached.
type row struct {
	what   string
	from   string // "package Benchmark/case"
	figure string // metric
	limit  string // metric of the same benchmark, "" for none
	target target
}

// target is a bound of the figure, or of its ratio to the limit.
type target struct {
	bound   float64
	atMost  bool // else at least
	ofLimit bool
}

func atLeast(n float64) target      { return target{bound: n} }
func atMost(n float64) target       { return target{bound: n, atMost: true} }
func ratioAtLeast(n float64) target { return target{bound: n, ofLimit: true} }
func ratioAtMost(n float64) target  { return target{bound: n, ofLimit: true, atMost: true} }

// rows are in the order of the flow.
func rows() []row {
	return []row{
		{"append, sync always, 32 writers", "eventlog Append/sync=always/writers=32", "append/s", "raw/s", ratioAtLeast(1.2)},
		{"append, sync always, 128 writers", "eventlog Append/sync=always/writers=128", "append/s", "raw/s", ratioAtLeast(3)},
		{"append, sync at an interval, 32 writers", "eventlog Append/sync=default/writers=32", "append/s", "raw/s", ratioAtLeast(0.5)},
		{"registration over HTTP, answered", "bench Registration", "registrations/s", "limit-req/s", atLeast(4000)},
		{"... until the last users row (ms)", "bench Registration", "ms-until-users", "", atMost(1000)},
		{"... with all read models following", "bench Registration", "followed/s", "limit-req/s", atLeast(3000)},
		{"catch-up of one read model", "projections/runtime CatchUp", "events/s", "copy-rows/s", atLeast(25_000)},
		{"... of raw COPY", "projections/runtime CatchUp", "events/s", "copy-rows/s", ratioAtLeast(0.1)},
		{"catch-up of all read models", "projections/runtime CatchUpAll", "events/s", "", atLeast(8000)},
		{"publish to committed row, p50 (us)", "projections/runtime PublishToRow", "p50-us", "", atMost(5000)},
		{"signing a log that never was, positions", "eventlog Follow", "positions/s", "", atLeast(25_000)},
		{"import of the sample hour (s)", "bench Import", "s-first", "", atMost(5)},
		{"... the same again (s)", "bench Import", "s-again", "", atMost(3)},
		{"... resident after it (MiB)", "bench Import", "MiB-resident", "", atMost(300)},
		{"100,000 users moving in, with a key each", "bench MoveIn", "users/s", "", atLeast(3000)},
		{"... the same again", "bench MoveIn", "again/s", "", atLeast(3000)},
		{"... resident after it (MiB)", "bench MoveIn", "MiB-resident", "", atMost(500)},
		{"export of a million events to Parquet", "bench Export", "events/s", "served/s", atLeast(30_000)},
		{"GET /v1/users/me, hot", "bench/reads Hot/v1/users/me", "own-req/s", "limit-req/s", ratioAtLeast(0.6)},
		{"GET /api/user/profile, hot", "bench/reads Hot/api/user/profile", "own-req/s", "limit-req/s", ratioAtLeast(0.6)},
		{"GET /v1/users/{id}, cold", "bench/reads Cold", "own-req/s", "limit-req/s", ratioAtLeast(0.7)},
		{"PUT /api/user/preferences", "bench/reads Preferences", "own-req/s", "raw-publishes/s", ratioAtLeast(1)},
		{"... p99 (ms)", "bench/reads Preferences", "own-p99-ms", "", atMost(50)},
		{"first page of 100,000 activities, p99 (ms)", "bench/reads Feed", "first-page-of-100000-p99-ms", "first-page-of-100-p99-ms", ratioAtMost(2)},
		{"page 4,000 by offset, p99 (ms)", "bench/reads Feed", "page-4000-by-offset-p99-ms", "", atMost(25)},
		{"statistics of a year, p50 (ms)", "bench/reads Feed", "statistics-of-a-year-p50-ms", "", atMost(2)},
		{"idle stream client, resident (KiB)", "bench Streams", "KiB/idle-client", "", atMost(8)},
		{"event answered to event at the client, p50 (ms)", "bench Streams", "p50-ms", "", atMost(2)},
		{"... p99 (ms)", "bench Streams", "p99-ms", "", atMost(20)},
		{"... lost", "bench Streams", "lost", "", atMost(0)},
		{"... twice", "bench Streams", "twice", "", atMost(0)},
		{"rebuild of 1,000,000 events: users", "projections/runtime Rebuild/events=1000000", "users-events/s", "", atLeast(40_000)},
		{"... activity", "projections/runtime Rebuild/events=1000000", "activity-events/s", "", atLeast(40_000)},
		{"... statistics", "projections/runtime Rebuild/events=1000000", "statistics-events/s", "", atLeast(40_000)},
		{"... the three together", "projections/runtime Rebuild/events=1000000", "together-events/s", "", atLeast(20_000)},
		{"... together, of 100,000", "projections/runtime Rebuild/events=100000", "together-events/s", "", atLeast(20_000)},
		{"feeds read during a rebuild, p99 (ms)", "bench ReadsDuringRebuild", "ms-p99-rebuild", "ms-p99-idle", ratioAtMost(2)},
		{"GET /v1/events, whole log to the client", "bench Events", "events/s", "", atLeast(50_000)},
		{"... memory more than before (MiB)", "bench Events", "MiB-more", "", atMost(200)},
		{"?at= of 100 events in a log of 1,000,000, p50 (ms)", "bench Past", "p50-ms", "log-p50-ms", atMost(100)},
		{"feeds read during a burst of 50,000, p99 (ms)", "bench Burst", "ms-p99-burst", "ms-p99-idle", ratioAtMost(3)},
	}
}

package live

const (
	usualFiles = 1024
	// spareFiles are for everything else: requests, the database, the log.
	spareFiles = 1024
	// manyStreams is a bound where files have none: 10 KiB each make 10 GiB.
	manyStreams = 1_000_000
)

// mostStreams leaves files to the rest of the process: one is needed for each
// stream.
func mostStreams() int {
	files := openFiles()
	if files > manyStreams {
		return manyStreams
	}
	if files <= 2*spareFiles {
		return int(files / 2)
	}
	return int(files - spareFiles)
}

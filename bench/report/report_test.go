package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const output = `goos: linux
pkg: github.com/rosterhq/roster/eventlog
BenchmarkAppend/sync=always/writers=32-2         	       1	      9000 append/s	       180.0 of-raw-%	      5000 raw/s
BenchmarkAppend/sync=always/writers=128-2        	       1	      9000 append/s	       180.0 of-raw-%	      5000 raw/s
PASS
ok  	github.com/rosterhq/roster/eventlog	9.1s
?   	github.com/rosterhq/roster/cmd/api	[no test files]
pkg: github.com/rosterhq/roster/bench
BenchmarkImport-2   	       1	5000000000 ns/op	       223.4 MiB-resident	         4.2 s-first
`

func TestTheTableSaysWhatIsReached(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, run(strings.NewReader(output), &out))
	passed, table, ok := strings.Cut(out.String(), "\nwhat ")
	require.True(t, ok)
	require.Contains(t, passed, "BenchmarkImport-2")
	require.NotContains(t, passed, "no test files")
	for _, line := range []string{
		`append, sync always, 32 writers +9000 +5000 +1\.80 +≥ 1\.2 of limit +ok`,
		`append, sync always, 128 writers +9000 +5000 +1\.80 +≥ 3 of limit +MISSED`,
		`import of the sample hour \(s\) +4\.2 +- +- +≤ 5 +ok`,
		`resident after it \(MiB\) +223 +- +- +≤ 300 +ok`,
	} {
		require.Regexp(t, line, table)
	}
	require.NotContains(t, table, "catch-up", "what did not run is left out")
}

// Command report reads what `go test -bench` prints, passes it on, and ends with
// one table: each figure beside its limit of the same run and what it must reach.
package main

import (
	"fmt"
	"io"
	"os"
)

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "report:", err)
		os.Exit(1)
	}
}

func run(in io.Reader, out io.Writer) error {
	found, err := read(in, out)
	if err != nil {
		return fmt.Errorf("read the benchmarks' output: %w", err)
	}
	return table(out, found)
}

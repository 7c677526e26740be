package main

import (
	"bufio"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
)

// results are the metrics of each benchmark, by "package Benchmark/case".
type results map[string]map[string]float64

// procs is what go test puts behind a benchmark's name.
var procs = regexp.MustCompile(`-\d+$`)

// read passes every line on but those that say nothing.
func read(in io.Reader, out io.Writer) (results, error) {
	found := results{}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	pkg := ""
	for lines.Scan() {
		line := lines.Text()
		if strings.HasPrefix(line, "?") || line == "PASS" || strings.Contains(line, "no test files") {
			continue
		}
		if _, err := fmt.Fprintln(out, line); err != nil {
			return nil, err
		}
		if path, ok := strings.CutPrefix(line, "pkg: "); ok {
			pkg = strings.TrimPrefix(path, "github.com/rosterhq/roster/")
		}
		if name, metrics := parse(line); name != "" {
			found[pkg+" "+name] = metrics
		}
	}
	return found, lines.Err()
}

// parse reads "BenchmarkName/case-2   3   1200 raw/s   900 append/s".
func parse(line string) (name string, metrics map[string]float64) {
	fields := strings.Fields(line)
	if len(fields) < 4 || !strings.HasPrefix(fields[0], "Benchmark") {
		return "", nil
	}
	metrics = map[string]float64{}
	for i := 2; i+1 < len(fields); i += 2 {
		value, err := strconv.ParseFloat(fields[i], 64)
		if err != nil {
			return "", nil
		}
		metrics[fields[i+1]] = value
	}
	return strings.TrimPrefix(procs.ReplaceAllString(fields[0], ""), "Benchmark"), metrics
}

package main

import (
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
)

// table writes the rows whose benchmarks ran. Errors come with the flush.
func table(out io.Writer, found results) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprint(w, "\nwhat\tfigure\tlimit\tratio\ttarget\t\n")
	for _, r := range rows() {
		metrics, ran := found[r.from]
		figure, measured := metrics[r.figure]
		if !ran || !measured {
			continue
		}
		limit, ratio := "-", "-"
		if most := metrics[r.limit]; most > 0 {
			limit, ratio = number(most), strconv.FormatFloat(figure/most, 'f', 2, 64)
		}
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", r.what, number(figure), limit, ratio, r.target, r.target.verdict(figure, metrics[r.limit]))
	}
	return w.Flush()
}

func (t target) String() string {
	sign, of := "≥ ", ""
	if t.atMost {
		sign = "≤ "
	}
	if t.ofLimit {
		of = " of limit"
	}
	return sign + number(t.bound) + of
}

// verdict is for people who look for what falls short.
func (t target) verdict(figure, limit float64) string {
	if t.ofLimit {
		if limit <= 0 {
			return "no limit measured"
		}
		figure /= limit
	}
	if t.atMost && figure > t.bound || !t.atMost && figure < t.bound {
		return "MISSED"
	}
	return "ok"
}

// number has as many digits as matter.
func number(n float64) string {
	if n >= 100 || n == float64(int64(n)) {
		return strconv.FormatFloat(n, 'f', 0, 64)
	}
	return strconv.FormatFloat(n, 'g', 3, 64)
}

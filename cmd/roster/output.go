package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/rivo/uniseg"

	"github.com/rosterhq/roster/events"
)

// outputFlag says in which form a result is printed.
type outputFlag struct {
	Output string `help:"Form of the result: table, or json." enum:"table,json" default:"table" env:"ROSTER_OUTPUT" short:"o" placeholder:"FORM"`
}

// table is a result as people read it. Cells may hold what others wrote.
type table struct {
	head []string
	rows [][]string
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

// print writes value as indented JSON, or t.
func (f outputFlag) print(o outputs, value any, t table) error {
	if f.Output == "json" {
		return printJSON(o.out, value)
	}
	return t.print(o.out)
}

// json says whether JSON was asked for.
func (f outputFlag) json() bool { return f.Output == "json" }

// say prints the result of what was done: value as JSON, or a line of text.
func (f outputFlag) say(o outputs, value any, line string) error {
	if f.json() {
		return printJSON(o.out, value)
	}
	if _, err := fmt.Fprintln(o.out, line); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

// reached is how far something went in both streams, as JSON says it.
type reached struct {
	Roster   string `json:"roster"`
	Activity string `json:"activity"`
}

func reachedAt(roster, activity uint64) reached {
	return reached{
		Roster:   events.Position{Stream: events.Roster, Sequence: roster}.String(),
		Activity: events.Position{Stream: events.Activity, Sequence: activity}.String(),
	}
}

func (r reached) String() string { return r.Roster + ", " + r.Activity }

// seconds is how long something took, as JSON says it.
func seconds(d time.Duration) float64 { return math.Round(d.Seconds()*1000) / 1000 }

func printJSON(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(value); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

// print aligns the columns; a table without rows is its head alone.
func (t table) print(w io.Writer) error {
	widths := make([]int, len(t.head))
	all := make([][]string, 0, len(t.rows)+1)
	for _, row := range append([][]string{t.head}, t.rows...) {
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = plainText(cell)
			widths[i] = max(widths[i], uniseg.StringWidth(cells[i]))
		}
		all = append(all, cells)
	}
	for _, cells := range all {
		if _, err := fmt.Fprintln(w, aligned(cells, widths)); err != nil {
			return fmt.Errorf("write: %w", err)
		}
	}
	return nil
}

// columnGap is between two columns, in cells of a terminal.
const columnGap = 2

// aligned is a line whose columns begin where a terminal shows those of others:
// characters may be two cells wide, or none.
func aligned(cells []string, widths []int) string {
	var line strings.Builder
	for i, cell := range cells {
		line.WriteString(cell)
		line.WriteString(strings.Repeat(" ", widths[i]-uniseg.StringWidth(cell)+columnGap))
	}
	return strings.TrimRight(line.String(), " ")
}

// fields is one thing as people read it: a table of names and values, without those
// that are empty.
func fields(pairs ...[2]string) table {
	t := table{head: []string{"FIELD", "VALUE"}}
	for _, p := range pairs {
		if p[1] != "" {
			t.add(p[0], p[1])
		}
	}
	return t
}

// collection is a list as JSON says it.
type collection[T any] struct {
	Items []T  `json:"items"`
	More  bool `json:"more"`
}

// printPage prints a list; more says that there is more than was asked for.
func printPage[T any](f outputFlag, o outputs, items []T, t table, more bool) error {
	if items == nil {
		items = []T{}
	}
	err := f.print(o, collection[T]{Items: items, More: more}, t)
	if err == nil && more && !f.json() {
		_, _ = fmt.Fprintf(o.err, "there are more than these %d: give a higher --limit, or 0 for all\n", len(items))
	}
	return err
}

// pageSize is how many things are asked for at once.
const pageSize = 100

// pages collects up to limit things, page by page; 0 means all. more says that the
// server has others.
func pages[T any](limit int, next func(limit int, cursor string) ([]T, string, error)) (all []T, more bool, err error) {
	cursor := ""
	for {
		size := pageSize
		if limit > 0 {
			size = min(size, limit-len(all))
		}
		items, after, err := next(size, cursor)
		if err != nil {
			return nil, false, err
		}
		all = append(all, items...)
		if after == "" || (limit > 0 && len(all) >= limit) {
			return all, after != "", nil
		}
		cursor = after
	}
}

// given is an optional parameter: nil where nothing was given.
func given[T comparable](v T) *T {
	var nothing T
	if v == nothing {
		return nil
	}
	return &v
}

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
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
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range append([][]string{t.head}, t.rows...) {
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = plainText(cell)
		}
		_, _ = fmt.Fprintln(out, strings.Join(cells, "\t")) // Flush tells
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
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

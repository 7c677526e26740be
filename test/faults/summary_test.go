package faults_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rosterhq/roster/events"
)

// summarize writes a run down.
func summarize(name string, c settings, plan *schedule, h *history, l *load, f findings, took time.Duration) string {
	var out strings.Builder
	row := func(name string, value any) { fmt.Fprintf(&out, "| %s | %v |\n", name, value) }
	fmt.Fprintf(&out, "## %s\n\n| what | figure |\n|---|---|\n", name)
	row("seed", c.seed)
	row("faults for", c.length)
	row("took, with start and checks", took.Round(time.Second))
	total := 0
	for _, n := range plan.injected {
		total += n
	}
	row("faults injected", total)
	for _, kind := range slices.Sorted(maps.Keys(plan.injected)) {
		row("- "+kind, plan.injected[kind])
	}
	row("slowest recovery", fmt.Sprintf("%s, after %s", plan.slowest.Round(time.Millisecond), plan.after))
	row("writes acknowledged", h.count(acknowledged))
	h.byKind(row, func(w write) bool { return w.outcome == acknowledged }, func(w write) string { return string(w.kind) })
	row("writes asked for again, as no answer had come", h.repeated())
	row("writes refused", h.count(refused))
	h.byKind(row, func(w write) bool { return w.outcome == refused }, func(w write) string { return fmt.Sprintf("%s, %d", w.kind, w.status) })
	row("writes never answered", h.count(unknown))
	row("- of them in the log", f.came)
	row("reads", h.reads)
	row("- marked stale", h.stale)
	row("**acknowledged writes lost**", f.lost)
	row("**writes doubled**", f.doubled)
	row("**refused writes in the log**", f.undone)
	row("events in ROSTER, in ACTIVITY", fmt.Sprintf("%d, %d", f.messages[events.Roster], f.messages[events.Activity]))
	row("rows of read models, equal to a replay", f.rows)
	for i, stream := range l.followers {
		row(fmt.Sprintf("activities on stream %d, connections", i+1), fmt.Sprintf("%d, %d", len(stream.got), stream.returns))
	}
	row("longest that a revoked key worked on another node", h.longestElsewhere.Round(time.Millisecond))
	row("violations", len(h.wrong))
	return out.String()
}

// byKind writes how many of some writes there are of each kind.
func (h *history) byKind(row func(string, any), which func(write) bool, kind func(write) string) {
	counts := map[string]int{}
	for _, w := range h.writes {
		if which(w) {
			counts[kind(w)]++
		}
	}
	for _, k := range slices.Sorted(maps.Keys(counts)) {
		row("- "+k, counts[k])
	}
}

func (h *history) repeated() int {
	n := 0
	for _, w := range h.writes {
		if w.tries > 1 {
			n++
		}
	}
	return n
}

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
func summarize(c settings, plan *schedule, h *history, l *load, f findings, took time.Duration) string {
	var out strings.Builder
	row := func(name string, value any) { fmt.Fprintf(&out, "| %s | %v |\n", name, value) }
	out.WriteString("| what | figure |\n|---|---|\n")
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
	kinds := map[kind]int{}
	for _, w := range h.writes {
		if w.outcome == acknowledged {
			kinds[w.kind]++
		}
	}
	for _, k := range slices.Sorted(maps.Keys(kinds)) {
		row("- "+string(k), kinds[k])
	}
	row("writes refused", h.count(refused))
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

package runtime

import "github.com/rosterhq/roster/events"

// weave gathers what the events of a batch do and orders it anew, so that many rows
// share a statement. What events of one aggregate do stays in its order; those of
// different aggregates know nothing of each other's rows, so that theirs may change.
type weave struct {
	strands map[string]*strand
	order   []*strand
	drafts  []events.Draft
}

// strand is what the events of one aggregate do, in order.
type strand struct {
	weave *weave
	steps []step
}

type step struct {
	sql  string
	key  string // of rows of which a statement takes only one
	set  bool   // it shares its statement with others
	args []any
}

func newWeave() *weave { return &weave{strands: map[string]*strand{}} }

// of returns the queue of an aggregate.
func (w *weave) of(aggregate string) *strand {
	s := w.strands[aggregate]
	if s == nil {
		s = &strand{weave: w}
		w.strands[aggregate] = s
		w.order = append(w.order, s)
	}
	return s
}

// Queue implements Queue.
func (s *strand) Queue(sql string, args ...any) {
	s.steps = append(s.steps, step{sql: sql, args: args})
}

// Record implements Queue.
func (s *strand) Record(d events.Draft) { s.weave.drafts = append(s.weave.drafts, d) }

func (s *strand) row(key, sql string, args []any) {
	s.steps = append(s.steps, step{sql: sql, key: key, set: true, args: args})
}

func (s *strand) change(key, sql string, args []any) { s.row(key, sql, args) }

// flush queues everything: over and over the statement that most strands wait for.
func (w *weave) flush(b *batch) {
	waiting := map[string][]*strand{}
	var texts []string // in the order of appearance, so that the same events give the same batch
	wait := func(s *strand) {
		sql := s.steps[0].sql
		if _, known := waiting[sql]; !known {
			texts = append(texts, sql)
		}
		waiting[sql] = append(waiting[sql], s)
	}
	for _, s := range w.order {
		if len(s.steps) > 0 {
			wait(s)
		}
	}
	for {
		most := ""
		for _, sql := range texts {
			if len(waiting[sql]) > len(waiting[most]) {
				most = sql
			}
		}
		if most == "" {
			break
		}
		now := waiting[most]
		waiting[most] = nil
		for _, s := range now {
			s.advance(b, most)
		}
		b.flush()
		for _, s := range now {
			if len(s.steps) > 0 {
				wait(s)
			}
		}
	}
	b.drafts = append(b.drafts, w.drafts...)
}

// advance queues the strand's next steps, as far as they fit into the statement.
func (s *strand) advance(b *batch, sql string) {
	for len(s.steps) > 0 && s.steps[0].sql == sql {
		next := s.steps[0]
		switch set := b.growing(sql); {
		case !next.set:
			b.Queue(sql, next.args...)
		case set != nil && next.key != "" && set.has(next.key):
			return
		default:
			b.row(next.key, sql, next.args)
		}
		s.steps = s.steps[1:]
	}
}

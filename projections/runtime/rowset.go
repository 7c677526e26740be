package runtime

import (
	"fmt"
	"sync"
)

// rowset is a statement over sets that still grows.
type rowset struct {
	sql     string
	columns []column            // one for each argument
	keys    map[string]struct{} // of rows of which a statement takes only one
}

func newRowset(sql string, arguments int) (*rowset, error) {
	columns, err := columnsOf(sql, arguments)
	return &rowset{sql: sql, columns: columns}, err
}

// add appends a row; key may be "".
func (s *rowset) add(key string, args []any) error {
	if key != "" && s.keys == nil {
		s.keys = map[string]struct{}{}
	}
	if key != "" {
		s.keys[key] = struct{}{}
	}
	for i := range s.columns {
		if err := s.columns[i].add(args[i]); err != nil {
			return fmt.Errorf("argument %d: %w", i+1, err)
		}
	}
	return nil
}

func (s *rowset) has(key string) bool {
	_, there := s.keys[key]
	return there
}

// args are the statement's arguments. Nothing may be added while they are in use.
func (s *rowset) args() []any {
	size := 0
	args := make([]any, len(s.columns))
	for i := range s.columns {
		size += s.columns[i].size()
		args[i] = &s.columns[i]
	}
	if len(s.columns) > 0 {
		s.columns[0].room = size // the first makes room for all
	}
	return args
}

// clear makes the set empty; its columns keep their memory.
func (s *rowset) clear() {
	clear(s.keys)
	for i := range s.columns {
		s.columns[i].clear()
	}
}

// keptBytes is how much memory an empty set may hold on to.
const keptBytes = 1 << 20

// spares are sets that were sent, for the statements of the next batches: made anew for
// each, their columns were a tenth of all garbage. A nil one keeps none.
type spares struct {
	mu   sync.Mutex
	sets map[string]*rowset
}

// take returns an empty set of a statement, or nil.
func (s *spares) take(sql string) *rowset {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	set := s.sets[sql]
	delete(s.sets, sql)
	return set
}

// give takes sets back that nobody uses any more.
func (s *spares) give(sets []*rowset) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sets == nil {
		s.sets = map[string]*rowset{}
	}
	for _, set := range sets {
		held := 0
		for i := range set.columns {
			held += cap(set.columns[i].data)
		}
		if held <= keptBytes {
			set.clear()
			s.sets[set.sql] = set
		}
	}
}

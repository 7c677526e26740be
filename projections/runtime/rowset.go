package runtime

import "fmt"

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

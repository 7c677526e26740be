package commands

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/rosterhq/roster/events"
)

// MaxImportedNumber bounds the numbers that users bring along, so that own ones
// still fit into 32 bits after them.
const MaxImportedNumber = 2_000_000_000

// asideNumbers remembers which numbers of users are kept for those who bring
// theirs along. They only ever become more.
type asideNumbers struct {
	known atomic.Pointer[[]events.Numbers]
}

func (a *asideNumbers) has(n int64) bool {
	known := a.known.Load()
	return known != nil && events.HasNumber(*known, n)
}

// SetNumbersAside keeps the numbers up to n for users who are imported, as far as
// they were not given. Who knows the highest number to come spares one append for
// each step up to it.
func (s *Service) SetNumbersAside(ctx context.Context, r Request, n int64) error {
	if !Allowed(r.Actor, ImportUsers, "") {
		return forbidden(ImportUsers)
	}
	if n < 1 || n > MaxImportedNumber {
		return &Error{Code: Invalid, Message: "the request is not valid", Fields: []FieldError{numberOutOfRange("number")}}
	}
	_, err := s.setAside(ctx, n)
	return refusal(err)
}

func numberOutOfRange(field string) FieldError {
	return FieldError{Field: field, Rule: "range", Detail: fmt.Sprintf("must be from 1 to %d", MaxImportedNumber)}
}

// setAside says whether a number is, or now was, kept for users who are imported.
// If not, it was given to another user, or may be.
func (s *Service) setAside(ctx context.Context, n int64) (bool, error) {
	if s.aside.has(n) {
		return true, nil
	}
	all, err := s.log.SetAside(ctx, "user", n)
	if err != nil {
		return false, fmt.Errorf("set numbers aside: %w", err)
	}
	s.aside.known.Store(&all)
	return s.aside.has(n), nil
}

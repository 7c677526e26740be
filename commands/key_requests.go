package commands

import (
	"strconv"

	"github.com/rosterhq/roster/events"
)

// CheckAllowList says what is wrong with the allow list of a key to be, for
// dialects that look at it before the right to make the key.
func CheckAllowList(list []events.Resource) *Error {
	var p problems
	p.normaliseAllowList(list)
	return p.err()
}

// RandomKeyName makes up a name for a key whose maker gave none.
func (s *Service) RandomKeyName() string {
	pick := s.names.pick
	return adjectives[pick(len(adjectives))] + "_" + surnames[pick(len(surnames))] + strconv.Itoa(pick(10))
}

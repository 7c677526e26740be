package archive

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/rosterhq/roster/events"
)

// Erased lists the users whose erasure the archived log tells of.
func (r *Reader) Erased(ctx context.Context) ([]string, error) {
	var (
		erased   []string
		messages = r.Messages(events.Roster)
		kind     = string((*events.UserErased)(nil).EventType())
	)
	for {
		m, err := messages.Next(ctx)
		if errors.Is(err, io.EOF) {
			return erased, nil
		}
		if err != nil {
			return nil, errors.Join(err, messages.Close())
		}
		id, ofUser := strings.CutPrefix(m.Subject, "roster."+string(events.User)+".")
		if of := m.Headers[events.HeaderType]; ofUser && len(of) == 1 && of[0] == kind {
			erased = append(erased, id)
		}
	}
}

// Forget puts the mark of an erasure in the place of the keys of users, whatever was
// there: a copy of the keys may be older than an erasure.
func Forget(keys []events.WrappedKey, users []string) []events.WrappedKey {
	gone := make(map[string]bool, len(users))
	for _, id := range users {
		gone[events.UserKeyName(id)] = true
	}
	out := make([]events.WrappedKey, 0, len(keys)+len(users))
	for _, k := range keys {
		if !gone[k.Name] {
			out = append(out, k)
		}
	}
	for _, id := range users {
		if name := events.UserKeyName(id); gone[name] {
			gone[name] = false // each once
			out = append(out, events.WrappedKey{Name: name, Erased: true})
		}
	}
	return out
}

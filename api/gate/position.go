package gate

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query"
)

// Headers that carry positions.
const (
	PositionHeader    = "Roster-Position"
	MinPositionHeader = "Roster-Min-Position"
	StaleHeader       = "Roster-Stale"
)

// ErrMinPosition says that Roster-Min-Position is no list of positions. The
// server answers it before any handler runs.
var ErrMinPosition = errors.New("Roster-Min-Position must be positions as Roster-Position carries them, separated by commas")

// Wrote tells the client and the read side of a change. Call it before the
// answer is written. A session or key in the result makes it WroteCredentials.
func (g *Gate) Wrote(w http.ResponseWriter, r *http.Request, res commands.Result) {
	if res.Key.ID != "" {
		g.WroteCredentials(w, r, res)
		return
	}
	g.WrotePosition(w, res.User.ID, res.Position)
}

// WroteCredentials is Wrote for a change of what Identify depends on: keys,
// password, roles, status. Until the read model has it, nobody is let in on the
// strength of an older row.
func (g *Gate) WroteCredentials(w http.ResponseWriter, _ *http.Request, res commands.Result) {
	if setPosition(w, res.Position) {
		g.reads.NoteCredentials(res.User.ID, res.Position)
	}
}

// WrotePosition is Wrote for commands without a Result.
func (g *Gate) WrotePosition(w http.ResponseWriter, userID string, p events.Position) {
	if setPosition(w, p) {
		g.reads.Note(userID, p)
	}
}

// WroteAt is for commands on what is no user: an organization, a workspace, a
// skill. userID is whose it is, or "" for nobody in particular.
func (g *Gate) WroteAt(w http.ResponseWriter, _ *http.Request, userID string, p events.Position) {
	if userID != "" {
		g.WrotePosition(w, userID, p)
		return
	}
	if setPosition(w, p) {
		g.reads.NoteAny(p)
	}
}

func setPosition(w http.ResponseWriter, p events.Position) bool {
	if p.Sequence == 0 {
		return false
	}
	w.Header().Set(PositionHeader, p.String())
	return true
}

// WithMinPosition returns the request whose reads wait for what the client's
// Roster-Min-Position asks, or ErrMinPosition.
func WithMinPosition(r *http.Request) (*http.Request, error) {
	values := r.Header.Values(MinPositionHeader)
	if len(values) == 0 {
		return r, nil
	}
	if len(values) > 1 {
		return nil, ErrMinPosition
	}
	positions, err := events.ParsePositions(values[0])
	if err != nil {
		return nil, fmt.Errorf("%w", ErrMinPosition)
	}
	if len(positions) == 0 {
		return r, nil
	}
	return r.WithContext(query.WithMinPosition(r.Context(), positions)), nil
}

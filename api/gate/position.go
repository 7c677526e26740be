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
var ErrMinPosition = errors.New("Roster-Min-Position must be positions as Roster-Position carries them, separated by commas") //nolint:staticcheck // begins with the header's name

// Wrote tells the client and the read side of a change. Call it before the
// answer is written.
func (g *Gate) Wrote(w http.ResponseWriter, _ *http.Request, res commands.Result) {
	g.WrotePosition(w, res.User.ID, res.Position)
}

// WrotePosition is Wrote for commands without a Result.
func (g *Gate) WrotePosition(w http.ResponseWriter, userID string, p events.Position) {
	if p.Sequence == 0 {
		return
	}
	w.Header().Set(PositionHeader, p.String())
	g.reads.Note(userID, p)
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

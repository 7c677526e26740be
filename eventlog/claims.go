package eventlog

import (
	"context"
	"fmt"

	"github.com/rosterhq/roster/events"
)

// claimSubject names a claim: of its value only a keyed hash is ever stored.
func (l *Log) claimSubject(c events.Claim) string {
	return l.names.claim(c.Kind, l.KeyedHash("claim/"+c.Kind, c.Value))
}

// Claim returns what the log holds of a claim: zero when it was never made, an
// empty holder with a sequence when it was released.
func (l *Log) Claim(ctx context.Context, c events.Claim) (events.ClaimState, error) {
	last, err := l.lastOf(ctx, l.names.roster, l.claimSubject(c))
	if err != nil {
		return events.ClaimState{}, unavailable(fmt.Sprintf("claim of kind %s", c.Kind), err)
	}
	return events.ClaimState{Holder: string(last.data), Sequence: last.sequence}, nil
}

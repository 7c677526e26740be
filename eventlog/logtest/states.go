//nolint:thelper // these are tests, not helpers of tests
package logtest

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/events"
)

var states = map[string]func(*testing.T, Log){
	"a kept state is found again, the newest of many": newestState,
}

func newestState(t *testing.T, l Log) {
	user, at := register(t, l)
	organization := events.Aggregate{Kind: events.Organization, ID: uuid.NewString()}
	for _, a := range []events.Aggregate{user, organization} {
		var want events.Snapshot
		for i := range 10 {
			want = events.Snapshot{
				Tip: events.Tip{Sequence: at + uint64(i), EventID: uuid.NewString()}, Format: 3, Data: []byte(`{"n":1}`),
			}
			l.KeepSnapshot(a, want)
		}
		l.KeepSnapshot(a, events.Snapshot{Tip: events.Tip{Sequence: at}, Data: []byte("old")})
		require.Eventually(t, func() bool {
			got, err := l.Snapshot(t.Context(), a)
			return err == nil && got.Sequence == want.Sequence && got.EventID == want.EventID &&
				got.Format == 3 && string(got.Data) == string(want.Data)
		}, 10*time.Second, 5*time.Millisecond)
	}
}

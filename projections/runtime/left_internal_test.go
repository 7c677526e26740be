package runtime

import (
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/internal/testenv"
)

// TestNobodyReadsLessThanAll: whoever lacks what left a stream for an archive does not
// pass it over; what a restored stream never had is nobody's loss.
func TestNobodyReadsLessThanAll(t *testing.T) {
	t.Parallel()
	js, err := jetstream.New(testenv.NATS(t))
	require.NoError(t, err)
	for name, first := range map[string]uint64{"WHOLE": 0, "RESTORED": 11} {
		stream, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: name, Subjects: []string{name}, FirstSeq: first})
		require.NoError(t, err)
		for range 5 {
			_, err := js.PublishMsg(t.Context(), &nats.Msg{Subject: name})
			require.NoError(t, err)
		}
		before := max(first, 1) - 1
		s := source{js: js, stream: name}
		require.NoError(t, s.verifyBounds(t.Context(), mark{}), "nothing left yet")
		require.NoError(t, stream.Purge(t.Context(), jetstream.WithPurgeSequence(before+4))) // three leave
		for at, whole := range map[uint64]bool{0: false, before + 1: false, before + 2: false, before + 3: true, before + 5: true} {
			err := s.verifyBounds(t.Context(), mark{sequence: at})
			if whole {
				require.NoError(t, err, "%s from %d", name, at)
				continue
			}
			require.ErrorIs(t, err, ErrWentBack, "%s from %d", name, at)
			require.ErrorContains(t, err, "left it for an archive")
		}
	}
}

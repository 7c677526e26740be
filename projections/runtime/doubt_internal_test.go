package runtime

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAClusterThatLagsIsAskedAgain(t *testing.T) {
	t.Parallel()
	w, now := &worker{}, time.Now()
	lags := fmt.Errorf("%w: stream ROSTER ends at 9", errBehind)
	require.ErrorIs(t, lags, ErrWentBack)
	require.True(t, w.doubts(lags, now))
	require.True(t, w.doubts(lags, now.Add(backAfter)))
	require.False(t, w.doubts(lags, now.Add(backAfter+1)), "each look said so for long enough")
	require.False(t, (&worker{}).doubts(fmt.Errorf("%w: another message is there", ErrWentBack), now), "no lag explains this")
	require.False(t, (&worker{}).doubts(nil, now))
}

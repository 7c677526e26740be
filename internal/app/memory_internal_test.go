package app

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestGarbageIsBounded(t *testing.T) {
	t.Parallel()
	for live, percent := range map[uint64]int{
		0: 200, 1: 200, 100 << 20: 200, 256 << 20: 200, 384 << 20: 200, 512 << 20: 150, 1 << 30: 75, 1 << 40: 50,
	} {
		require.Equal(t, percent, percentFor(live), "%d bytes live", live)
	}
}

package live

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// Numbers as PostgreSQL 15 shows them after a cast to jsonb.
func TestNumbersLookAsTheyAreStored(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"1": "1", "-7": "-7", "1.50": "1.50", "9007199254740993": "9007199254740993", "1e3": "1000", "1E+3": "1000", "1.5e3": "1500",
		"1.50e1": "15.0", "1e-2": "0.01", "1.5e-2": "0.015", "-2.5E-1": "-0.25", "1e+21": "1000000000000000000000",
		"-0": "0", "-0.0": "0.0", "0e5": "0", "-0e-2": "0.00",
	} {
		require.Equal(t, json.Number(want), storedNumber(json.Number(text)), text)
	}
}

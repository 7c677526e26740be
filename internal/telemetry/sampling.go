package telemetry

import "time"

// Of messages with the same text, the first hundred in a second are written, and
// then one of a hundred.
const (
	sampleTick       = time.Second
	sampleFirst      = 100
	sampleThereafter = 100
)

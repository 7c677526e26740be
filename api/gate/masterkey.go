package gate

import "context"

// MasterKey changes the key that wraps all others, while the installation goes on.
type MasterKey interface {
	// Rotate makes a new master key, which is where the old one was when this returns.
	// Interrupted anywhere, it may be called again. One that is under way is
	// events.ErrConflict.
	Rotate(ctx context.Context) (Rotation, error)
}

// Rotation is what a change of the master key did.
type Rotation struct {
	MasterKey  string   // what names the new one
	Wrapped    uint64   // keys, under the new one
	Destroyed  uint64   // copies, under others
	Unreadable []string // keys that open under no master key that there is
}

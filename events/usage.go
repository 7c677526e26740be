package events

import "time"

// Usage is what is known of a key beside the log: when it was used last, and
// until when that use prolonged its life. It is kept apart from the facts, so
// that reads don't make the log grow; losing it ends a session early, and
// nothing else.
type Usage struct {
	KeyID     string    `json:"keyId"`
	UserID    string    `json:"userId"`
	LastUsed  time.Time `json:"lastUsed"`
	ExpiresAt time.Time `json:"expiresAt"`
}

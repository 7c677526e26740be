package events

// UsageStream is the log that has the last use of each key. It holds no events.
const UsageStream Stream = "USAGE"

// InstallationSecret is the name of the wrapped key that the installation's own
// secrets come from.
const InstallationSecret = "installation.secret"

// UserKeyName is the name of the wrapped key of a user.
func UserKeyName(userID string) string { return string(User) + "." + userID }

// WrappedKey is a key as it is stored: readable with the master key alone.
type WrappedKey struct {
	Name   string // InstallationSecret, or "user." and a user's id
	Box    []byte // empty when erased
	Erased bool   // destroyed on purpose; a mark stands in its place for ever
}

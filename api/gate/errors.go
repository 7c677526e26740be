package gate

import (
	"errors"
	"fmt"
	"time"

	"github.com/rosterhq/roster/events"
)

// Reason is the closed set of reasons for which a caller is not known.
type Reason string

// The reasons. All but CrossOrigin, RateLimited, Ahead and Unavailable are a
// 401 in every dialect.
const (
	NoCredential Reason = "no-credential" // none was given
	Malformed    Reason = "malformed"     // not <id10>-<secret22>
	UnknownKey   Reason = "unknown-key"   // no such id
	WrongSecret  Reason = "wrong-secret"
	Expired      Reason = "expired"
	Revoked      Reason = "revoked" // of an older credentials epoch
	Suspended    Reason = "suspended"
	Deleted      Reason = "deleted"
	Unconfirmed  Reason = "unconfirmed"
	CrossOrigin  Reason = "cross-origin" // 403: a cookie write from another site
	RateLimited  Reason = "rate-limited" // 429
	Ahead        Reason = "ahead"        // 400: Roster-Min-Position is beyond the log
	Unavailable  Reason = "unavailable"  // 503: the check could not be made

	// Of sessions opened by a provider of identities.
	LinkGone      Reason = "link-gone"      // the user is no longer tied to it
	RefreshFailed Reason = "refresh-failed" // what it gave has ended, and it gave nothing anew
)

// Error says why a caller is not known.
type Error struct {
	Reason Reason

	// Of Malformed: how many "-" parts there were, and, where it was two, the
	// lengths of id and secret.
	Parts, IDLength, SecretLength int

	ExpiredAt  time.Time        // of Expired
	RetryAfter time.Duration    // of RateLimited
	LoginType  events.LoginType // of LinkGone and RefreshFailed
	Err        error            // of Unavailable and RefreshFailed: for the log, never for the client
}

// Error implements error.
func (e *Error) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("identify caller: %s: %v", e.Reason, e.Err)
	}
	return "identify caller: " + string(e.Reason)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// ReasonOf returns the reason in err, or "" when it is no *Error.
func ReasonOf(err error) Reason {
	var e *Error
	if errors.As(err, &e) {
		return e.Reason
	}
	return ""
}

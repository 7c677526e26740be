package eventlog

import (
	"strings"

	"github.com/rosterhq/roster/events"
)

// The streams that hold no events.
const (
	keysStream  events.Stream = "KEYS"
	stateStream events.Stream = "STATE"
	usageStream               = events.UsageStream
)

// StreamName returns the name of a stream in an installation with a prefix:
// "ROSTER", or "ACME_ROSTER" with the prefix "acme".
func StreamName(prefix string, s events.Stream) string {
	if prefix == "" {
		return string(s)
	}
	return strings.ToUpper(prefix) + "_" + string(s)
}

// EventFilter returns the subjects of a stream under which events lie, "" for
// all of them. In ROSTER it leaves out the claims, two of three messages of a
// registration, for which nobody who wants events has a use; counters, which are
// few, have the same form as aggregates and stay in.
func EventFilter(prefix string, s events.Stream) string {
	return newNames(prefix).eventFilter(s)
}

// names are the streams and subjects of one installation.
type names struct {
	roster, activity, keys, state, usage string // streams
	root                                 string // what subjects begin with: "" or "acme."
}

func newNames(prefix string) names {
	n := names{
		roster:   StreamName(prefix, events.Roster),
		activity: StreamName(prefix, events.Activity),
		keys:     StreamName(prefix, keysStream),
		state:    StreamName(prefix, stateStream),
		usage:    StreamName(prefix, usageStream),
	}
	if prefix != "" {
		n.root = strings.ToLower(prefix) + "."
	}
	return n
}

func (n names) eventFilter(s events.Stream) string {
	if s != events.Roster {
		return ""
	}
	return n.root + "roster.*.*"
}

// aggregate is literal: with the event's type in the subject, loading one
// aggregate would scan every block of the stream.
func (n names) aggregate(a events.Aggregate) string {
	return n.root + "roster." + string(a.Kind) + "." + a.ID
}

func (n names) claim(kind, hash string) string { return n.root + "roster.claim." + kind + "." + hash }

func (n names) counter(kind string) string { return n.root + "roster.counter." + kind }

// activitySubject takes the partition (one of 16) from the hash alone, never from the
// user: the server refuses a repeat because its subject is taken, so the same
// source id must lead to the same subject even when it is reported for another
// user the second time. Exact de-duplication comes first; a partition by user
// would let such a repeat in.
func (n names) activitySubject(hash string) string {
	return n.root + "activity." + hash[:1] + "." + hash
}

func (n names) userKey(userID string) string { return n.root + "keys." + events.UserKeyName(userID) }

func (n names) secret() string { return n.root + "keys." + events.InstallationSecret }

func (n names) keyUsage(keyID string) string { return n.root + "usage.key." + keyID }

func (n names) snapshot(a events.Aggregate) string {
	return n.root + "state." + string(a.Kind) + "." + a.ID
}

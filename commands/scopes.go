package commands

import "slices"

// The scopes of API keys. A session has ScopeAll.
const (
	ScopeAll              = "all"
	ScopeUsersRead        = "users:read"
	ScopeUsersWrite       = "users:write"
	ScopeKeysWrite        = "keys:write"
	ScopeActivitiesRead   = "activities:read"
	ScopeActivitiesRecord = "activities:record"
	ScopeEventsRead       = "events:read"
	ScopeEventsPersonal   = "events:personal"
)

// Scopes lists every scope there is.
func Scopes() []string {
	return []string{
		ScopeAll, ScopeUsersRead, ScopeUsersWrite, ScopeKeysWrite, ScopeActivitiesRead,
		ScopeActivitiesRecord, ScopeEventsRead, ScopeEventsPersonal,
	}
}

// normaliseScopes sorts, drops repeats, and lets "all" absorb the rest; none at
// all means "all". unknown is the first one that does not exist.
func normaliseScopes(in []string) (out []string, unknown string) {
	for _, s := range in {
		if !slices.Contains(Scopes(), s) {
			return nil, s
		}
	}
	if len(in) == 0 || slices.Contains(in, ScopeAll) {
		return []string{ScopeAll}, ""
	}
	out = slices.Clone(in)
	slices.Sort(out)
	return slices.Compact(out), ""
}

// covers says whether a key of scopes held may make one of scopes wanted.
func covers(held, wanted []string) bool {
	if slices.Contains(held, ScopeAll) {
		return true
	}
	return !slices.ContainsFunc(wanted, func(s string) bool { return !slices.Contains(held, s) })
}

package commands

import (
	"slices"
	"strings"
)

// The scopes of API keys that Roster's own API knows. A session has ScopeAll.
const (
	ScopeAll              = "all"
	ScopeUsersRead        = "users:read"
	ScopeUsersWrite       = "users:write"
	ScopeKeysWrite        = "keys:write"
	ScopeActivitiesRead   = "activities:read"
	ScopeActivitiesRecord = "activities:record"
	ScopeEventsRead       = "events:read"
	ScopeEventsPersonal   = "events:personal"
	ScopeLogRead          = "log:read" // the log itself, sealed, and the wrapped keys
)

// The scopes that Coder's clients know by another name, or that mean nothing here
// but must be kept.
const (
	scopeCoderAll           = "coder:all" // another name of ScopeAll
	ScopeApplicationConnect = "coder:application_connect"
	scopeApplicationOld     = "application_connect" // another name of it
)

// Scopes lists every scope of the own API.
func Scopes() []string {
	return []string{
		ScopeAll, ScopeUsersRead, ScopeUsersWrite, ScopeKeysWrite, ScopeActivitiesRead,
		ScopeActivitiesRecord, ScopeEventsRead, ScopeEventsPersonal, ScopeLogRead,
	}
}

// coderResources has the actions of each type that Coder's public scopes name.
var coderResources = map[string][]string{
	"workspace":          {"read", "create", "update", "delete", "ssh", "start", "stop", "application_connect", "*"},
	"template":           {"read", "create", "update", "delete", "use", "*"},
	"api_key":            {"read", "create", "update", "delete", "*"},
	"file":               {"read", "create", "*"},
	"user":               {"read", "read_personal", "update_personal", "*"},
	"user_secret":        {"read", "create", "update", "delete", "*"},
	"user_skill":         {"read", "create", "update", "delete", "*"},
	"organization":       {"read", "update", "delete", "*"},
	"organization_skill": {"read", "create", "update", "delete", "share", "*"},
	"chat_model_config":  {"read", "share"},
	"inbox_notification": {"read", "update"},
}

// coderComposites has what Coder's composite scopes stand for.
var coderComposites = map[string][]string{
	"coder:workspaces.create":   {"template:read", "template:use", "workspace:create", "workspace:update", "workspace:read"},
	"coder:workspaces.operate":  {"workspace:read", "workspace:update"},
	"coder:workspaces.delete":   {"workspace:read", "workspace:delete"},
	"coder:workspaces.access":   {"workspace:read", "workspace:ssh", "workspace:application_connect"},
	"coder:templates.build":     {"template:read", "file:create", "file:read"},
	"coder:templates.author":    {"template:read", "template:create", "template:update", "template:delete", "file:create", "file:read"},
	"coder:apikeys.manage_self": {"api_key:read", "api_key:create", "api_key:update", "api_key:delete"},
}

// CoderScopes lists Coder's public scopes, sorted.
func CoderScopes() []string {
	out := []string{scopeCoderAll, ScopeApplicationConnect}
	for name := range coderComposites {
		out = append(out, name)
	}
	for resource, actions := range coderResources {
		for _, action := range actions {
			out = append(out, resource+":"+action)
		}
	}
	slices.Sort(out)
	return out
}

// canonicalScope returns the one name of a scope, or false for one that does not
// exist.
func canonicalScope(s string) (string, bool) {
	switch s {
	case scopeCoderAll:
		return ScopeAll, true
	case scopeApplicationOld, ScopeApplicationConnect:
		return ScopeApplicationConnect, true
	}
	if slices.Contains(Scopes(), s) {
		return s, true
	}
	if _, ok := coderComposites[s]; ok {
		return s, true
	}
	resource, action, _ := strings.Cut(s, ":")
	return s, slices.Contains(coderResources[resource], action)
}

// normaliseScopes brings scopes to their one name, sorts, drops repeats, and lets
// "all" absorb the rest; none at all means "all". unknown is the first one that
// does not exist.
func normaliseScopes(in []string) (out []string, unknown string) {
	out = make([]string, 0, len(in))
	for _, s := range in {
		name, ok := canonicalScope(s)
		if !ok {
			return nil, s
		}
		out = append(out, name)
	}
	if len(out) == 0 || slices.Contains(out, ScopeAll) {
		return []string{ScopeAll}, ""
	}
	slices.Sort(out)
	return slices.Compact(out), ""
}

// grants says whether a scope that is held contains another one.
func grants(held, wanted string) bool {
	if held == ScopeAll || held == wanted || slices.Contains(coderComposites[held], wanted) {
		return true
	}
	resource, action, ok := strings.Cut(held, ":")
	return ok && action == "*" && strings.HasPrefix(wanted, resource+":")
}

// covers says whether a key of scopes held may make one of scopes wanted.
func covers(held, wanted []string) bool {
	return !slices.ContainsFunc(wanted, func(w string) bool { return !coversOne(held, w) })
}

func coversOne(held []string, wanted string) bool {
	if slices.ContainsFunc(held, func(h string) bool { return grants(h, wanted) }) {
		return true
	}
	parts, composite := coderComposites[wanted]
	return composite && covers(held, parts)
}

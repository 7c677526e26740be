package commands

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/rosterhq/roster/events"
)

// maxAllowList bounds the entries of a key's allow list.
const maxAllowList = 128

// anyOf stands in an allow list for every type or every id.
const anyOf = "*"

// foreignResources are types that Coder's clients may name in an allow list, though
// there is nothing of the kind here.
var foreignResources = []string{
	"ai_model_price", "ai_provider", "ai_seat", "aibridge_interception", "assign_org_role", "assign_role", "audit_log",
	"boundary_usage", "chat", "connection_log", "crypto_key", "debug_info", "deployment_config", "deployment_stats",
	"group", "group_member", "idpsync_settings", "license", "notification_message", "notification_preference",
	"notification_template", "oauth2_app", "oauth2_app_code_token", "oauth2_app_secret", "prebuilt_workspace",
	"provisioner_daemon", "provisioner_jobs", "replicas", "system", "tailnet_coordinator", "task", "usage_event",
	"webpush_subscription", "workspace_agent_devcontainers", "workspace_agent_resource_monitor", "workspace_dormant",
	"workspace_proxy",
}

// ResourceTypes lists the types that an allow list may name, sorted.
func ResourceTypes() []string {
	types := map[string]bool{}
	for _, t := range foreignResources {
		types[t] = true
	}
	for t := range coderResources {
		types[t] = true
	}
	for _, r := range policy {
		types[r.resource] = true
	}
	delete(types, anyResource)
	return slices.Sorted(maps.Keys(types))
}

// normaliseAllowList sorts an allow list and drops what others in it contain.
// "*:*" contains everything, which is what an empty list says.
func (p *problems) normaliseAllowList(in []events.Resource) []events.Resource {
	if len(in) > maxAllowList {
		p.add("allowList", "too-long", fmt.Sprintf("must have at most %d entries", maxAllowList))
		return nil
	}
	if len(in) == 0 {
		return nil
	}
	types := ResourceTypes()
	out := make([]events.Resource, 0, len(in))
	for _, e := range in {
		if e.Type != anyOf && !slices.Contains(types, e.Type) {
			p.add("allowList", "unknown", "there is no such type: "+printable(e.Type))
			return nil
		}
		if e.ID != anyOf {
			id, ok := canonicalID(e.ID)
			if !ok {
				p.add("allowList", "format", "an id must be * or a UUID: "+printable(e.ID))
				return nil
			}
			e.ID = id
		}
		out = append(out, e)
	}
	return withoutContained(out)
}

// withoutContained drops the entries that another one contains, and repeats.
func withoutContained(list []events.Resource) []events.Resource {
	slices.SortFunc(list, func(a, b events.Resource) int {
		return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.ID, b.ID))
	})
	list = slices.Compact(list)
	if slices.Contains(list, events.Resource{Type: anyOf, ID: anyOf}) {
		return nil
	}
	var out []events.Resource
	for _, e := range list {
		contained := slices.ContainsFunc(list, func(other events.Resource) bool { return other != e && contains(other, e) })
		if !contained {
			out = append(out, e)
		}
	}
	return out
}

// contains says whether everything that inner names is named by outer.
func contains(outer, inner events.Resource) bool {
	return (outer.Type == anyOf || outer.Type == inner.Type) && (outer.ID == anyOf || outer.ID == inner.ID)
}

// coversList says whether a key with the allow list held may make one with the
// list wanted.
func coversList(held, wanted []events.Resource) bool {
	if len(held) == 0 {
		return true
	}
	if len(wanted) == 0 {
		return false
	}
	return !slices.ContainsFunc(wanted, func(w events.Resource) bool {
		return !slices.ContainsFunc(held, func(h events.Resource) bool { return contains(h, w) })
	})
}

package coder

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query"
)

const failedKey = "Failed to create API key."

// nanoseconds is a duration as Go writes it to JSON.
func (b *body) nanoseconds(name string) time.Duration { return time.Duration(b.integer(name)) }

// scopes are what a token asks for: the list or, where it is empty, the one scope
// of older clients.
func (b *body) scopes() []string {
	scopes, old := b.texts("scopes"), b.text("scope")
	if len(scopes) == 0 && old != "" {
		scopes = []string{old}
	}
	if len(scopes) == 0 {
		return []string{coderAll}
	}
	return scopes
}

// allowList reads {"type","id"} or "type:id" each.
func (b *body) allowList() []events.Resource {
	var entries []json.RawMessage
	if !b.member("allow_list", "list of objects", &entries) {
		return nil
	}
	list := make([]events.Resource, 0, len(entries))
	for _, raw := range entries {
		e, ok := allowedEntry(raw)
		if !ok {
			b.refuse(`field "allow_list" must hold objects of type and id, or texts "type:id", whose id is * or a UUID`)
			return nil
		}
		list = append(list, e)
	}
	return list
}

func allowedEntry(raw json.RawMessage) (events.Resource, bool) {
	var e allowed
	if raw = bytes.TrimSpace(raw); raw[0] == '"' {
		var text string
		if json.Unmarshal(raw, &text) != nil {
			return events.Resource{}, false
		}
		e.Type, e.ID, _ = strings.Cut(text, ":")
	} else if raw[0] != '{' || json.Unmarshal(raw, &e) != nil {
		return events.Resource{}, false
	}
	if e.ID != "*" {
		id, ok := canonicalUUID(e.ID)
		if !ok {
			return events.Resource{}, false
		}
		e.ID = id
	}
	return events.Resource{Type: e.Type, ID: e.ID}, e.Type != ""
}

// checkToken says what is wrong with a token that is asked for, in Coder's order.
func (h *Handler) checkToken(c commands.CreateKey, u query.User) error {
	for _, s := range c.Scopes {
		if !isPublicScope(s) {
			return refuse(http.StatusBadRequest, failedKey, fmt.Sprintf("invalid or unsupported API key scope: %q", shortened(s, 128)))
		}
	}
	if err := commands.CheckAllowList(c.AllowList); err != nil {
		return refuse(http.StatusBadRequest, failedKey, "invalid allow_list: "+err.Fields[0].Detail)
	}
	switch longest := h.Commands.MaxLifetime(commands.User{Roles: u.Roles}); {
	case c.Lifetime < 0:
		return wrongLifetime("lifetime must be positive number greater than 0")
	case c.Lifetime > longest:
		return wrongLifetime("lifetime must be less than " + longest.String())
	}
	return nil
}

func wrongLifetime(detail string) error {
	return refuse(http.StatusBadRequest, "Failed to validate create API key request.", detail)
}

func isPublicScope(s string) bool {
	return s == coderAllOld || s == applicationOld || slices.Contains(commands.CoderScopes(), s)
}

func isNameTaken(err error) bool {
	e, ok := commands.AsError(err)
	return ok && e.Code == commands.Conflict && e.Reason == "key-name"
}

// refusedKey translates why a key was not made.
func refusedKey(err error, name string) error {
	e, ok := commands.AsError(err)
	switch {
	case !ok:
		return broken(err, failedKey)
	case isNameTaken(err):
		return refuse(http.StatusConflict, fmt.Sprintf("A token with name %q already exists.", name), "",
			inUse)
	case e.Code == commands.Invalid && len(e.Fields) > 0 && e.Fields[0].Field == "lifetime":
		return wrongLifetime("lifetime " + e.Fields[0].Detail)
	case e.Code == commands.Invalid && len(e.Fields) > 0:
		return refuse(http.StatusBadRequest, failedKey, e.Fields[0].Field+": "+e.Fields[0].Detail)
	case e.Code == commands.Precondition:
		return refuse(http.StatusBadRequest, failedKey, e.Message)
	default:
		return broken(err, failedKey)
	}
}

package coder

import (
	"slices"
	"time"

	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query"
)

// allowed is one entry of a key's allow list.
type allowed struct {
	Type string `json:"type"`
	ID   string `json:"id"`
}

// keyAnswer is the key object.
type keyAnswer struct {
	ID              string    `json:"id"`
	UserID          string    `json:"user_id"`
	LastUsed        time.Time `json:"last_used"`
	ExpiresAt       time.Time `json:"expires_at"`
	CreatedAt       time.Time `json:"created_at"`
	UpdatedAt       time.Time `json:"updated_at"`
	LoginType       string    `json:"login_type"`
	Scope           string    `json:"scope"`
	Scopes          []string  `json:"scopes"`
	TokenName       string    `json:"token_name"`
	LifetimeSeconds int64     `json:"lifetime_seconds"`
	AllowList       []allowed `json:"allow_list"`
}

// listedKey is a key as lists show it.
type listedKey struct {
	keyAnswer
	Username string `json:"username"`
}

// Coder's names of the scopes whose names are others here.
const (
	coderAll           = "coder:all"
	coderAllOld        = "all"
	applicationOld     = "application_connect"
	applicationConnect = commands.ScopeApplicationConnect
)

func keyObject(k query.Key) keyAnswer {
	scopes := shownScopes(k)
	return keyAnswer{
		ID: k.ID, UserID: k.UserID, LastUsed: lastUsed(k.LastUsedAt), ExpiresAt: stamp(k.ExpiresAt),
		CreatedAt: stamp(k.CreatedAt), UpdatedAt: stamp(k.UpdatedAt), LoginType: string(k.LoginType),
		Scope: oldScope(scopes), Scopes: scopes, TokenName: k.Name,
		LifetimeSeconds: int64(k.Lifetime / time.Second), AllowList: shownList(k.AllowList),
	}
}

// lastUsed of a key that nobody used is the beginning of Unix time.
func lastUsed(t time.Time) time.Time {
	if t.IsZero() {
		return time.Unix(0, 0).UTC()
	}
	return stamp(t)
}

// shownScopes are what a key may do, by Coder's names. A session may do everything.
func shownScopes(k query.Key) []string {
	if len(k.Scopes) == 0 && k.LoginType != events.LoginToken {
		return []string{coderAll}
	}
	out := make([]string, len(k.Scopes))
	for i, s := range k.Scopes {
		out[i] = s
		if s == commands.ScopeAll {
			out[i] = coderAll
		}
	}
	return out
}

// oldScope is the one scope that older clients know.
func oldScope(scopes []string) string {
	switch {
	case slices.Contains(scopes, applicationConnect):
		return applicationOld
	case slices.Contains(scopes, coderAll):
		return coderAllOld
	default:
		return ""
	}
}

func shownList(list []events.Resource) []allowed {
	if len(list) == 0 {
		return []allowed{{Type: "*", ID: "*"}}
	}
	out := make([]allowed, len(list))
	for i, e := range list {
		out[i] = allowed{Type: e.Type, ID: e.ID}
	}
	return out
}

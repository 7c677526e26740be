package coder_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
)

// TestEveryChangeIsInTheHistory: who, what, when, from which address and why, of
// each change that Coder's API makes of a user.
func TestEveryChangeIsInTheHistory(t *testing.T) {
	t.Parallel()
	i := &installation{System: apitest.New(t), t: t}
	const password, later = "SomeSecurePassword!", "AnotherSecurePassword!"
	i.as("", http.MethodPost, "/users/first", object{"email": "root@example.com", "username": "root", "password": password}, http.StatusCreated)
	root := i.login("root@example.com", password)
	rootID := i.as(root, http.MethodGet, "/users/me", nil, http.StatusOK).Map(i.System)["id"]
	organization := i.as(root, http.MethodGet, "/organizations/default", nil, http.StatusOK).Map(i.System)["id"]
	other := i.as(root, http.MethodPost, "/organizations", object{"name": "other"}, http.StatusCreated).Map(i.System)["id"].(string)
	adaID := i.as(root, http.MethodPost, "/users", object{
		"email": "ada@example.com", "username": "ada", "password": password, "login_type": "password", "organization_ids": []any{organization},
	}, http.StatusCreated).Map(i.System)["id"].(string)
	ada := i.login("ada@example.com", password)

	type change struct {
		by, method, path string
		body             any
		status           int
		kind             string // of the event, without prefix and version
	}
	token := ""
	var want []string
	for _, c := range []change{
		{ada, "PUT", "/users/me/profile", object{"username": "ada", "name": "Ada Lovelace"}, 200, "profile-updated"},
		{root, "PUT", "/users/ada/profile", object{"username": "countess", "name": "Ada Lovelace"}, 200, "username-changed"},
		{ada, "PUT", "/users/me/appearance", object{"theme_preference": "dark", "terminal_font": "fira-code"}, 200, "preferences-updated"},
		{ada, "PUT", "/users/me/preferences", object{"task_notification_alert_dismissed": true}, 200, "preferences-updated"},
		{ada, "PUT", "/users/me/gitsshkey", nil, 200, "ssh-key-generated"},
		{ada, "POST", "/users/me/keys/tokens", object{"token_name": "ci"}, 201, "key-created"},
		{ada, "PUT", "/users/me/keys/{token}/expire", nil, 204, "key-expired"},
		{ada, "DELETE", "/users/me/keys/{token}", nil, 204, "key-deleted"},
		{ada, "POST", "/users/me/keys", nil, 201, "key-created"},
		{root, "PUT", "/users/countess/roles", object{"roles": []string{"auditor"}}, 200, "roles-assigned"},
		{root, "POST", "/organizations/" + other + "/members/countess", nil, 200, "membership-added"},
		{root, "PUT", "/organizations/" + other + "/members/countess/roles", object{"roles": []string{"organization-admin"}}, 200, "organization-roles-assigned"},
		{root, "DELETE", "/organizations/" + other + "/members/countess", nil, 204, "membership-removed"},
		{root, "PUT", "/users/countess/status/suspend", nil, 200, "suspended"},
		{root, "PUT", "/users/countess/status/activate", nil, 200, "activated"},
		{root, "PUT", "/users/countess/password", object{"password": later}, 204, "password-set"},
		{root, "DELETE", "/users/" + adaID, nil, 200, "deleted"},
	} {
		answer := i.because("for "+c.kind, c.by, c.method, withToken(c.path, token), c.body, c.status)
		if c.kind == "key-created" && token == "" {
			token = answer.Map(i.System)["key"].(string)[:10]
		}
		want = append(want, c.kind)
	}

	session := &apitest.Session{System: i.System, Token: root}
	items := session.Do("GET", "/v1/users/"+adaID+"/history?order=asc&limit=100", nil, nil).Map(i.System)["items"].([]any)
	var got []string
	for _, raw := range items {
		item := raw.(object)
		kind := kindOf(item["type"].(string))
		require.Equal(t, "coder", item["dialect"], kind)
		require.NotEmpty(t, item["time"], kind)
		require.Contains(t, []any{rootID, adaID}, item["actor"], kind)
		require.Equal(t, "127.0.0.1", item["client"], kind)
		if reason, told := item["reason"]; told { // registration and sign-in had none
			require.Equal(t, "for "+kind, reason)
			got = append(got, kind)
		}
	}
	require.Equal(t, want, got)
}

// because is as with a reason of the caller's.
func (i *installation) because(reason, token, method, path string, body any, want int) apitest.Answer {
	i.t.Helper()
	a := i.Do(method, "/api/v2"+path, map[string]string{"Coder-Session-Token": token, "Roster-Reason": reason}, body)
	require.Equal(i.t, want, a.Status, "%s %s: %s", method, path, a.Body)
	return a
}

func withToken(path, token string) string { return strings.ReplaceAll(path, "{token}", token) }

// kindOf cuts "roster.user.suspended.v1" to "suspended".
func kindOf(typ string) string {
	return strings.Split(strings.TrimPrefix(typ, "roster.user."), ".")[0]
}

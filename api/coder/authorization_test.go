package coder_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
)

// The callers of the table, in the order of its columns.
const (
	byNobody = iota
	bySelf
	byMember
	byUserAdmin
	byOwner
	byAuditor
	byTemplateAdmin
	byOrgAdmin
	byScoped // an owner's token whose one scope is user:read
	bySuspended
	callers
)

var callerNames = [callers]string{
	"anonymous", "self", "other member", "user-admin", "owner", "auditor", "template-admin", "org-admin", "scoped token", "suspended",
}

// right is a line of the table: what each caller gets who does this to a member.
// In path and body, {user}, {name}, {email}, {key}, {token}, {org}, {team}, {skill}
// and {new} stand for the target's id, username, address, key id and token name,
// the default organization, one that nobody is in, the target's skill, and a fresh name.
type right struct {
	method, path, body string
	want               [callers]int
}

// rights is the table of section 2.4 of the dialect's page, endpoint by endpoint.
var rights = []right{
	//                                                                                          nobody self member uadmin owner audit templ orgad scoped susp
	{"GET", "/buildinfo", "", [callers]int{200, 200, 200, 200, 200, 200, 200, 200, 200, 200}},
	{"GET", "/auth/scopes", "", [callers]int{200, 200, 200, 200, 200, 200, 200, 200, 200, 200}},
	{"GET", "/users/authmethods", "", [callers]int{200, 200, 200, 200, 200, 200, 200, 200, 200, 200}},
	{"GET", "/users/first", "", [callers]int{200, 200, 200, 200, 200, 200, 200, 200, 200, 200}},
	{"POST", "/users/first", `{"email":"x@example.com","username":"x","password":"SomeSecurePassword!"}`, [callers]int{409, 409, 409, 409, 409, 409, 409, 409, 409, 409}},
	{"POST", "/users/login", `{"email":"{email}","password":"SomeSecurePassword!"}`, [callers]int{201, 201, 201, 201, 201, 201, 201, 201, 201, 201}},
	{"POST", "/users/validate-password", `{"password":"x"}`, [callers]int{200, 200, 200, 200, 200, 200, 200, 200, 200, 200}},
	{"POST", "/users/otp/request", `{"email":"{email}"}`, [callers]int{204, 204, 204, 204, 204, 204, 204, 204, 204, 204}},
	{"POST", "/users/otp/change-password", `{"email":"{email}","one_time_passcode":"x","password":"SomeSecurePassword!"}`, [callers]int{400, 400, 400, 400, 400, 400, 400, 400, 400, 400}},

	{"POST", "/users/logout", "", [callers]int{401, 200, 200, 200, 200, 200, 200, 200, 200, 401}},
	{"GET", "/users", "", [callers]int{401, 200, 200, 200, 200, 200, 200, 200, 200, 401}},
	{"GET", "/users/roles", "", [callers]int{401, 200, 200, 200, 200, 200, 200, 200, 200, 401}},
	{"GET", "/users/oidc-claims", "", [callers]int{401, 400, 400, 400, 400, 400, 400, 400, 400, 401}},
	{"POST", "/users", `{"email":"{new}@example.com","username":"{new}","password":"SomeSecurePassword!","organization_ids":["{org}"]}`, [callers]int{401, 403, 403, 201, 201, 403, 403, 403, 403, 401}},
	{"POST", "/users", `{"email":"{new}@example.com","username":"{new}","password":"SomeSecurePassword!","organization_ids":["{org}"],"roles":["auditor"]}`, [callers]int{401, 403, 403, 403, 201, 403, 403, 403, 403, 401}},

	{"GET", "/users/{user}", "", [callers]int{401, 200, 404, 200, 200, 200, 200, 200, 200, 401}},
	{"GET", "/users/{name}", "", [callers]int{401, 200, 404, 200, 200, 200, 200, 200, 200, 401}},
	{"DELETE", "/users/{user}", "", [callers]int{401, 403, 404, 200, 200, 403, 403, 403, 403, 401}},
	{"PUT", "/users/{user}/profile", `{"username":"{name}","name":"New Name"}`, [callers]int{401, 200, 404, 200, 200, 404, 404, 404, 404, 401}},
	{"PUT", "/users/{user}/profile", `{"username":"{new}","name":""}`, [callers]int{401, 404, 404, 200, 200, 404, 404, 404, 404, 401}},
	{"GET", "/users/{user}/appearance", "", [callers]int{401, 200, 404, 200, 200, 404, 404, 404, 404, 401}},
	{"PUT", "/users/{user}/appearance", `{"theme_preference":"dark","terminal_font":"fira-code"}`, [callers]int{401, 200, 404, 200, 200, 404, 404, 404, 404, 401}},
	{"GET", "/users/{user}/preferences", "", [callers]int{401, 200, 404, 200, 200, 404, 404, 404, 404, 401}},
	{"PUT", "/users/{user}/preferences", `{"agent_chat_send_shortcut":"enter"}`, [callers]int{401, 200, 404, 200, 200, 404, 404, 404, 404, 401}},
	{"GET", "/users/{user}/autofill-parameters?template_id=0190c3a8-0000-7000-8000-0000000000ee", "", [callers]int{401, 200, 404, 404, 200, 404, 404, 404, 404, 401}},
	{"GET", "/users/{user}/gitsshkey", "", [callers]int{401, 200, 404, 200, 200, 500, 500, 500, 500, 401}},
	{"PUT", "/users/{user}/gitsshkey", "", [callers]int{401, 200, 404, 200, 200, 500, 500, 500, 500, 401}},
	{"GET", "/users/{user}/login-type", "", [callers]int{401, 200, 404, 403, 403, 403, 403, 403, 403, 401}},
	{"PUT", "/users/{user}/password", `{"old_password":"SomeSecurePassword!","password":"MySecurePassword!"}`, [callers]int{401, 204, 404, 204, 204, 404, 404, 404, 404, 401}},
	{"GET", "/users/{user}/roles", "", [callers]int{401, 200, 404, 200, 200, 404, 404, 404, 404, 401}},
	{"PUT", "/users/{user}/roles", `{"roles":["auditor"]}`, [callers]int{401, 400, 404, 403, 200, 403, 403, 403, 403, 401}},
	{"PUT", "/users/{user}/status/suspend", "", [callers]int{401, 400, 404, 200, 200, 403, 403, 403, 403, 401}},
	{"PUT", "/users/{user}/status/activate", "", [callers]int{401, 403, 404, 200, 200, 403, 403, 403, 403, 401}},
	{"GET", "/users/{user}/organizations", "", [callers]int{401, 200, 404, 200, 200, 200, 200, 200, 200, 401}},
	{"GET", "/users/{user}/organizations/coder", "", [callers]int{401, 200, 404, 200, 200, 200, 200, 200, 404, 401}},

	{"POST", "/users/{user}/keys", "", [callers]int{401, 201, 404, 403, 201, 403, 403, 403, 403, 401}},
	{"GET", "/users/{user}/keys/tokens", "", [callers]int{401, 200, 404, 200, 200, 200, 200, 200, 200, 401}},
	{"POST", "/users/{user}/keys/tokens", `{"token_name":"{new}"}`, [callers]int{401, 201, 404, 403, 201, 403, 403, 403, 403, 401}},
	{"GET", "/users/{user}/keys/tokens/tokenconfig", "", [callers]int{401, 200, 404, 200, 200, 200, 200, 200, 200, 401}},
	{"GET", "/users/{user}/keys/tokens/{token}", "", [callers]int{401, 200, 404, 404, 200, 404, 404, 404, 404, 401}},
	{"GET", "/users/{user}/keys/{key}", "", [callers]int{401, 200, 404, 404, 200, 404, 404, 404, 404, 401}},
	{"PUT", "/users/{user}/keys/{key}/expire", "", [callers]int{401, 204, 404, 404, 204, 404, 404, 404, 404, 401}},
	{"DELETE", "/users/{user}/keys/{key}", "", [callers]int{401, 204, 404, 404, 204, 404, 404, 404, 404, 401}},

	{"GET", "/organizations", "", [callers]int{401, 200, 200, 200, 200, 200, 200, 200, 200, 401}},
	{"GET", "/organizations/default", "", [callers]int{401, 200, 200, 200, 200, 200, 200, 200, 404, 401}},
	{"GET", "/organizations/{team}", "", [callers]int{401, 404, 404, 200, 200, 200, 200, 404, 404, 401}},
	{"POST", "/organizations", `{"name":"{new}"}`, [callers]int{401, 403, 403, 403, 201, 403, 403, 403, 403, 401}},
	{"PATCH", "/organizations/{org}", `{"display_name":"Everybody"}`, [callers]int{401, 404, 404, 404, 200, 404, 404, 200, 404, 401}},
	{"DELETE", "/organizations/{team}", "", [callers]int{401, 404, 404, 404, 200, 404, 404, 404, 404, 401}},
	{"PUT", "/organizations/{org}/members/{user}/roles", `{"roles":["organization-auditor"]}`, [callers]int{401, 400, 404, 403, 200, 403, 403, 200, 404, 401}},
	{"POST", "/organizations/{team}/members/{user}", "", [callers]int{401, 404, 404, 200, 200, 404, 404, 404, 404, 401}},
	{"DELETE", "/organizations/{org}/members/{user}", "", [callers]int{401, 400, 404, 204, 204, 404, 404, 204, 404, 401}},
}

// experimental is the part of the table whose paths begin otherwise.
var experimental = []right{
	{"GET", "/users/{user}/skills", "", [callers]int{401, 200, 404, 404, 200, 404, 404, 404, 404, 401}},
	{"GET", "/users/{user}/skills/{skill}", "", [callers]int{401, 200, 404, 404, 200, 404, 404, 404, 404, 401}},
	{"POST", "/users/{user}/skills", `{"content":"---\nname: {new}\n---\nText.\n"}`, [callers]int{401, 201, 404, 403, 403, 403, 403, 403, 403, 401}},
	{"PATCH", "/users/{user}/skills/{skill}", `{"content":"---\nname: {skill}\n---\nOther.\n"}`, [callers]int{401, 200, 404, 403, 403, 403, 403, 403, 403, 401}},
	{"DELETE", "/users/{user}/skills/{skill}", "", [callers]int{401, 204, 404, 404, 204, 404, 404, 404, 404, 401}},
}

// TestAuthorization asks for every endpoint as every kind of caller, each time
// about somebody new.
func TestAuthorization(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, line := range rights {
		h.ask("/api/v2", line)
	}
	for _, line := range experimental {
		h.ask("/api/experimental", line)
	}
}

// house is a system with one of each kind of caller.
type house struct {
	*apitest.System
	t    *testing.T
	team string
	made int
}

var system = commands.Request{Actor: commands.Actor{UserID: commands.SystemActor}}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{System: apitest.New(t), t: t}
	h.FirstUser()
	team, err := h.Commands.CreateOrganization(t.Context(), system, commands.CreateOrganization{Name: "team"})
	require.NoError(t, err)
	h.Queries.NoteAny(team.Position)
	h.team = team.Organization.ID
	return h
}

// somebody makes a user and a session, or a token where scopes are given.
func (h *house) somebody(roles []events.Role, scopes ...string) (commands.User, string) {
	h.t.Helper()
	h.made++
	name := fmt.Sprintf("user-%d", h.made)
	res, err := h.Commands.Register(h.t.Context(), system, commands.Register{
		Username: name, Email: name + "@example.com", Password: "SomeSecurePassword!", Roles: roles,
	})
	require.NoError(h.t, err)
	create := commands.CreateKey{UserID: res.User.ID, LoginType: events.LoginPassword}
	if len(scopes) > 0 {
		create.LoginType, create.Scopes = events.LoginToken, scopes
	}
	key, err := h.Commands.CreateKey(h.t.Context(), system, create)
	require.NoError(h.t, err)
	h.Queries.NoteCredentials(key.User.ID, key.Position) // as an answer over HTTP would
	return key.User, key.Token
}

// caller makes the caller of one cell; the target is its own caller, and who is
// suspended is so from the start.
func (h *house) caller(kind int, own string) string {
	h.t.Helper()
	switch kind {
	case byNobody:
		return ""
	case bySelf:
		return own
	case byMember:
		_, token := h.somebody(nil)
		return token
	case byScoped:
		_, token := h.somebody([]events.Role{events.RoleOwner}, "user:read")
		return token
	case byOrgAdmin:
		u, token := h.somebody(nil)
		res, err := h.Commands.AssignOrganizationRoles(h.t.Context(), system, commands.AssignOrganizationRoles{
			UserID: u.ID, Organization: h.Commands.DefaultOrganization(), Roles: []string{events.OrganizationAdmin},
		})
		require.NoError(h.t, err)
		h.Queries.NoteCredentials(u.ID, res.Position)
		return token
	case bySuspended:
		u, token := h.somebody(nil)
		res, err := h.Commands.Suspend(h.t.Context(), system, u.ID)
		require.NoError(h.t, err)
		h.Queries.NoteCredentials(u.ID, res.Position)
		return token
	}
	role := map[int]events.Role{
		byUserAdmin: events.RoleUserAdmin, byOwner: events.RoleOwner, byAuditor: events.RoleAuditor, byTemplateAdmin: events.RoleTemplateAdmin,
	}[kind]
	_, token := h.somebody([]events.Role{role})
	return token
}

func (h *house) ask(prefix string, line right) {
	h.t.Helper()
	for kind := range line.want {
		target, own := h.somebody(nil)
		fill := h.things(line, target)
		headers := map[string]string{}
		if token := h.caller(kind, own); token != "" {
			headers["Coder-Session-Token"] = token
		}
		var body any
		if line.body != "" {
			body = fill.Replace(line.body)
		}
		a := h.Do(line.method, prefix+fill.Replace(line.path), headers, body)
		if a.Status != line.want[kind] {
			h.t.Errorf("%s %s by %s: %d, want %d: %s", line.method, line.path, callerNames[kind], a.Status, line.want[kind], a.Body)
		}
	}
}

// things makes what a line is about and returns what stands for it.
func (h *house) things(line right, target commands.User) *strings.Replacer {
	h.t.Helper()
	ctx := h.t.Context()
	team, key, tokenName := h.team, "", "ci"
	if line.method == http.MethodDelete && strings.Contains(line.path, "/organizations/{team}") {
		res, err := h.Commands.CreateOrganization(ctx, system, commands.CreateOrganization{Name: target.Username})
		require.NoError(h.t, err)
		h.Queries.NoteAny(res.Position)
		team = res.Organization.ID
	}
	if strings.Contains(line.path, "{key}") || strings.Contains(line.path, "{token}") {
		res, err := h.Commands.CreateKey(ctx, system, commands.CreateKey{UserID: target.ID, Name: tokenName})
		require.NoError(h.t, err)
		h.Queries.NoteCredentials(target.ID, res.Position)
		key = res.Key.ID
	}
	if strings.Contains(line.path, "{skill}") {
		res, err := h.Commands.WriteSkill(ctx, commands.Request{Actor: commands.Actor{UserID: target.ID, Scopes: []string{"all"}}},
			commands.WriteSkill{UserID: target.ID, Content: "---\nname: review\n---\nBe kind.\n"})
		require.NoError(h.t, err)
		h.Queries.Note(target.ID, res.Position)
	}
	return strings.NewReplacer(
		"{user}", target.ID, "{name}", target.Username, "{email}", target.Email, "{key}", key, "{token}", tokenName,
		"{org}", h.Commands.DefaultOrganization(), "{team}", team, "{skill}", "review", "{new}", "new-"+target.Username,
	)
}

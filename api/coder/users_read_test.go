package coder_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestUserOfAPath(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.check([]line{
		{"1.5 me", w.ada, "GET", path("me", ""), nil, 200, nil},
		{"1.5 me by id", w.ada, "GET", path(w.ada.ID, ""), nil, 200, nil},
		{"1.5 by id in capitals", w.owner, "GET", path(strings.ToUpper(w.ada.ID), ""), nil, 200, nil},
		{"1.5 by username in any case", w.owner, "GET", path("ADA", ""), nil, 200, nil},
		{"1.5 not by e-mail", w.owner, "GET", path("ada@example.com", ""), nil, 404, missing},
		{"1.5 unknown username", w.owner, "GET", path("nobody", ""), nil, 404, missing},
		{"1.5 unknown id", w.owner, "GET", path(someUUID, ""), nil, 404, missing},
		{"1.5 not readable by name", w.ada, "GET", path("linus", ""), nil, 404, missing},
		{"1.5 not readable by id", w.ada, "GET", path(w.linus.ID, ""), nil, 404, missing},
		{"1.5 something overlong", w.owner, "GET", path(strings.Repeat("x", 500), ""), nil, 404, missing},
		{"1.5 NUL", w.owner, "GET", path("a%00", ""), nil, 404, missing},
		{"1.5 not UTF-8", w.owner, "GET", path("%ff", ""), nil, 404, missing},
		{"1.5 another form of UUID", w.owner, "GET", path("urn:uuid:"+w.ada.ID, ""), nil, 404, missing},
		{"3.11 nobody", nil, "GET", path("ada", ""), nil, 401, nil},
		{"3.11 owner", w.owner, "GET", path("ada", ""), nil, 200, nil},
		{"3.11 user-admin", w.admin, "GET", path("owner", ""), nil, 200, nil},
		{"3.11 auditor", w.auditor, "GET", path("ada", ""), nil, 200, nil},
		{"3.11 template-admin", w.builder, "GET", path("ada", ""), nil, 200, nil},
	})
}

func TestUserObject(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	made := w.make("grace", object{"name": "Grace Hopper", "roles": []string{"auditor", "member", "auditor"}})
	u := w.get(w.owner, path("grace", ""))
	require.Equal(t, made, u, "an answer to a write is what a read says")
	moment(t, u["created_at"])
	moment(t, u["updated_at"])
	for k, v := range (object{
		"username": "grace", "name": "Grace Hopper", "avatar_url": "", "email": "grace@example.com", "status": "dormant",
		"login_type": "password", "is_service_account": false, "theme_preference": "", "last_seen_at": neverSeen,
		"organization_ids": []any{w.Commands.DefaultOrganization()}, "has_ai_seat": false,
		"roles": []any{object{"name": "auditor", "display_name": "Auditor"}},
	}) {
		require.Equal(t, v, u[k], k)
	}
	a := w.owner.Do("GET", path("grace", ""), nil, nil)
	require.Equal(t, "application/json; charset=utf-8", a.Header.Get("Content-Type"))
	require.True(t, strings.HasSuffix(string(a.Body), "}\n"))
}

func TestLoginType(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.check([]line{
		{"3.25 self", w.ada, "GET", path("me", "/login-type"), nil, 200, object{"login_type": "password"}},
		{
			"3.25 someone else, even for an owner", w.owner, "GET", path("ada", "/login-type"), nil, 403,
			says("You are not authorized to view this user's login type."),
		},
		{"3.25 not readable", w.ada, "GET", path("linus", "/login-type"), nil, 404, missing},
		{"3.25 nobody", nil, "GET", path("me", "/login-type"), nil, 401, nil},
	})
}

func TestUnknownRoutes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	route, method := says("Route not found."), says("Method not allowed.")
	w.check([]line{
		{"1.1 unknown route", w.owner, "GET", "/api/v2/nothing", nil, 404, route},
		{"1.1 unknown experimental route", w.owner, "GET", "/api/experimental/nothing", nil, 404, route},
		{"1.1 trailing slash", w.owner, "GET", users + "/", nil, 404, route},
		{"1.1 trailing slash of a user", w.owner, "GET", path("ada", "/"), nil, 404, route},
		{"1.1 unknown part of a user", w.owner, "GET", path("ada", "/nothing"), nil, 404, route},
		{"1.1 method of the list", w.owner, "DELETE", users, nil, 405, method},
		{"1.1 method of a user", w.owner, "PATCH", path("ada", ""), nil, 405, method},
		{"1.1 method of the status", w.owner, "POST", path("ada", "/status/suspend"), nil, 405, method},
	})
	require.Equal(t, http.StatusOK, w.owner.Do("HEAD", path("ada", ""), nil, nil).Status)
}

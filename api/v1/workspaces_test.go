package v1_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
)

func TestWorkspaces(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	ada, linus, auditor := owner.NewUser("ada"), owner.NewUser("linus"), owner.NewUser("auditor", "auditor")
	const all = "/v1/workspaces"
	made := ada.Do("POST", all, nil, map[string]any{"name": "engine", "displayName": "Engine", "locations": []string{"london"}})
	require.Equal(t, http.StatusCreated, made.Status, "%s", made.Body)
	engine := made.Map(s)
	require.Equal(t, ada.ID, engine["owner"], "the caller owns it")
	at := made.Header.Get("Location")
	require.Equal(t, all+"/"+engine["id"].(string), at)
	require.NotEmpty(t, made.Header.Get("Roster-Position"))
	for _, by := range []*apitest.Session{ada, owner, auditor} {
		got := by.Do("GET", at, nil, nil)
		require.Equal(t, http.StatusOK, got.Status, "%s", got.Body)
		require.Equal(t, engine, got.Map(s), by.Username)
	}
	named := owner.Do("POST", all, nil, map[string]any{"name": "kernel", "owner": "LINUS"})
	require.Equal(t, http.StatusCreated, named.Status, "%s", named.Body)
	require.Equal(t, linus.ID, named.Map(s)["owner"])

	before := headOf(t, s)
	for name, c := range map[string]struct {
		by           *apitest.Session
		method, path string
		body         any
		status       int
	}{
		"somebody else's":           {ada, "POST", all, map[string]any{"name": "x", "owner": linus.ID}, 403},
		"somebody else's by name":   {ada, "POST", all, map[string]any{"name": "x", "owner": "linus"}, 403},
		"nobody's":                  {ada, "POST", all, map[string]any{"name": "x", "owner": "nobody"}, 403},
		"an unknown owner":          {owner, "POST", all, map[string]any{"name": "x", "owner": "nobody"}, 422},
		"an unknown owner's id":     {owner, "POST", all, map[string]any{"name": "x", "owner": "01900000-0000-7000-8000-000000000009"}, 422},
		"no name":                   {ada, "POST", all, map[string]any{}, 422},
		"a bad name":                {ada, "POST", all, map[string]any{"name": "No Slug"}, 422},
		"a taken name":              {linus, "POST", all, map[string]any{"name": "engine"}, 409},
		"a member nobody knows":     {ada, "POST", all, map[string]any{"name": "x", "color": "red"}, 422},
		"a wrong type":              {ada, "POST", all, map[string]any{"name": "x", "locations": "london"}, 422},
		"read by another":           {linus, "GET", at, nil, 404},
		"deleted by another":        {linus, "DELETE", at, nil, 404},
		"deleted by who may read":   {auditor, "DELETE", at, nil, 403},
		"unknown":                   {owner, "GET", all + "/01900000-0000-7000-8000-000000000009", nil, 404},
		"unknown, deleted":          {owner, "DELETE", all + "/01900000-0000-7000-8000-000000000009", nil, 404},
		"no id":                     {owner, "GET", all + "/engine", nil, 404},
		"an overlong id":            {owner, "DELETE", all + "/" + strings.Repeat("x", 500), nil, 404},
		"its owner can not be gone": {owner, "DELETE", "/v1/users/ada", nil, 409},
	} {
		a := c.by.Do(c.method, c.path, nil, c.body)
		require.Equal(t, c.status, a.Status, "%s: %s", name, a.Body)
	}
	require.Equal(t, before, headOf(t, s), "nothing was written")

	gone := ada.Do("DELETE", at, nil, nil)
	require.Equal(t, http.StatusNoContent, gone.Status, "%s", gone.Body)
	require.Equal(t, http.StatusNotFound, ada.Do("GET", at, nil, nil).Status)
	again := linus.Do("POST", all, nil, map[string]any{"name": "engine"})
	require.Equal(t, http.StatusCreated, again.Status, "its name is free: %s", again.Body)
	require.Equal(t, http.StatusNoContent, owner.Do("DELETE", "/v1/users/ada", nil, nil).Status)
}

func TestParameters(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	ada, linus, auditor := owner.NewUser("ada"), owner.NewUser("linus"), owner.NewUser("auditor", "auditor")
	const template = "01900000-0000-7000-8000-000000000009"
	const mine, hers = "/v1/users/me/parameters", "/v1/users/ada/parameters"
	of := func(name, value string) map[string]any {
		return map[string]any{"templateId": strings.ToUpper(template), "name": name, "value": value}
	}
	for _, p := range [][2]string{{"region", "eu"}, {"cpus", "4"}, {"region", "us"}} {
		a := ada.Do("POST", mine, nil, of(p[0], p[1]))
		require.Equal(t, http.StatusNoContent, a.Status, "%s", a.Body)
		require.NotEmpty(t, a.Header.Get("Roster-Position"))
	}
	require.Equal(t, http.StatusNoContent, owner.Do("POST", hers, nil, of("disk", "")).Status)
	want := `{"items":[{"name":"cpus","value":"4"},{"name":"disk","value":""},{"name":"region","value":"us"}]}`
	require.JSONEq(t, want, string(ada.Do("GET", mine+"?templateId="+template, nil, nil).Body))
	require.JSONEq(t, want, string(owner.Do("GET", hers+"?templateId="+template, nil, nil).Body))
	autofill := ada.Do("GET", "/api/v2/users/me/autofill-parameters?template_id="+template, nil, nil)
	require.JSONEq(t, `[{"name":"cpus","value":"4"},{"name":"disk","value":""},{"name":"region","value":"us"}]`, string(autofill.Body))

	before := headOf(t, s)
	for name, c := range map[string]struct {
		by           *apitest.Session
		method, path string
		body         any
		status       int
	}{
		"by a stranger":                       {linus, "POST", hers, of("region", "eu"), 404},
		"by who may read":                     {auditor, "POST", hers, of("region", "eu"), 403},
		"read by a stranger":                  {linus, "GET", hers + "?templateId=" + template, nil, 404},
		"read by who may read the user alone": {auditor, "GET", hers + "?templateId=" + template, nil, 403},
		"no template":                         {ada, "GET", mine, nil, 400},
		"a bad template":                      {ada, "GET", mine + "?templateId=x", nil, 400},
		"nothing":                             {ada, "POST", mine, map[string]any{}, 422},
		"no template's id":                    {ada, "POST", mine, map[string]any{"templateId": "x", "name": "region"}, 422},
		"an overlong name":                    {ada, "POST", mine, of(strings.Repeat("x", 129), "eu"), 422},
		"an overlong value":                   {ada, "POST", mine, of("region", strings.Repeat("x", 8193)), 422},
		"of nobody":                           {owner, "POST", "/v1/users/nobody/parameters", of("region", "eu"), 404},
	} {
		a := c.by.Do(c.method, c.path, nil, c.body)
		require.Equal(t, c.status, a.Status, "%s: %s", name, a.Body)
	}
	require.Equal(t, before, headOf(t, s), "nothing was written")
}

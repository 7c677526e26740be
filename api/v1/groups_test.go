package v1_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
	"github.com/rosterhq/roster/commands"
)

const (
	groupsPath = "/v1/groups"
	strangeID  = "/01900000-0000-7000-8000-000000000009"
)

// attempt is a call that is refused.
type attempt struct {
	by           *apitest.Session
	method, path string
	body         any
	status       int
}

func refusedAttempts(t *testing.T, s *apitest.System, attempts map[string]attempt) {
	t.Helper()
	before := headOf(t, s)
	for name, c := range attempts {
		a := c.by.Do(c.method, c.path, nil, c.body)
		require.Equal(t, c.status, a.Status, "%s: %s", name, a.Body)
		require.Equal(t, "application/problem+json", a.Header.Get("Content-Type"), name)
	}
	require.Equal(t, before, headOf(t, s), "nothing was written")
}

func body(name, value string) map[string]any { return map[string]any{name: value} }

func TestGroupsOfUsers(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	ada, auditor, admin := owner.NewUser("ada"), owner.NewUser("auditor", "auditor"), owner.NewUser("admin", "user-admin")
	made := admin.Do("POST", groupsPath, nil, body("name", "Operators"))
	require.Equal(t, http.StatusCreated, made.Status, "%s", made.Body)
	at := made.Header.Get("Location")
	require.Equal(t, groupsPath+"/"+made.Map(s)["id"].(string), at)
	require.EqualValues(t, 1, made.Map(s)["number"])

	for _, who := range []string{"ada", "ADA", ada.ID, "auditor"} { // who is there already stays
		a := owner.Do("PUT", at+"/members/"+who, nil, nil)
		require.Equal(t, http.StatusOK, a.Status, "%s", a.Body)
	}
	got := auditor.Do("GET", at, nil, nil)
	require.Equal(t, http.StatusOK, got.Status, "%s", got.Body)
	require.ElementsMatch(t, []any{ada.ID, auditor.ID}, got.Map(s)["members"])
	for range 2 { // who is not there stays out
		a := admin.Do("DELETE", at+"/members/auditor", nil, nil)
		require.Equal(t, []any{ada.ID}, a.Map(s)["members"])
	}
	a := admin.Do("PATCH", at, nil, body("name", "on call"))
	require.Equal(t, "on call", a.Map(s)["name"], "%s", a.Body)
	shown := ada.Do("GET", "/api/v3/users/whoami", nil, nil).Map(s)
	require.Equal(t, []any{map[string]any{"id": 1.0, "name": "on call"}}, shown["groups"], "RunWhen's clients see it")

	for i := range 4 {
		require.Equal(t, http.StatusCreated, owner.Do("POST", groupsPath, nil, body("name", fmt.Sprint("Team ", i))).Status)
	}
	var names []any
	for next := ""; ; {
		page := auditor.Do("GET", groupsPath+"?limit=2&cursor="+url.QueryEscape(next), nil, nil)
		require.Equal(t, http.StatusOK, page.Status, "%s", page.Body)
		for _, item := range page.Map(s)["items"].([]any) {
			names = append(names, item.(map[string]any)["name"])
			require.NotContains(t, item, "members")
		}
		var more bool
		if next, more = page.Map(s)["next"].(string); !more {
			break
		}
	}
	require.Equal(t, []any{"on call", "Team 0", "Team 1", "Team 2", "Team 3"}, names)

	refusedAttempts(t, s, map[string]attempt{
		"listed by anybody":          {ada, "GET", groupsPath, nil, 403},
		"read by a member":           {ada, "GET", at, nil, 403},
		"made by who may read":       {auditor, "POST", groupsPath, body("name", "x"), 403},
		"renamed by who may read":    {auditor, "PATCH", at, body("name", "x"), 403},
		"joined by oneself":          {ada, "PUT", at + "/members/me", nil, 403},
		"left by oneself":            {ada, "DELETE", at + "/members/me", nil, 403},
		"ended by who may read":      {auditor, "DELETE", at, nil, 403},
		"no name":                    {owner, "POST", groupsPath, map[string]any{}, 422},
		"a name of another type":     {owner, "POST", groupsPath, map[string]any{"name": 1}, 422},
		"a member that is unknown":   {owner, "POST", groupsPath, map[string]any{"name": "x", "color": "red"}, 422},
		"a taken name":               {owner, "POST", groupsPath, body("name", "TEAM 1"), 409},
		"renamed to a taken name":    {owner, "PATCH", at, body("name", "team 1"), 409},
		"unknown":                    {owner, "GET", groupsPath + strangeID, nil, 404},
		"unknown, renamed":           {owner, "PATCH", groupsPath + strangeID, body("name", "x"), 404},
		"unknown, ended":             {owner, "DELETE", groupsPath + strangeID, nil, 404},
		"no id":                      {owner, "GET", groupsPath + "/operators", nil, 404},
		"no id, ended":               {owner, "DELETE", groupsPath + "/operators", nil, 404},
		"a user's id":                {owner, "PATCH", groupsPath + "/" + ada.ID, body("name", "x"), 404},
		"somebody nobody knows":      {owner, "PUT", at + "/members/nobody", nil, 404},
		"a member by a wrong id":     {owner, "PUT", at + "/members" + strangeID, nil, 404},
		"a member by no name":        {owner, "PUT", at + "/members/--", nil, 404},
		"in an unknown group":        {owner, "PUT", groupsPath + strangeID + "/members/ada", nil, 404},
		"a cursor of another list":   {owner, "GET", groupsPath + "?cursor=nonsense", nil, 400},
		"a page of nothing":          {owner, "GET", groupsPath + "?limit=0", nil, 400},
		"a body where there is none": {owner, "PUT", at + "/members/ada", body("role", "x"), 422},
	})

	require.Equal(t, http.StatusNoContent, owner.Do("DELETE", at, nil, nil).Status)
	require.Equal(t, http.StatusNotFound, owner.Do("GET", at, nil, nil).Status)
	require.Equal(t, http.StatusCreated, owner.Do("POST", groupsPath, nil, body("name", "ON CALL")).Status, "its name is free")
}

func TestPermissionsOfWorkspaces(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	ada, bob, eve, dan := owner.NewUser("ada"), owner.NewUser("bob"), owner.NewUser("eve"), owner.NewUser("dan")
	auditor := owner.NewUser("auditor", "auditor")
	at := ada.Do("POST", "/v1/workspaces", nil, body("name", "engine")).Header.Get("Location")
	group := owner.Do("POST", groupsPath, nil, body("name", "writers")).Map(s)["id"].(string)
	require.Equal(t, http.StatusOK, owner.Do("PUT", groupsPath+"/"+group+"/members/eve", nil, nil).Status)
	grant := func(by *apitest.Session, to, role string) {
		t.Helper()
		a := by.Do("PUT", at+"/permissions/"+to, nil, body("role", role))
		require.Equal(t, http.StatusOK, a.Status, "%s", a.Body)
		require.Equal(t, role, a.Map(s)["role"])
		require.NotEmpty(t, a.Header.Get("Roster-Position"))
	}
	require.Equal(t, http.StatusNotFound, bob.Do("GET", at, nil, nil).Status)
	grant(ada, "users/bob", "readonly")
	grant(ada, "groups/"+group, "admin")
	for _, by := range []*apitest.Session{ada, bob, eve, owner, auditor} {
		require.Equal(t, http.StatusOK, by.Do("GET", at, nil, nil).Status, by.Username)
		a := by.Do("GET", at+"/permissions", nil, nil)
		require.Equal(t, http.StatusOK, a.Status, by.Username)
		require.ElementsMatch(t, []any{
			map[string]any{"user": bob.ID, "role": "readonly"}, map[string]any{"group": group, "role": "admin"},
		}, a.Map(s)["items"])
	}
	grant(eve, "users/"+bob.ID, "readwrite") // who administers may, by a group too
	a := eve.Do("PATCH", at, nil, map[string]any{"displayName": "Engine", "locations": []string{"london"}})
	require.Equal(t, http.StatusOK, a.Status, "%s", a.Body)
	require.Equal(t, []any{"engine", "Engine", []any{"london"}, ada.ID}, []any{
		a.Map(s)["name"], a.Map(s)["displayName"], a.Map(s)["locations"], a.Map(s)["owner"],
	})
	require.JSONEq(t, string(a.Body), string(bob.Do("GET", at, nil, nil).Body))

	role := body("role", "admin")
	refusedAttempts(t, s, map[string]attempt{
		"changed by who may write there":     {bob, "PATCH", at, body("name", "mine"), 403},
		"changed by who may read":            {auditor, "PATCH", at, body("name", "mine"), 403},
		"changed by a stranger":              {dan, "PATCH", at, body("name", "mine"), 404},
		"badly, by a stranger":               {dan, "PATCH", at, body("color", "red"), 404},
		"given by who may write there":       {bob, "PUT", at + "/permissions/users/bob", role, 403},
		"given by a stranger":                {dan, "PUT", at + "/permissions/users/dan", role, 404},
		"given by a stranger, to nobody":     {dan, "PUT", at + "/permissions/users/nobody", role, 404},
		"taken by who may read":              {auditor, "DELETE", at + "/permissions/users/bob", nil, 403},
		"taken by a stranger":                {dan, "DELETE", at + "/permissions/groups/" + group, nil, 404},
		"listed by a stranger":               {dan, "GET", at + "/permissions", nil, 404},
		"deleted by who administers":         {eve, "DELETE", at, nil, 403},
		"to nobody":                          {ada, "PUT", at + "/permissions/users/nobody", role, 404},
		"to a group's id as a user":          {ada, "PUT", at + "/permissions/users/" + group, role, 404},
		"to a user's id as a group":          {ada, "PUT", at + "/permissions/groups/" + bob.ID, role, 404},
		"to no id":                           {ada, "PUT", at + "/permissions/groups/writers", role, 404},
		"an unknown role":                    {ada, "PUT", at + "/permissions/users/bob", body("role", "king"), 422},
		"no role":                            {ada, "PUT", at + "/permissions/users/bob", map[string]any{}, 422},
		"a role of another type":             {ada, "PUT", at + "/permissions/users/bob", map[string]any{"role": 5}, 422},
		"in an unknown workspace":            {ada, "PUT", "/v1/workspaces" + strangeID + "/permissions/users/bob", role, 404},
		"a bad name":                         {ada, "PATCH", at, body("name", "No Slug"), 422},
		"an owner nobody knows":              {ada, "PATCH", at, body("owner", "nobody"), 422},
		"a member that is unknown":           {ada, "PATCH", at, body("color", "red"), 422},
		"a type that is wrong":               {ada, "PATCH", at, body("locations", "london"), 422},
		"an owner, by who may not change it": {bob, "PATCH", at, body("owner", "nobody"), 403},
	})

	for range 2 { // who has none stays without
		require.Equal(t, http.StatusNoContent, ada.Do("DELETE", at+"/permissions/users/bob", nil, nil).Status)
	}
	require.Equal(t, http.StatusNotFound, bob.Do("GET", at, nil, nil).Status)
	handed := ada.Do("PATCH", at, nil, map[string]any{"owner": "DAN", "displayName": nil, "locations": nil})
	require.Equal(t, http.StatusOK, handed.Status, "%s", handed.Body)
	require.Equal(t, dan.ID, handed.Map(s)["owner"])
	require.Empty(t, handed.Map(s)["locations"])
	require.Equal(t, http.StatusOK, dan.Do("GET", at, nil, nil).Status)
	require.Equal(t, http.StatusNotFound, ada.Do("GET", at, nil, nil).Status)
	require.Equal(t, http.StatusNoContent, dan.Do("DELETE", at+"/permissions/groups/"+group, nil, nil).Status)
	require.Equal(t, http.StatusNotFound, eve.Do("GET", at, nil, nil).Status)
}

func TestConfirmingByAnAdministrator(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	ada, auditor := owner.NewUser("ada"), owner.NewUser("auditor", "auditor")
	system := commands.Request{Actor: commands.Actor{UserID: commands.SystemActor}}
	res, err := s.Commands.Register(context.Background(), system, commands.Register{
		Username: "late", Email: "late@example.com", Password: apitest.Password, Unconfirmed: true,
	})
	require.NoError(t, err)
	s.Queries.Note(res.User.ID, res.Position)
	login := map[string]any{"email": "late@example.com", "password": apitest.Password}
	require.Equal(t, http.StatusUnauthorized, s.Do("POST", "/api/v2/users/login", nil, login).Status)
	refusedAttempts(t, s, map[string]attempt{
		"by oneself":      {ada, "POST", "/v1/users/me/confirm", nil, 403},
		"by a stranger":   {ada, "POST", "/v1/users/late/confirm", nil, 404},
		"by who may read": {auditor, "POST", "/v1/users/late/confirm", nil, 403},
		"nobody":          {owner, "POST", "/v1/users/nobody/confirm", nil, 404},
		"with a body":     {owner, "POST", "/v1/users/late/confirm", body("x", "y"), 422},
	})
	for range 2 { // who is confirmed stays so
		require.Equal(t, http.StatusOK, owner.Do("POST", "/v1/users/late/confirm", nil, nil).Status)
	}
	require.Equal(t, http.StatusCreated, s.Do("POST", "/api/v2/users/login", nil, login).Status)
}

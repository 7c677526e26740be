package coder_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
)

// installation is a system seen through Coder's API alone.
type installation struct {
	*apitest.System
	t *testing.T
}

// as sends a request with a token in Coder's header; want is the status.
func (i *installation) as(token, method, path string, body any, want int) apitest.Answer {
	i.t.Helper()
	a := i.Do(method, "/api/v2"+path, map[string]string{"Coder-Session-Token": token}, body)
	require.Equal(i.t, want, a.Status, "%s %s: %s", method, path, a.Body)
	return a
}

func (i *installation) login(email, password string) string {
	i.t.Helper()
	a := i.as("", http.MethodPost, "/users/login", object{"email": email, "password": password}, http.StatusCreated)
	return a.Map(i.System)["session_token"].(string)
}

type userPage struct {
	Users []struct {
		ID       string `json:"id"`
		Username string `json:"username"`
		Status   string `json:"status"`
	} `json:"users"`
	Count int `json:"count"`
}

func (i *installation) list(token, query string) userPage {
	i.t.Helper()
	var page userPage
	i.as(token, http.MethodGet, "/users"+query, nil, http.StatusOK).JSON(i.System, &page)
	return page
}

// TestLifeOfAnInstallation walks through everything that a team does with its
// users in the course of time, over HTTP alone.
func TestLifeOfAnInstallation(t *testing.T) {
	t.Parallel()
	i := &installation{System: apitest.New(t), t: t}
	const password = "SomeSecurePassword!"

	// A command line looks whether there is anybody, and makes the first user.
	i.as("", http.MethodGet, "/buildinfo", nil, http.StatusOK)
	none := i.as("", http.MethodGet, "/users/first", nil, http.StatusNotFound)
	require.NotEmpty(t, none.Header.Get("X-Coder-Build-Version"))
	first := i.as("", http.MethodPost, "/users/first", object{
		"email": "root@example.com", "username": "root", "password": password, "name": "Root",
	}, http.StatusCreated).Map(i.System)
	i.as("", http.MethodGet, "/users/first", nil, http.StatusOK)
	root := i.login("root@example.com", password)
	me := i.as(root, http.MethodGet, "/users/me", nil, http.StatusOK).Map(i.System)
	require.Equal(t, first["user_id"], me["id"])
	require.Equal(t, []any{first["organization_id"]}, me["organization_ids"])

	// Thirty people come.
	ids := map[string]string{}
	for n := range 30 {
		name := fmt.Sprintf("person-%02d", n)
		made := i.as(root, http.MethodPost, "/users", object{
			"email": name + "@example.com", "username": name, "password": password, "login_type": "password",
			"organization_ids": []any{first["organization_id"]},
		}, http.StatusCreated).Map(i.System)
		require.Equal(t, "dormant", made["status"])
		ids[name] = made["id"].(string)
	}

	// They are found, whole and page by page.
	require.Equal(t, 31, i.list(root, "").Count)
	found := i.list(root, "?q=PERSON-07")
	require.Equal(t, 1, found.Count)
	require.Equal(t, ids["person-07"], found.Users[0].ID)
	require.Equal(t, 30, i.list(root, "?q=status:dormant").Count)
	require.Equal(t, walkPages(i, root, ""), walkOffsets(i, root))
	require.Len(t, walkPages(i, root, ""), 31)

	// One gets a role and may read everybody at once, with the session of before.
	ada := i.login("person-00@example.com", password)
	require.Equal(t, 1, i.list(ada, "").Count, "a member sees itself")
	i.as(root, http.MethodPut, "/users/person-00/roles", object{"roles": []string{"auditor"}}, http.StatusOK)
	require.Equal(t, 31, i.list(ada, "").Count)
	require.Equal(t, 1, i.list(root, "?q=role:auditor").Count)
	i.as(root, http.MethodPut, "/users/me/roles", object{"roles": []string{}}, http.StatusBadRequest)

	// Tokens are made, used, ended and deleted.
	bob := i.login("person-01@example.com", password)
	token := i.as(bob, http.MethodPost, "/users/me/keys/tokens", object{"token_name": "ci"}, http.StatusCreated).Map(i.System)["key"].(string)
	i.as(token, http.MethodGet, "/users/me", nil, http.StatusOK)
	id, _, _ := strings.Cut(token, "-")
	i.as(bob, http.MethodPut, "/users/me/keys/"+id+"/expire", nil, http.StatusNoContent)
	ended := i.as(token, http.MethodGet, "/users/me", nil, http.StatusUnauthorized)
	require.Contains(t, string(ended.Body), "session has expired")
	i.as(bob, http.MethodGet, "/users/me/keys/"+id, nil, http.StatusOK)
	i.as(bob, http.MethodDelete, "/users/me/keys/"+id, nil, http.StatusNoContent)
	i.as(bob, http.MethodGet, "/users/me/keys/"+id, nil, http.StatusNotFound)

	// Somebody is locked out for a while; the session works again afterwards.
	i.as(root, http.MethodPut, "/users/person-01/status/suspend", nil, http.StatusOK)
	out := i.as(bob, http.MethodGet, "/users/me", nil, http.StatusUnauthorized)
	require.Contains(t, string(out.Body), "Contact an admin")
	i.as("", http.MethodPost, "/users/login", object{"email": "person-01@example.com", "password": password}, http.StatusUnauthorized)
	require.Equal(t, 1, i.list(root, "?q=status:suspended").Count)
	i.as(root, http.MethodPut, "/users/person-01/status/activate", nil, http.StatusOK)
	i.as(bob, http.MethodGet, "/users/me", nil, http.StatusOK)

	// A new password ends every key.
	token = i.as(bob, http.MethodPost, "/users/me/keys/tokens", object{}, http.StatusCreated).Map(i.System)["key"].(string)
	i.as(bob, http.MethodPut, "/users/me/password", object{"old_password": password, "password": "MySecurePassword!"}, http.StatusNoContent)
	i.as(bob, http.MethodGet, "/users/me", nil, http.StatusUnauthorized)
	i.as(token, http.MethodGet, "/users/me", nil, http.StatusUnauthorized)
	i.as("", http.MethodPost, "/users/login", object{"email": "person-01@example.com", "password": password}, http.StatusUnauthorized)
	bob = i.login("person-01@example.com", "MySecurePassword!")

	// Who leaves frees the name, and is still known by id.
	i.as(root, http.MethodDelete, "/users/person-01", nil, http.StatusOK)
	i.as(bob, http.MethodGet, "/users/me", nil, http.StatusUnauthorized)
	i.as(root, http.MethodGet, "/users/person-01", nil, http.StatusNotFound)
	i.as(root, http.MethodGet, "/users/"+ids["person-01"], nil, http.StatusOK)
	again := i.as(root, http.MethodPost, "/users", object{
		"email": "person-01@example.com", "username": "person-01", "password": password,
		"organization_ids": []any{first["organization_id"]},
	}, http.StatusCreated).Map(i.System)
	require.NotEqual(t, ids["person-01"], again["id"])

	// In the end the pages still add up, and the session is closed.
	names := walkPages(i, root, "")
	require.Len(t, names, 31)
	require.True(t, slices.IsSorted(names))
	i.as(root, http.MethodPost, "/users/logout", nil, http.StatusOK)
	i.as(root, http.MethodGet, "/users/me", nil, http.StatusUnauthorized)
}

// walkPages lists all users by after_id, seven at a time.
func walkPages(i *installation, token, q string) []string {
	i.t.Helper()
	var names []string
	left := -1
	for after := ""; ; {
		page := i.list(token, "?limit=7"+q+after)
		if left >= 0 && len(page.Users) > 0 {
			require.Equal(i.t, left, page.Count, "the count shrinks by what was seen")
		}
		if len(page.Users) == 0 {
			return names
		}
		for _, u := range page.Users {
			names = append(names, u.Username)
		}
		left = page.Count - len(page.Users)
		after = "&after_id=" + page.Users[len(page.Users)-1].ID
	}
}

// walkOffsets lists all users by offset, eight at a time.
func walkOffsets(i *installation, token string) []string {
	i.t.Helper()
	var names []string
	for {
		page := i.list(token, fmt.Sprintf("?limit=8&offset=%d", len(names)))
		if len(page.Users) == 0 {
			require.Zero(i.t, page.Count, "an empty page counts nothing")
			return names
		}
		require.Equal(i.t, 31, page.Count)
		for _, u := range page.Users {
			names = append(names, u.Username)
		}
	}
}

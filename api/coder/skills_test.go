package coder_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
)

func skills(user string) string { return "/api/experimental/users/" + user + "/skills" }

func skillText(name, description, body string) object {
	return object{"content": fmt.Sprintf("---\nname: %s\ndescription: %q\n---\n%s\n", name, description, body)}
}

func makeSkill(t *testing.T, c *apitest.Session, name string) object {
	t.Helper()
	a := c.Do("POST", skills("me"), nil, skillText(name, "About "+name, "Do it."))
	require.Equal(t, http.StatusCreated, a.Status, "%s", a.Body)
	return a.Map(c.System)
}

func TestSkills(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	ada := owner.NewUser("ada")
	require.Equal(t, "[]\n", string(ada.Do("GET", skills("me"), nil, nil).Body))

	text := skillText("review-code", "How to <review>", "# Review\n\nRead the tests first.")
	a := ada.Do("POST", skills("ADA"), nil, text)
	require.Equal(t, http.StatusCreated, a.Status, "%s", a.Body)
	require.NotEmpty(t, a.Header.Get("Roster-Position"))
	made := a.Map(s)
	require.Equal(t, "review-code", made["name"])
	require.Equal(t, "How to <review>", made["description"])
	require.Equal(t, text["content"], made["content"])
	makeSkill(t, ada, "a-first")

	found := list(ada, ada.Do("GET", skills("me"), nil, nil))
	require.Equal(t, []string{"a-first", "review-code"}, namesOf(found, "name"), "by name")
	require.NotContains(t, found[0], "content")
	require.Equal(t, made, ada.Do("GET", skills(ada.ID)+"/review-code", nil, nil).Map(s))

	changed := ada.Do("PATCH", skills("me")+"/review-code", nil, skillText("review-code", "", "Shorter."))
	require.Equal(t, http.StatusOK, changed.Status, "%s", changed.Body)
	require.Equal(t, made["id"], changed.Map(s)["id"])
	require.Empty(t, changed.Map(s)["description"])
	require.Equal(t, changed.Map(s), ada.Do("GET", skills("me")+"/review-code", nil, nil).Map(s))

	removed := ada.Do("DELETE", skills("me")+"/review-code", nil, nil)
	require.Equal(t, http.StatusNoContent, removed.Status, "%s", removed.Body)
	require.Empty(t, removed.Body)
	expect(t, s, ada.Do("GET", skills("me")+"/review-code", nil, nil), http.StatusNotFound, notFound)
	expect(t, s, ada.Do("DELETE", skills("me")+"/review-code", nil, nil), http.StatusNotFound, notFound)
	require.NotEqual(t, made["id"], makeSkill(t, ada, "review-code")["id"], "the name is free")
	makeSkill(t, owner, "review-code") // names are each user's own
}

func TestSkillRights(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	ada, bob := owner.NewUser("ada"), owner.NewUser("bob")
	keeper, auditor := owner.NewUser("keeper", "user-admin"), owner.NewUser("aud", "auditor")
	makeSkill(t, ada, "mine")
	before := logHead(t, s)
	body := skillText("mine", "", "Theirs.")
	for name, c := range map[string]struct {
		by                                *apitest.Session
		list, get, create, update, remove int
	}{
		"user-admin":    {keeper, 404, 404, 403, 403, 404},
		"auditor":       {auditor, 404, 404, 403, 403, 404},
		"another user":  {bob, 404, 404, 404, 404, 404},
		"owner (reads)": {owner, 200, 200, 403, 403, 0},
	} {
		require.Equal(t, c.list, c.by.Do("GET", skills("ada"), nil, nil).Status, name)
		require.Equal(t, c.get, c.by.Do("GET", skills("ada")+"/mine", nil, nil).Status, name)
		require.Equal(t, c.create, c.by.Do("POST", skills("ada"), nil, body).Status, name)
		require.Equal(t, c.update, c.by.Do("PATCH", skills("ada")+"/mine", nil, body).Status, name)
		require.Equal(t, c.update, c.by.Do("PATCH", skills("ada")+"/none", nil, "{").Status, name)
		if c.remove != 0 {
			require.Equal(t, c.remove, c.by.Do("DELETE", skills("ada")+"/mine", nil, nil).Status, name)
		}
	}
	require.Equal(t, before, logHead(t, s), "nothing was written")
	require.Equal(t, http.StatusNoContent, owner.Do("DELETE", skills("ada")+"/mine", nil, nil).Status, "owners moderate")

	makeSkill(t, ada, "mine")
	require.Equal(t, http.StatusOK, owner.Do("DELETE", "/api/v2/users/ada", nil, nil).Status)
	require.Equal(t, "[]\n", string(owner.Do("GET", skills(ada.ID), nil, nil).Body), "skills go with their user")
	require.Equal(t, http.StatusNotFound, owner.Do("GET", skills(ada.ID)+"/mine", nil, nil).Status)
	const gone = "The user is deleted and can have no skills."
	expect(t, s, owner.Do("POST", skills(ada.ID), nil, body), http.StatusConflict, gone)
	expect(t, s, owner.Do("PATCH", skills(ada.ID)+"/mine", nil, body), http.StatusConflict, gone)
	expect(t, s, owner.Do("GET", skills("ada"), nil, nil), http.StatusNotFound, notFound)
}

func TestSkillRefusals(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	makeSkill(t, owner, "taken")
	before := logHead(t, s)
	raw := func(text string) object { return object{"content": text} }
	for name, c := range map[string]struct {
		method, path string
		body         any
		status       int
		contains     string
	}{
		"no body":             {"POST", "", "", 400, "Request body must be valid JSON."},
		"broken JSON":         {"POST", "", "{", 400, "Request body must be valid JSON."},
		"wrong type":          {"POST", "", `{"content":7}`, 400, "Request body must be valid JSON."},
		"NUL":                 {"POST", "", `{"content":"---\nname: a\n---\n\u0000"}`, 400, "Request body must be valid JSON."},
		"no content":          {"POST", "", object{}, 400, "front matter"},
		"no front matter":     {"POST", "", raw("# Hello\n"), 400, "front matter"},
		"front matter open":   {"POST", "", raw("---\nname: a\nhello\n"), 400, "front matter"},
		"front matter broken": {"POST", "", raw("---\nname: [\n---\nx\n"), 400, "front matter"},
		"no name":             {"POST", "", raw("---\ndescription: x\n---\nx\n"), 400, "name"},
		"bad name":            {"POST", "", raw("---\nname: A_b\n---\nx\n"), 400, "name"},
		"long name":           {"POST", "", raw("---\nname: " + strings.Repeat("a", 257) + "\n---\nx\n"), 400, "name"},
		"long description":    {"POST", "", raw("---\nname: a\ndescription: " + strings.Repeat("a", 4097) + "\n---\nx\n"), 400, "description"},
		"no text":             {"POST", "", raw("---\nname: a\n---\n \n"), 400, "body"},
		"too large":           {"POST", "", raw("---\nname: a\n---\n" + strings.Repeat("x", 64<<10)), 400, "too large"},
		"taken":               {"POST", "", skillText("taken", "", "x"), 409, "already exists"},
		"another name":        {"PATCH", "/taken", skillText("other", "", "x"), 400, "name"},
		"update: unknown":     {"PATCH", "/none", skillText("none", "", "x"), 404, notFound},
		"update: no body":     {"PATCH", "/taken", "", 400, "Request body must be valid JSON."},
		"get: unknown":        {"GET", "/none", nil, 404, notFound},
		"get: NUL":            {"GET", "/%00", nil, 404, notFound},
		"get: invalid UTF-8":  {"GET", "/%ff", nil, 404, notFound},
		"get: overlong":       {"GET", "/" + strings.Repeat("x", 5000), nil, 404, notFound},
		"delete: NUL":         {"DELETE", "/%00", nil, 404, notFound},
		"delete: overlong":    {"DELETE", "/" + strings.Repeat("x", 5000), nil, 404, notFound},
		"method":              {"PUT", "/taken", object{}, 405, "Method not allowed."},
		"trailing slash":      {"GET", "/", nil, 404, "Route not found."},
	} {
		a := owner.Do(c.method, skills("me")+c.path, nil, c.body)
		require.Equal(t, c.status, a.Status, "%s: %s", name, a.Body)
		require.Contains(t, message(t, s, a), c.contains, name)
		require.Less(t, len(a.Body), 2048, name)
	}
	expect(t, s, owner.Do("GET", skills("nobody"), nil, nil), http.StatusNotFound, notFound)
	require.Equal(t, http.StatusUnauthorized, s.Do("GET", skills("me"), nil, nil).Status)
	require.Equal(t, before, logHead(t, s), "nothing was written")
}

func TestSkillLimits(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	makeSkill(t, owner, "first")
	var mu sync.Mutex
	statuses := map[int]int{}
	var wg sync.WaitGroup
	for i := range 130 {
		name := "taken"
		if i >= 10 {
			name = fmt.Sprintf("skill-%d", i)
		}
		wg.Go(func() {
			a, err := owner.Try("POST", skills("me"), nil, skillText(name, "", "Do it."))
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			}
			statuses[a.Status]++
		})
	}
	wg.Wait()
	require.Equal(t, map[int]int{http.StatusCreated: 99, http.StatusConflict: 31}, statuses, "100 at most, each name once")
	require.Len(t, list(owner, owner.Do("GET", skills("me"), nil, nil)), 100)
	full := owner.Do("POST", skills("me"), nil, skillText("one-more", "", "Do it."))
	require.Equal(t, http.StatusConflict, full.Status, "%s", full.Body)
	require.Contains(t, message(t, s, full), "100")
	require.Equal(t, http.StatusNoContent, owner.Do("DELETE", skills("me")+"/first", nil, nil).Status)
	makeSkill(t, owner, "one-more")
}

func TestRepeatedSkill(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	key := map[string]string{"Idempotency-Key": "once"}
	made := owner.Do("POST", skills("me"), key, skillText("a", "", "x"))
	require.Equal(t, http.StatusCreated, made.Status, "%s", made.Body)
	head := logHead(t, s)
	again := owner.Do("POST", skills("me"), key, skillText("a", "", "x"))
	require.Equal(t, http.StatusCreated, again.Status, "%s", again.Body)
	require.Equal(t, made.Body, again.Body)
	require.Equal(t, head, logHead(t, s))
	require.Equal(t, http.StatusUnprocessableEntity, owner.Do("POST", skills("me"), key, skillText("b", "", "x")).Status)
}

package v1_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
)

// unpacked is what an archive of one's own data holds.
func unpacked(t *testing.T, body []byte) (kinds map[string][]map[string]any, text, summary string) {
	t.Helper()
	pack, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
	require.NoError(t, err)
	files := map[string]string{}
	for _, f := range pack.File {
		r, err := f.Open()
		require.NoError(t, err)
		content, err := io.ReadAll(r)
		require.NoError(t, err)
		files[f.Name] = string(content)
	}
	require.Len(t, files, 2)
	kinds = map[string][]map[string]any{}
	for line := range strings.Lines(files["data.ndjson"]) {
		var l struct {
			Kind  string
			Value map[string]any
		}
		require.NoError(t, json.Unmarshal([]byte(line), &l))
		kinds[l.Kind] = append(kinds[l.Kind], l.Value)
	}
	return kinds, files["data.ndjson"], files["summary.txt"]
}

func TestOneReadsAllThatIsHeldAboutOneself(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	made := owner.Do("POST", "/v1/users", nil, map[string]any{
		"username": "grace", "email": "grace@example.com", "password": "compilers-1952", "name": "Grace Hopper",
	})
	require.Equal(t, http.StatusCreated, made.Status)
	id, _ := made.Map(s)["id"].(string)
	ownerID, _ := owner.Do("GET", "/v1/users/me", nil, nil).Map(s)["id"].(string)
	grace := s.Login("grace@example.com", "compilers-1952")
	require.Equal(t, http.StatusOK, owner.Do("POST", "/v1/activities", nil, []map[string]any{
		{
			"source": "tracker", "id": "1", "user": map[string]any{"id": id}, "type": "ticket", "action": "created", "assignee": map[string]any{"id": ownerID},
			"entity": map[string]any{"id": "e", "title": "Grace wrote this"}, "occurredAt": "2026-05-03T10:00:00Z", "metadata": map[string]any{"planted": "nanosecond"},
		},
		{
			"source": "tracker", "id": "2", "user": map[string]any{"id": ownerID}, "type": "ticket", "action": "created",
			"entity": map[string]any{"id": "f", "title": "The owner wrote that"}, "occurredAt": "2026-05-03T10:00:00Z",
		},
	}).Status)
	require.Equal(t, http.StatusNoContent, grace.Do("POST", "/v1/users/me/parameters", nil, map[string]any{
		"templateId": "0198d5a6-0000-7000-8000-000000000001", "name": "region", "value": "arlington",
	}).Status)
	require.Equal(t, http.StatusOK, grace.Do("PATCH", "/v1/users/me", nil, map[string]any{"name": "Rear Admiral Hopper"}).Status)
	key := grace.Do("POST", "/v1/users/me/keys", nil, map[string]any{"name": "laptop", "scopes": []string{"users:read", "events:personal"}})
	require.Equal(t, http.StatusCreated, key.Status)
	token, _ := key.Map(s)["token"].(string)

	require.Equal(t, http.StatusUnauthorized, s.Do("GET", "/v1/users/me/data", nil, nil).Status)
	require.Equal(t, http.StatusForbidden, s.Do("GET", "/v1/users/me/data", map[string]string{"Authorization": "Bearer " + token}, nil).Status,
		"a limited key gives away no more than it was made for")
	got := grace.Do("GET", "/v1/users/me/data", nil, nil)
	require.Equal(t, http.StatusOK, got.Status)
	require.Equal(t, "application/zip", got.Header.Get("Content-Type"))
	kinds, text, summary := unpacked(t, got.Body)

	require.Equal(t, "grace@example.com", kinds["account"][0]["email"])
	require.Equal(t, "Rear Admiral Hopper", kinds["account"][0]["name"])
	require.Equal(t, []map[string]any{{"templateId": "0198d5a6-0000-7000-8000-000000000001", "name": "region", "value": "arlington"}}, kinds["parameter"])
	require.Len(t, kinds["key"], 2)
	require.Contains(t, text, `"name":"laptop"`)
	require.Contains(t, text, "Grace Hopper", "what was, too")
	require.Contains(t, text, "Grace wrote this")
	require.Contains(t, text, "nanosecond")
	require.Equal(t, "another user", kinds["change"][0]["actor"], "the owner made the account")
	for _, a := range kinds["activity"] {
		require.Equal(t, id, a["user"])
	}
	for _, secret := range []string{ownerID, owner.Email, "The owner wrote that", "compilers-1952", token, strings.SplitN(token, "-", 2)[1], "argon2"} {
		require.NotContains(t, text+summary, secret)
	}
	require.Contains(t, summary, "grace@example.com")
	require.Regexp(t, `\n +1  parameter +what you chose`, summary)

	// Whom an admin dealt with stays unsaid.
	_, text, _ = unpacked(t, owner.Do("GET", "/v1/users/me/data", nil, nil).Body)
	require.Contains(t, text, `"kind":"act"`)
	for _, hers := range []string{id, "race", "Hopper"} {
		require.NotContains(t, text, hers)
	}
	require.Contains(t, text, "The owner wrote that")
}

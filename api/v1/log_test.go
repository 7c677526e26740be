package v1_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
	"github.com/rosterhq/roster/archive"
	"github.com/rosterhq/roster/events"
)

func TestTheLogIsReadAsItIsStored(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	owner.NewUser("ada")
	a := owner.Do(http.MethodGet, "/v1/admin/log", nil, nil)
	require.Equal(t, http.StatusOK, a.Status, "%s", a.Body)
	require.NotContains(t, string(a.Body), "ada@example.com", "what is personal is sealed")
	feed, err := archive.NewFeedReader(strings.NewReader(string(a.Body)))
	require.NoError(t, err)
	require.Equal(t, s.Log.InstallationID(), feed.Head().Installation)
	kinds := map[string]int{}
	for sequence := uint64(1); sequence <= feed.Head().To; sequence++ {
		m, err := feed.Message()
		require.NoError(t, err)
		require.Equal(t, sequence, m.Sequence)
		kinds[strings.Split(m.Subject, ".")[1]]++
	}
	_, err = feed.Message()
	require.EqualError(t, err, "EOF")
	require.NotZero(t, kinds["user"])
	require.NotZero(t, kinds["claim"])
	require.NotZero(t, kinds["counter"])

	part := owner.Do(http.MethodGet, "/v1/admin/log?from=r2&to=3", nil, nil)
	require.Equal(t, 4, strings.Count(string(part.Body), "\n"), "%s", part.Body)
	require.Contains(t, string(part.Body), `"from":2,"to":3`)
	empty := owner.Do(http.MethodGet, "/v1/admin/log?from=999999", nil, nil)
	require.Contains(t, string(empty.Body), `{"end":0}`)

	zipped := owner.Do(http.MethodGet, "/v1/admin/log", map[string]string{"Accept-Encoding": "gzip, zstd"}, nil)
	require.Equal(t, "zstd", zipped.Header.Get("Content-Encoding"))
	unzip, err := zstd.NewReader(nil)
	require.NoError(t, err)
	defer unzip.Close()
	plain, err := unzip.DecodeAll(zipped.Body, nil)
	require.NoError(t, err)
	require.Contains(t, string(plain), string(a.Body[strings.Index(string(a.Body), "\n"):len(a.Body)-20]))

	keys := owner.Do(http.MethodGet, "/v1/admin/log/keys", nil, nil)
	require.Equal(t, http.StatusOK, keys.Status)
	require.Contains(t, string(keys.Body), events.InstallationSecret)
	require.Contains(t, string(keys.Body), `"user.`+owner.ID)
}

func TestTheLogIsForOwnersAlone(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	auditor := owner.NewUser("ada", "auditor")
	key := func(scope string) map[string]string {
		a := owner.Do(http.MethodPost, "/v1/users/me/keys", nil, map[string]any{"name": scope, "scopes": []string{scope}})
		require.Equal(t, http.StatusCreated, a.Status, "%s", a.Body)
		return map[string]string{"Authorization": "Bearer " + a.Map(s)["token"].(string)}
	}
	reads, other := key("log:read"), key("events:read")
	for _, path := range []string{"/v1/admin/log", "/v1/admin/log?stream=activity", "/v1/admin/log?stream=usage", "/v1/admin/log/keys"} {
		require.Equal(t, http.StatusUnauthorized, s.Do(http.MethodGet, path, nil, nil).Status)
		require.Equal(t, http.StatusForbidden, auditor.Do(http.MethodGet, path, nil, nil).Status)
		require.Equal(t, http.StatusForbidden, owner.Do(http.MethodGet, path, other, nil).Status)
		require.Equal(t, http.StatusOK, owner.Do(http.MethodGet, path, reads, nil).Status)
		require.Equal(t, http.StatusOK, owner.Do(http.MethodHead, path, reads, nil).Status)
	}
	for path, field := range map[string]string{
		"/v1/admin/log?stream=keys": "stream", "/v1/admin/log?from=a1": "from", "/v1/admin/log?stream=activity&to=x": "to",
	} {
		a := owner.Do(http.MethodGet, path, nil, nil)
		require.Equal(t, http.StatusBadRequest, a.Status)
		require.Contains(t, string(a.Body), `"field":"`+field+`"`)
	}
}

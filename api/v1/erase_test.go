package v1_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
	"github.com/rosterhq/roster/events"
)

func TestErasingAPerson(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	made := owner.Do("POST", "/v1/users", nil, map[string]any{
		"username": "grace", "email": "grace@example.com", "password": "compilers-1952", "name": "Grace Hopper",
	})
	require.Equal(t, http.StatusCreated, made.Status)
	id, _ := made.Map(s)["id"].(string)
	grace := s.Login("grace@example.com", "compilers-1952")
	require.Equal(t, http.StatusOK, owner.Do("POST", "/v1/activities", nil, map[string]any{
		"source": "tracker", "id": "1", "user": map[string]any{"id": id}, "type": "comment", "action": "created",
		"entity": map[string]any{"id": "e", "title": "Grace wrote this"}, "occurredAt": "2026-05-03T10:00:00Z",
	}).Status)
	require.Equal(t, http.StatusOK, grace.Do("GET", "/v1/users/me", nil, nil).Status)

	admin := owner.NewUser("admin", "user-admin")
	for _, c := range []*apitest.Session{grace, admin} {
		require.Equal(t, http.StatusForbidden, c.Do("POST", "/v1/users/"+id+"/erase", nil, nil).Status, "owners alone")
	}
	require.Equal(t, http.StatusUnauthorized, s.Do("POST", "/v1/users/"+id+"/erase", nil, nil).Status)
	require.Equal(t, http.StatusNotFound, owner.Do("POST", "/v1/users/nobody/erase", nil, nil).Status)
	require.Equal(t, http.StatusConflict, owner.Do("POST", "/v1/users/me/erase", nil, nil).Status, "the last owner")
	require.Equal(t, http.StatusOK, grace.Do("GET", "/v1/users/me", nil, nil).Status, "nothing happened")

	require.Equal(t, http.StatusNoContent, owner.Do("POST", "/v1/users/grace/erase", nil, nil).Status)
	require.Equal(t, http.StatusUnauthorized, grace.Do("GET", "/v1/users/me", nil, nil).Status)
	left := owner.Do("GET", "/v1/users/"+id, nil, nil)
	require.Equal(t, http.StatusOK, left.Status, "who was deleted can be looked at by id")
	require.Equal(t, "deleted", left.Map(s)["status"])
	require.NotContains(t, string(left.Body), "race")
	var feed apitest.Answer
	require.Eventually(t, func() bool { // a reaction tells the other stream
		feed = owner.Do("GET", "/v1/users/"+id+"/activities", nil, nil)
		return !strings.Contains(string(feed.Body), "wrote this")
	}, 10*time.Second, 10*time.Millisecond)
	require.Equal(t, http.StatusOK, feed.Status)
	require.Contains(t, string(feed.Body), "tracker", "the fact stays")
	require.Equal(t, http.StatusNoContent, owner.Do("POST", "/v1/users/"+id+"/erase", nil, nil).Status, "it may be repeated")

	_, err := s.Log.DataKey(context.Background(), id)
	require.ErrorIs(t, err, events.ErrErased)
	recorded, err := s.Log.Read(context.Background(), events.Aggregate{Kind: events.User, ID: id}, 1)
	require.NoError(t, err)
	require.Equal(t, &events.UserErased{}, recorded[len(recorded)-1].Payload)
	state, err := s.Log.Snapshot(context.Background(), events.Aggregate{Kind: events.User, ID: id})
	require.NoError(t, err)
	require.Empty(t, state)

	require.Equal(t, http.StatusCreated, owner.Do("POST", "/v1/users", nil, map[string]any{
		"username": "grace", "email": "grace@example.com",
	}).Status, "the names are free")
}

// TestErasingWhoWasDeleted: the account is gone, what is known of the person is not.
func TestErasingWhoWasDeleted(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	id, _ := owner.Do("POST", "/v1/users", nil, map[string]any{"username": "grace", "name": "Grace Hopper"}).Map(s)["id"].(string)
	require.Equal(t, http.StatusNoContent, owner.Do("DELETE", "/v1/users/grace", nil, nil).Status)
	_, err := s.Log.DataKey(context.Background(), id)
	require.NoError(t, err)
	require.Equal(t, http.StatusNoContent, owner.Do("POST", "/v1/users/"+id+"/erase", nil, nil).Status)
	_, err = s.Log.DataKey(context.Background(), id)
	require.ErrorIs(t, err, events.ErrErased)
}

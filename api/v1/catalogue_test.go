package v1_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
	"github.com/rosterhq/roster/api/v1/client"
	"github.com/rosterhq/roster/catalogue"
	"github.com/rosterhq/roster/events"
)

// Everybody may read the catalogue; it has every type with its schema.
func TestCatalogue(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	a := s.Do("GET", "/v1/catalogue", nil, nil)
	require.Equal(t, http.StatusOK, a.Status)
	var list client.EventTypeList
	a.JSON(s, &list)
	require.Len(t, list.Items, len(events.Released().Types()))
	for _, item := range list.Items {
		var e client.EventType
		one := s.Do("GET", "/v1/catalogue/"+item.Type, nil, nil)
		require.Equal(t, http.StatusOK, one.Status, item.Type)
		one.JSON(s, &e)
		require.Equal(t, item.Description, e.Description)
		schema := s.Do("GET", item.Schema, nil, nil)
		require.Equal(t, "application/schema+json", schema.Header.Get("Content-Type"))
		require.JSONEq(t, string(schema.Body), string(e.Schema))
		require.Equal(t, "/v1/catalogue/"+item.Type, schema.Map(s)["$id"])
	}
}

func TestCatalogueOfOneType(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	var e client.EventType
	s.Do("GET", "/v1/catalogue/roster.user.key-created.v1", nil, nil).JSON(s, &e)
	require.Equal(t, "roster.user.key-created.v2", e.Current)
	require.Equal(t, 1, e.Version)
	protection := map[string]client.EventMemberProtection{}
	for _, m := range e.Members {
		protection[m.Name] = m.Protection
	}
	require.Equal(t, map[string]client.EventMemberProtection{
		"keyId": client.Public, "scopes": client.Public, "epoch": client.Public, "expiresAt": client.Public,
		"secretHash": client.Secret, "name": client.Personal, "ip": client.Personal, "userAgent": client.Personal,
	}, protection)
	require.NotEmpty(t, e.Opened)

	for accept, form := range map[string]string{
		"application/schema+json":                  "application/schema+json",
		"text/html, application/schema+json;q=0.9": "application/schema+json",
		"application/json":                         "application/json",
		"*/*":                                      "application/json",
		"nonsense/;;, application/schema+json-of-others": "application/json",
	} {
		a := s.Do("GET", "/v1/catalogue/roster.user.deleted.v1", map[string]string{"Accept": accept}, nil)
		require.Equal(t, http.StatusOK, a.Status)
		require.Equal(t, form, a.Header.Get("Content-Type"), accept)
		require.Contains(t, a.Header.Values("Vary"), "Accept")
	}
	for _, path := range []string{"/v1/catalogue/roster.user.deleted.v99", "/v1/catalogue/x/schema"} {
		a := s.Do("GET", path, nil, nil)
		require.Equal(t, http.StatusNotFound, a.Status)
		require.Contains(t, a.Map(s)["detail"], "GET /v1/catalogue lists them")
	}
	a := s.Do("GET", "/v1/catalogue/asyncapi.yaml", nil, nil)
	require.Equal(t, "application/yaml", a.Header.Get("Content-Type"))
	require.Equal(t, string(catalogue.AsyncAPI()), string(a.Body))
}

// The dataschema of an event leads to its schema.
func TestDataSchemaLeadsToTheSchema(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	a := owner.Do("GET", "/v1/events?limit=1", nil, nil)
	require.Equal(t, http.StatusOK, a.Status, "%s", a.Body)
	item := a.Map(s)["items"].([]any)[0].(map[string]any)
	schema := s.Do("GET", item["dataschema"].(string), map[string]string{"Accept": "application/schema+json"}, nil)
	require.Equal(t, item["type"], schema.Map(s)["title"])
}

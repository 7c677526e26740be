package catalogue_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/rosterhq/roster/catalogue"
	"github.com/rosterhq/roster/events"
)

func released(t *testing.T) *catalogue.Catalogue {
	t.Helper()
	c, err := catalogue.New()
	require.NoError(t, err)
	return c
}

// decoded reads JSON as the validator wants it.
func decoded(t *testing.T, text []byte) any {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	require.NoError(t, err)
	return v
}

// closed refuses members that a schema does not name, in all its depth.
func closed(v any) {
	switch v := v.(type) {
	case map[string]any:
		if _, ok := v["properties"].(map[string]any); ok {
			v["additionalProperties"] = false
		}
		for _, inner := range v {
			closed(inner)
		}
	case []any:
		for _, inner := range v {
			closed(inner)
		}
	}
}

// validators compiles the public and the sealed part of a schema.
func validators(t *testing.T, e catalogue.Entry, strict bool) (public, sealed *jsonschema.Schema) {
	t.Helper()
	document := decoded(t, e.Schema)
	if strict {
		document.(map[string]any)["examples"] = nil
		closed(document)
	}
	delete(document.(map[string]any), "examples")
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	compiler.AssertContent()
	url := "http://roster.example/v1/catalogue/" + string(e.Type)
	require.NoError(t, compiler.AddResource(url, document))
	public, err := compiler.Compile(url)
	require.NoError(t, err, "%s is no JSON Schema", e.Type)
	if len(e.Sealed) > 0 {
		sealed, err = compiler.Compile(url + "#/$defs/sealed")
		require.NoError(t, err)
	}
	return public, sealed
}

// TestGoldenFilesFitTheirSchemas is for messages of every version that was released,
// as they lie in the log. Members that the schema does not name are refused here,
// which readers would bear with.
func TestGoldenFilesFitTheirSchemas(t *testing.T) {
	t.Parallel()
	for _, e := range released(t).Entries() {
		raw, err := os.ReadFile(filepath.Join("..", "events", "testdata", "golden", string(e.Type)+".json"))
		require.NoError(t, err)
		var golden struct{ Data, Clear, Private json.RawMessage }
		require.NoError(t, json.Unmarshal(raw, &golden))
		public, sealed := validators(t, e, true)
		require.NoError(t, public.Validate(decoded(t, golden.Data)), e.Type)
		require.NoError(t, public.Validate(decoded(t, golden.Clear)), e.Type)
		require.NoError(t, public.Validate(decoded(t, e.Example)), "%s: its example", e.Type)
		require.Equal(t, sealed == nil, golden.Private == nil, e.Type)
		if sealed != nil {
			require.NoError(t, sealed.Validate(decoded(t, golden.Private)), e.Type)
			require.NoError(t, sealed.Validate(decoded(t, e.Opened)), "%s: its example", e.Type)
		}
		require.Error(t, public.Validate("no object"), e.Type)
	}
}

// Readers must bear with what later releases add, so the schemas do.
func TestSchemasBearNewMembers(t *testing.T) {
	t.Parallel()
	e, ok := released(t).Find("roster.group.renamed.v1")
	require.True(t, ok)
	public, _ := validators(t, e, false)
	require.NoError(t, public.Validate(map[string]any{"name": "a", "later": 1}))
	require.Error(t, public.Validate(map[string]any{"name": 1}))
	require.Error(t, public.Validate(map[string]any{}))
}

// What is secret in the code is secret in the catalogue, and what is sealed is one of
// personal and secret.
func TestProtectionIsTold(t *testing.T) {
	t.Parallel()
	e, ok := released(t).Find("roster.user.registered.v1")
	require.True(t, ok)
	secret := map[string]bool{}
	for _, m := range e.Sealed {
		secret[m.Name] = m.Secret
	}
	require.Equal(t, map[string]bool{
		"username": false, "email": false, "name": false, "firstName": false, "lastName": false, "avatar": false,
		"language": false, "passwordHash": true, "identities": false, "identities[].provider": false, "identities[].subject": false,
	}, secret)
	for _, e := range released(t).Entries() {
		require.Equal(t, len(e.Sealed), strings.Count(string(e.Schema), `"x-protection"`)+nested(e.Sealed), e.Type)
	}
}

func nested(members []catalogue.Member) (n int) {
	for _, m := range members {
		if strings.Contains(m.Name, ".") {
			n++
		}
	}
	return n
}

func TestCatalogueKnowsVersions(t *testing.T) {
	t.Parallel()
	c := released(t)
	require.Len(t, c.Entries(), len(events.Released().Types()))
	old, ok := c.Find("roster.user.key-created.v1")
	require.True(t, ok)
	require.True(t, old.Old())
	require.EqualValues(t, "roster.user.key-created.v2", old.Current)
	require.Equal(t, 1, old.Version)
	require.Equal(t, "user", old.Kind())
	_, ok = c.Find("roster.user.key-created.v3")
	require.False(t, ok)
}

// asyncDocument is the document as JSON values.
func asyncDocument(t *testing.T) map[string]any {
	t.Helper()
	var document any
	require.NoError(t, yaml.Unmarshal(catalogue.AsyncAPI(), &document))
	text, err := json.Marshal(document)
	require.NoError(t, err)
	return decoded(t, text).(map[string]any)
}

// TestAsyncAPIDocument holds the document against the official schema of AsyncAPI 3
// (npm package @asyncapi/specs, Apache-2.0), and follows its references.
func TestAsyncAPIDocument(t *testing.T) {
	t.Parallel()
	official, err := os.ReadFile(filepath.Join("testdata", "asyncapi-3.0.0.json"))
	require.NoError(t, err)
	compiler := jsonschema.NewCompiler()
	const url = "http://asyncapi.com/definitions/3.0.0/asyncapi.json"
	require.NoError(t, compiler.AddResource(url, decoded(t, official)))
	schema, err := compiler.Compile(url)
	require.NoError(t, err)
	document := asyncDocument(t)
	require.NoError(t, schema.Validate(document))
	references := 0
	follow(t, document, document, &references)
	require.Greater(t, references, 4*len(released(t).Entries()))

	delete(document, "info")
	require.Error(t, schema.Validate(document), "the official schema refuses what is wrong")
}

// follow looks up every reference within the document.
func follow(t *testing.T, document map[string]any, v any, count *int) {
	t.Helper()
	switch v := v.(type) {
	case map[string]any:
		if to, ok := v["$ref"].(string); ok {
			*count++
			var at any = document
			for _, name := range strings.Split(strings.TrimPrefix(to, "#/"), "/") {
				inner, ok := at.(map[string]any)[name]
				require.True(t, ok, "%s leads nowhere", to)
				at = inner
			}
		}
		for _, inner := range v {
			follow(t, document, inner, count)
		}
	case []any:
		for _, inner := range v {
			follow(t, document, inner, count)
		}
	}
}

// Every message of the document has headers as a real message has them.
func TestHeadersFitTheDocument(t *testing.T) {
	t.Parallel()
	document := asyncDocument(t)
	components := document["components"].(map[string]any)
	headers := components["messageTraits"].(map[string]any)["cloudEvent"].(map[string]any)["headers"]
	closed(headers)
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft7)
	compiler.AssertFormat()
	require.NoError(t, compiler.AddResource("http://roster.example/headers", headers))
	schema, err := compiler.Compile("http://roster.example/headers")
	require.NoError(t, err)
	for name, m := range components["messages"].(map[string]any) {
		examples := m.(map[string]any)["examples"].([]any)
		require.NoError(t, schema.Validate(examples[0].(map[string]any)["headers"]), name)
	}
}

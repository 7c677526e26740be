package runwhen_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
)

func TestPatch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.path(w.ada)
	patch := func(body any) object {
		t.Helper()
		done := w.as(w.ada, "PATCH", ada, body, http.StatusOK).Map(w.System)
		require.Equal(t, done, w.get(w.ada, ada), "the whole user, as it is read")
		return done
	}
	full := patch(object{
		"primaryEmail": "Lady@Example.com", "firstName": "Ada", "lastName": "Lovelace", "avatarUrl": "http://example.com/a", "escalationMessage": "m", "optOutPublicGroup": true,
	})
	require.Equal(t, "Lady@Example.com", full["email"])
	require.Equal(t, full, patch(object{}), "what is absent stays")
	require.Equal(t, full, patch(object{"firstName": nil, "lastName": nil, "optOutPublicGroup": nil, "isActive": nil, "username": nil}), "null changes nothing that can not be null")
	require.Equal(t, full, patch(object{"unknown": []any{}, "id": 7, "isStaff": true, "groups": nil, "fullName": "x"}), "unknown and read-only members are passed over")
	require.Equal(t, full, patch(full), "an answer can be sent back")
	empty := patch(object{"primaryEmail": nil, "avatarUrl": nil, "escalationMessage": nil})
	for _, member := range []string{"email", "primaryEmail", "avatarUrl", "liveAvatarUrl", "escalationMessage"} {
		require.Nil(t, empty[member], member)
	}
	require.Equal(t, "a@b.example", patch(object{"email": "a@b.example"})["primaryEmail"])
	back := patch(object{})
	back["email"] = "c@d.example"
	require.Equal(t, "c@d.example", patch(back)["primaryEmail"], "of two addresses the new one counts")
	require.Equal(t, "Eve", patch(object{"first_name": "Eve", "opt_out_public_group": "off", "escalation_message": "", "avatar_url": ""})["firstName"])
	require.Equal(t, "", patch(object{})["escalationMessage"])
	for value, want := range map[any]bool{1: true, 0: false, "yes": true, "N": false, "TRUE": true} {
		require.Equal(t, want, patch(object{"optOutPublicGroup": value})["optOutPublicGroup"], "%v", value)
	}
	w.refused(w.ada, "PATCH", ada, object{"email": "BOB@example.com", "firstName": "Lost"}, http.StatusConflict, "Email already exists")
	require.Equal(t, "Eve", w.get(w.ada, ada)["firstName"], "all or nothing")
}

func TestPut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.path(w.ada)
	w.as(w.ada, "PATCH", ada, object{"firstName": "Ada", "lastName": "Lovelace", "escalationMessage": "m", "avatarUrl": "http://example.com/a"}, http.StatusOK)
	before := w.get(w.ada, ada)
	require.Equal(t, before, w.as(w.ada, "PUT", ada, before, http.StatusOK).Map(w.System), "a body that was read can be sent back")
	after := w.as(w.ada, "PUT", ada+"/", object{"username": "ada", "email": "new@example.com"}, http.StatusOK).Map(w.System)
	for member, want := range (object{"firstName": "", "lastName": "", "fullName": nil, "isActive": true, "escalationMessage": "m", "primaryEmail": "new@example.com"}) {
		require.Equal(t, want, after[member], member)
	}
	before["email"] = "other@example.com"
	require.Equal(t, "other@example.com", w.as(w.ada, "PUT", ada, before, http.StatusOK).Map(w.System)["email"])
	w.problems(w.ada, "PUT", ada, object{"firstName": "x"}, `[
		{"type":"missing","loc":["body","username"],"msg":"Field required","input":{"firstName":"x"}},
		{"type":"missing","loc":["body","email"],"msg":"Field required","input":{"firstName":"x"}}]`)
	require.Nil(t, w.as(w.ada, "PUT", ada, object{"username": "ada", "email": nil}, http.StatusOK).Map(w.System)["email"])
	w.refused(w.ada, "PUT", ada, object{"username": "countess", "email": "a@example.com"}, http.StatusForbidden, "You do not have permission to perform this action.")
}

func TestStaffWrites(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.path(w.ada)
	done := w.as(w.owner, "PATCH", ada, object{"username": "Countess", "isActive": false, "firstName": "Ada"}, http.StatusOK).Map(w.System)
	require.Equal(t, []any{"Countess", false, "Ada"}, []any{done["username"], done["isActive"], done["firstName"]})
	w.refused(w.ada, "GET", "/users/whoami", nil, http.StatusUnauthorized, "Invalid or expired token")
	require.Equal(t, done, w.as(w.owner, "PUT", ada, object{"username": "Countess", "email": "ada@example.com", "firstName": "Ada"}, http.StatusOK).Map(w.System), "absent: unchanged")
	w.as(w.owner, "PATCH", ada, object{"is_active": true}, http.StatusOK)
	require.Equal(t, true, w.get(w.ada, "/users/whoami")["isActive"])
	w.refused(w.owner, "PATCH", ada, object{"username": "BOB"}, http.StatusConflict, "Username already exists")
	w.refused(w.owner, "PATCH", "/users/1", object{"isActive": false, "firstName": "x"}, http.StatusConflict, "The last owner can not be deleted, suspended or demoted")
	require.Equal(t, "", w.get(w.owner, "/users/1")["firstName"])
	w.refused(w.ada, "PATCH", ada, object{"isActive": false}, http.StatusForbidden, "You do not have permission to perform this action.")
	w.refused(w.ada, "PATCH", ada, object{"username": "other"}, http.StatusForbidden, "You do not have permission to perform this action.")
	require.Equal(t, "Countess", w.as(w.ada, "PATCH", ada, object{"username": "Countess", "isActive": true}, http.StatusOK).Map(w.System)["username"])
}

func TestUsernameRule(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	short, err := w.Commands.Register(t.Context(), w.system, commands.Register{Username: "x"})
	w.noted(short.Position, err)
	const pattern = `^(?=.{1,32}$)[a-zA-Z0-9]+(-[a-zA-Z0-9]+)*$`
	for name, problem := range map[string]object{
		"a_b": {"type": "string_pattern_mismatch"}, "a b": {"type": "string_pattern_mismatch"}, "new": {"type": "string_pattern_mismatch"},
		"-ab": {"type": "string_pattern_mismatch"}, strings.Repeat("x", 33): {"type": "string_pattern_mismatch"}, "жжж": {"type": "string_pattern_mismatch"},
		"ab":                     {"type": "string_too_short", "msg": "String should have at least 3 characters", "ctx": object{"min_length": 3}},
		strings.Repeat("x", 151): {"type": "string_too_long", "msg": "String should have at most 150 characters", "ctx": object{"max_length": 150}},
	} {
		problem["loc"], problem["input"] = []any{"body", "username"}, name
		if problem["msg"] == nil {
			problem["msg"], problem["ctx"] = "String should match pattern '"+pattern+"'", object{"pattern": pattern}
		}
		w.problems(w.owner, "PATCH", w.path(w.ada), object{"username": name}, jsonOf([]object{problem}))
	}
	path := fmt.Sprintf("/users/%d", short.User.Number)
	require.Equal(t, "x", w.as(w.owner, "PUT", path, object{"username": "x", "email": nil}, http.StatusOK).Map(w.System)["username"], "a name that is there is good enough")
	w.as(w.owner, "PATCH", path, object{"username": strings.Repeat("x", 32)}, http.StatusOK)
}

// TestValidation: the exact texts, and all problems at once.
func TestValidation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.path(w.ada)
	head := w.head()
	w.problems(w.ada, "PATCH", ada, object{
		"primaryEmail": "nobody", "firstName": 5, "lastName": strings.Repeat("я", 101), "avatarUrl": "ftp://x.example/y",
		"escalationMessage": []any{}, "optOutPublicGroup": "maybe", "isActive": object{},
	}, `[
		{"type":"value_error","loc":["body","primaryEmail"],"msg":"value is not a valid email address: An email address must have an @-sign.","input":"nobody","ctx":{"reason":"An email address must have an @-sign."}},
		{"type":"string_type","loc":["body","firstName"],"msg":"Input should be a valid string","input":5},
		{"type":"string_too_long","loc":["body","lastName"],"msg":"String should have at most 100 characters","input":"`+strings.Repeat("я", 101)+`","ctx":{"max_length":100}},
		{"type":"url_scheme","loc":["body","avatarUrl"],"msg":"URL scheme should be 'http' or 'https'","input":"ftp://x.example/y","ctx":{"expected_schemes":"'http' or 'https'"}},
		{"type":"string_type","loc":["body","escalationMessage"],"msg":"Input should be a valid string","input":[]},
		{"type":"bool_parsing","loc":["body","optOutPublicGroup"],"msg":"Input should be a valid boolean, unable to interpret input","input":"maybe"},
		{"type":"bool_type","loc":["body","isActive"],"msg":"Input should be a valid boolean","input":{}}]`)
	w.problems(w.ada, "PATCH", "/users/abc", object{"first_name": true}, `[
		{"type":"int_parsing","loc":["path","user_id"],"msg":"Input should be a valid integer, unable to parse string as an integer","input":"abc"},
		{"type":"string_type","loc":["body","first_name"],"msg":"Input should be a valid string","input":true}]`)
	for body, want := range map[string]string{
		``:                         `{"type":"missing","loc":["body"],"msg":"Field required","input":null}`,
		`null`:                     `{"type":"missing","loc":["body"],"msg":"Field required","input":null}`,
		`[1]`:                      `{"type":"model_attributes_type","loc":["body"],"msg":"Input should be a valid dictionary or object to extract fields from","input":[1]}`,
		`"x"`:                      `{"type":"model_attributes_type","loc":["body"],"msg":"Input should be a valid dictionary or object to extract fields from","input":"x"}`,
		`{`:                        `{"type":"json_invalid","loc":["body",1],"msg":"JSON decode error","input":{},"ctx":{"error":"Expecting value"}}`,
		`{"é": x}`:                 `{"type":"json_invalid","loc":["body",6],"msg":"JSON decode error","input":{},"ctx":{"error":"Expecting value"}}`,
		`{"a" 1}`:                  `{"type":"json_invalid","loc":["body",5],"msg":"JSON decode error","input":{},"ctx":{"error":"Expecting ':' delimiter"}}`,
		`{"a":1 "b":2}`:            `{"type":"json_invalid","loc":["body",7],"msg":"JSON decode error","input":{},"ctx":{"error":"Expecting ',' delimiter"}}`,
		`{a:1}`:                    `{"type":"json_invalid","loc":["body",1],"msg":"JSON decode error","input":{},"ctx":{"error":"Expecting property name enclosed in double quotes"}}`,
		`{} {}`:                    `{"type":"json_invalid","loc":["body",3],"msg":"JSON decode error","input":{},"ctx":{"error":"Extra data"}}`,
		`{"firstName":"a\u0000b"}`: `{"type":"value_error","loc":["body","firstName"],"msg":"Value error, NUL characters are not allowed","input":"a\u0000b","ctx":{"error":{}}}`,
		`{"avatarUrl":"x"}`:        `{"type":"url_parsing","loc":["body","avatarUrl"],"msg":"Input should be a valid URL, relative URL without a base","input":"x","ctx":{"error":"relative URL without a base"}}`,
	} {
		w.problems(w.ada, "PATCH", ada, body, "["+want+"]")
	}
	for address, reason := range map[string]string{
		"@b": "There must be something before the @-sign.", "a@": "There must be something after the @-sign.",
		"a b@c": "The email address contains invalid characters.", "a@b@c": "The email address contains invalid characters.",
		"Ada <a@b.example>": "The email address contains invalid characters.", strings.Repeat("a", 250) + "@b.example": "The email address is too long (6 bytes too many).",
	} {
		detail := w.as(w.ada, "PATCH", ada, object{"email": address}, http.StatusUnprocessableEntity).Map(w.System)["detail"].([]any)[0].(object)
		require.Equal(t, "value is not a valid email address: "+reason, detail["msg"], address)
		require.Equal(t, []any{"body", "email"}, detail["loc"])
	}
	w.refused(w.ada, "PATCH", ada, "{\"firstName\":\"\xff\"}", http.StatusBadRequest, "There was an error parsing the body")
	w.refused(w.ada, "PATCH", ada, object{"firstName": strings.Repeat("x", 2<<20)}, http.StatusRequestEntityTooLarge, "Request Entity Too Large")
	require.Equal(t, http.StatusUnprocessableEntity, w.as(w.ada, "PATCH", ada, strings.Repeat("[", 100_000), http.StatusUnprocessableEntity).Status)
	require.Equal(t, head, w.head(), "nothing was written")
}

// Whoever reads an owner's mail sets the password by it.
func TestOwnersAddresses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	clerk, owner := w.owner.NewUser("clerk", "user-admin"), w.path(w.owner)
	address := w.get(w.owner, owner)["email"]
	w.refused(clerk, "PATCH", owner, object{"email": "clerk2@example.com"}, http.StatusForbidden, "You do not have permission to perform this action.")
	require.Equal(t, address, w.get(w.owner, owner)["email"])
	w.as(clerk, "PATCH", owner, object{"email": address, "firstName": "Root"}, http.StatusOK)
	w.as(clerk, "PATCH", w.path(w.ada), object{"email": "ada2@example.com"}, http.StatusOK)
	w.as(w.owner, "PATCH", owner, object{"email": "root2@example.com"}, http.StatusOK)
}

func TestIDs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	integer := `[{"type":"int_parsing","loc":["path","user_id"],"msg":"Input should be a valid integer, unable to parse string as an integer","input":%q}]`
	least := `[{"type":"greater_than_equal","loc":["path","user_id"],"msg":"Input should be greater than or equal to 1","input":%q,"ctx":{"ge":1}}]`
	for _, rest := range []string{"", "/", "/activeworkspaces", "/activities", "/activities/count", "/activities/stream"} {
		for _, id := range []string{"abc", "1.5", "1e3", w.ada.ID, "me"} {
			w.problems(w.ada, "GET", "/users/"+id+rest, nil, fmt.Sprintf(integer, id))
		}
		for _, id := range []string{"0", "-1", "-99999999999999999999"} {
			w.problems(w.ada, "GET", "/users/"+id+rest, nil, fmt.Sprintf(least, id))
		}
		for _, id := range []string{"999", "99999999999999999999", strings.Repeat("9", 4000)} {
			w.refused(w.ada, "GET", "/users/"+id+rest, nil, http.StatusNotFound, "User not found")
		}
		w.as(w.ada, "GET", "/users/%00"+rest, nil, http.StatusUnprocessableEntity)
		w.as(w.ada, "GET", "/users/%FF"+rest, nil, http.StatusUnprocessableEntity)
	}
	w.problems(w.ada, "DELETE", "/users/x", nil, fmt.Sprintf(integer, "x"))
	long := w.as(w.ada, "GET", "/users/"+strings.Repeat("9", 4301), nil, http.StatusUnprocessableEntity).Map(w.System)["detail"].([]any)[0].(object)
	require.Equal(t, "int_parsing_size", long["type"])
}

func TestDelete(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, by := range map[string]*apitest.Session{"gone-by-staff": w.owner, "gone-by-self": nil} {
		who := w.owner.NewUser(name)
		path := w.path(who)
		if by == nil {
			by = who
		}
		require.Empty(t, w.as(by, "DELETE", path, nil, http.StatusNoContent).Body)
		w.refused(w.owner, "DELETE", path, nil, http.StatusNotFound, "User not found")
		for _, rest := range []string{"", "/activities", "/activities/count", "/activities/stream", "/activeworkspaces"} {
			w.refused(w.owner, "GET", path+rest, nil, http.StatusNotFound, "User not found")
		}
		w.refused(w.owner, "PATCH", path, object{}, http.StatusNotFound, "User not found")
		w.refused(who, "GET", "/users/whoami", nil, http.StatusUnauthorized, "Invalid or expired token")
		require.Empty(t, w.list(w.owner, "/users/search?q="+name))
		w.owner.NewUser(name) // its names are free
	}
	recorded, err := w.Log.Read(t.Context(), events.Aggregate{Kind: events.User, ID: w.eve.ID}, 1)
	require.NoError(t, err)
	require.NotEmpty(t, recorded, "the history stays")
	w.refused(w.owner, "DELETE", "/users/1", nil, http.StatusConflict, "The last owner can not be deleted, suspended or demoted")
	w.refused(w.ada, "DELETE", w.path(w.ada), nil, http.StatusConflict, "A user who owns workspaces can not be deleted")
}

func TestRepeatedWrites(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := "/api/v3" + w.path(w.ada)
	key := map[string]string{"Idempotency-Key": "once"}
	first := w.ada.Do("PATCH", path, key, object{"firstName": "Ada"})
	again := w.ada.Do("PATCH", path, key, object{"firstName": "Ada"})
	require.Equal(t, string(first.Body), string(again.Body))
	require.Equal(t, first.Header.Get("Roster-Position"), again.Header.Get("Roster-Position"))
	other := w.ada.Do("PATCH", path, key, object{"firstName": "Eve"})
	require.Equal(t, http.StatusUnprocessableEntity, other.Status)
	require.JSONEq(t, `{"detail":[{"type":"value_error","loc":["header","idempotency-key"],"msg":"Value error, this key was used for another request","input":null,"ctx":{"error":{}}}]}`, string(other.Body))
	bad := w.ada.Do("PATCH", path, map[string]string{"Idempotency-Key": strings.Repeat("x", 256)}, object{})
	require.Equal(t, http.StatusBadRequest, bad.Status)
	require.Contains(t, bad.Map(w.System)["detail"], "Idempotency-Key")
}

package coder_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"

	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/query"
)

func userNamed(name string) query.UserRef { return query.UserRef{Username: name} }

func TestSSHKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	of := func(user string) string { return path(user, "/gitsshkey") }
	refused := says("Internal error fetching user's SSH key.")
	before := w.head()
	w.check([]line{
		{"3.16 an auditor", w.auditor, "GET", of("ada"), nil, 500, refused},
		{"3.16 may not read the user", w.ada, "GET", of("linus"), nil, 404, missing},
		{"3.16 nobody", nil, "GET", of("me"), nil, 401, nil},
		{"3.17 an auditor", w.auditor, "PUT", of("ada"), nil, 500, refused},
		{"3.17 nobody", nil, "PUT", of("me"), nil, 401, nil},
	})
	require.Equal(t, before, w.head())
	first := w.get(w.ada, of("me"))
	require.Equal(t, before+1, w.head(), "3.16 the first use makes it")
	require.Equal(t, w.ada.ID, first["user_id"])
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(first["public_key"].(string)))
	require.NoError(t, err)
	require.Equal(t, "ssh-ed25519", key.Type())
	require.Equal(t, first, w.get(w.owner, of("ada")), "3.16 an owner")
	require.Equal(t, first, w.get(w.admin, of("ada")), "3.16 a user-admin")
	second := w.put(w.ada, of("me"), nil)
	require.Equal(t, first["created_at"], second["created_at"], "3.17 created_at stays")
	require.True(t, moment(t, second["updated_at"]).After(moment(t, first["updated_at"])))
	require.NotEqual(t, first["public_key"], second["public_key"])
	require.Equal(t, second, w.get(w.ada, of("me")))
	require.NotEqual(t, second["public_key"], w.put(w.admin, of("ada"), nil)["public_key"], "3.17 by an admin")
}

func TestAutofill(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const template, other = "01900000-0000-7000-8000-000000000009", "01900000-0000-7000-8000-00000000000a"
	of := func(user, values string) string { return path(user, "/autofill-parameters"+values) }
	bad := func(fields ...string) object {
		o := invalid(fields...)
		o["message"] = "Invalid query parameters."
		return o
	}
	w.check([]line{
		{"3.15 no template", w.ada, "GET", of("me", ""), nil, 400, bad("template_id", `Query param "template_id" is required`)},
		{"3.15 empty template", w.ada, "GET", of("me", "?template_id="), nil, 400, bad("template_id", `Query param "template_id" is required`)},
		{"3.15 bad template", w.ada, "GET", of("me", "?template_id=x"), nil, 400, bad("template_id", `Query param "template_id" must be a valid uuid`)},
		{
			"3.15 another parameter", w.ada, "GET", of("me", "?template_id="+template+"&color=red"), nil, 400,
			bad("color", `Query param "color" is not a valid query param`),
		},
		{"3.15 both", w.ada, "GET", of("me", "?color=red"), nil, 400, bad("template_id", `Query param "template_id" is required`,
			"color", `Query param "color" is not a valid query param`)},
		{"3.15 may not read", w.ada, "GET", of("linus", "?template_id="+template), nil, 404, missing},
		{"3.15 reads the user alone", w.auditor, "GET", of("ada", "?template_id="+template), nil, 404, missing},
		{"3.15 nobody", nil, "GET", of("me", "?template_id="+template), nil, 401, nil},
	})
	list := func(of string) string { return string(w.ada.Do("GET", of, nil, nil).Body) }
	require.JSONEq(t, `[]`, list(of("me", "?template_id="+template)), "3.15 unknown template")
	for _, p := range [][3]string{{template, "region", "eu"}, {template, "cpus", "4"}, {template, "region", "us"}, {other, "region", "asia"}} {
		_, err := w.Commands.RecordParameter(t.Context(), commands.Request{Actor: commands.Actor{UserID: commands.SystemActor}},
			commands.RecordParameter{UserID: w.ada.ID, TemplateID: p[0], Name: p[1], Value: p[2]})
		require.NoError(t, err)
	}
	w.settled()
	require.JSONEq(t, `[{"name":"cpus","value":"4"},{"name":"region","value":"us"}]`, list(of("me", "?template_id="+template)), "3.15 the latest of each")
	require.JSONEq(t, `[{"name":"region","value":"asia"}]`, list(of("ada", "?template_id="+other)))
	require.Equal(t, 200, w.owner.Do("GET", of("ada", "?template_id="+other), nil, nil).Status, "3.15 an owner for others")
	require.Equal(t, 200, w.Do("GET", of("me", "?template_id="+other+"&coder_session_token="+w.ada.Token), nil, nil).Status)
}

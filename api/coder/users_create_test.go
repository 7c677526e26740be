package coder_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
	"github.com/rosterhq/roster/api/gate"
)

// wanted is a good body with changes; nil takes a member out.
func wanted(name string, changes object) object {
	body := object{
		"email": name + "@example.com", "username": name, "password": strong, "organization_ids": []string{zeroUUID},
	}
	for k, v := range changes {
		if body[k] = v; v == nil {
			delete(body, k)
		}
	}
	return body
}

func TestCreate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	mayNot := says("You are not authorized to create users.")
	unknown := []string{someUUID}
	noOrganization := object{
		"message":     "No organization specified to place the user as a member of. It is required to specify at least one organization id to place the user in.",
		"detail":      "required at least 1 value for the array 'organization_ids'",
		"validations": []any{object{"field": "organization_ids", "detail": "Missing values, this cannot be empty"}},
	}
	long := object{"message": "Password is invalid", "validations": []any{object{"field": "password", "detail": "password must be no more than 64 characters"}}}
	post := func(name string, by *apitest.Session, status int, want, changes object) line {
		return line{name, by, "POST", users, wanted("grace", changes), status, want}
	}
	before := w.head()
	w.check([]line{
		{"3.2 nobody", nil, "POST", users, wanted("grace", nil), 401, nil},
		post("3.2 #1 no e-mail", w.owner, 400, invalid("email", tag("required", "")), object{"email": nil}),
		post("3.2 #1 bad e-mail", w.owner, 400, invalid("email", tag("email", "grace")), object{"email": "grace"}),
		post("3.2 #1 no username", w.owner, 400, invalid("username", tag("required", "")), object{"username": nil}),
		post("3.2 #1 bad username", w.owner, 400, invalid("username", tag("username", "-x")), object{"username": "-x"}),
		post("3.2 #1 reserved username", w.owner, 400, invalid("username", tag("username", "new")), object{"username": "new"}),
		post("3.2 #1 bad name", w.owner, 400, invalid("name", tag("user_real_name", " Grace")), object{"name": " Grace"}),
		post("3.2 #1 long name", w.owner, 400, invalid("name", tag("user_real_name", strings.Repeat("x", 129))), object{"name": strings.Repeat("x", 129)}),
		post("3.2 #1 bad status", w.owner, 400, invalid("user_status", tag("oneof", "deleted")), object{"user_status": "deleted"}),
		post("3.2 #1 several", w.owner, 400, invalid("email", tag("email", "e"), "username", tag("username", "!")), object{"email": "e", "username": "!"}),
		post("3.2 #1 wrong type", w.owner, 400, badBody(`field "email" must be of type string`), object{"email": 7}),
		post("3.2 #1 organizations of a wrong type", w.owner, 400, badBody(`field "organization_ids" must be of type []string`), object{"organization_ids": "x"}),
		post("3.2 #1 organizations that are no UUIDs", w.owner, 400, badBody(`field "organization_ids" must hold UUIDs`), object{"organization_ids": []string{"x"}}),
		{"3.2 #1 no body", w.owner, "POST", users, "", 400, badBody("the body is empty")},
		post("3.2 #2 service account with a login type", w.owner, 400, says("Service accounts must use login type 'none'."),
			object{"service_account": true, "login_type": "password"}),
		post("3.2 #3 service account with a password", w.owner, 400, says("Password cannot be set for service accounts."), object{"service_account": true}),
		post("3.2 #3 service account with an e-mail", w.owner, 400, says("Email cannot be set for service accounts."),
			object{"service_account": true, "password": nil}),
		post("3.2 #4 service account", w.owner, 403, says("Service accounts is a Premium feature. Contact sales!"),
			object{"service_account": true, "password": nil, "email": nil}),
		post("3.2 #5 none without service account", w.owner, 400, says("Login type 'none' requires a service account."), object{"login_type": "none"}),
		post("3.2 #6 password for another login type", w.owner, 400, says(`Password cannot be set for non-password ("oidc") authentication.`), object{"login_type": "oidc"}),
		post("3.2 #8 no organization", w.owner, 400, noOrganization, object{"organization_ids": []string{}}),
		post("3.2 #8 no organizations at all", w.owner, 400, noOrganization, object{"organization_ids": nil}),
		post("3.2 #9 taken username in front of #10", w.owner, 409, says("User already exists."), object{"username": "ADA", "organization_ids": unknown}),
		post("3.2 #9 taken e-mail", w.owner, 409, says("User already exists."), object{"email": "ADA@example.com"}),
		post("3.2 #9 in front of #14 for who may read", w.auditor, 409, says("User already exists."), object{"username": "ada"}),
		post("3.2 #9 not told to who may not read", w.ada, 403, mayNot, object{"username": "linus"}),
		post("3.2 #10 unknown organization", w.owner, 404, says(`Organization does not exist with the provided id "`+someUUID+`".`), object{"organization_ids": unknown}),
		post("3.2 #10 in front of #14", w.ada, 404, says(`Organization does not exist with the provided id "`+someUUID+`".`), object{"organization_ids": unknown}),
		post("3.2 #11 weak password", w.owner, 400, weak("Password is invalid", onlyLower), object{"password": "testing"}),
		post("3.2 #11 long password", w.owner, 400, long, object{"password": strings.Repeat("aB3!xyzw", 9)}),
		post("3.2 #11 no password", w.owner, 400, weak("Password is invalid", "using lowercase letters, "+onlyLower), object{"password": nil}),
		post("3.2 #11 in front of #14", w.ada, 400, weak("Password is invalid", onlyLower), object{"password": "testing"}),
		post("3.2 #12 OIDC without a provider", w.owner, 400, says("You must configure OIDC before creating OIDC users."), object{"login_type": "oidc", "password": nil}),
		post("3.2 #13 login type of keys", w.owner, 400, says(`Unsupported login type "token" for manually creating new users.`), object{"login_type": "token", "password": nil}),
		post("3.2 #13 unheard of login type", w.owner, 400, says(`Unsupported login type "dove" for manually creating new users.`), object{"login_type": "dove", "password": nil}),
		post("3.2 #14 member", w.ada, 403, mayNot, nil),
		post("3.2 #14 auditor", w.auditor, 403, mayNot, nil),
		post("3.2 #14 template-admin", w.builder, 403, mayNot, nil),
		post("3.2 #14 user-admin may grant nothing", w.admin, 403, mayNot, object{"roles": []string{"auditor"}}),
		post("3.2 unknown role", w.owner, 400, says(`"emperor" is not a supported role`), object{"roles": []string{"emperor"}}),
		post("3.2 organization's role", w.owner, 400, says("Must only update site wide roles"), object{"roles": []string{"organization-admin"}}),
	})
	require.Equal(t, before, w.head(), "who is refused wrote nothing")
}

func TestCreated(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	t.Run("2.5 dormant without user_status", func(t *testing.T) {
		u := w.make("grace", nil)
		require.Equal(t, "dormant", u["status"])
		require.Equal(t, "password", u["login_type"])
		require.Equal(t, []any{w.Commands.DefaultOrganization()}, u["organization_ids"])
		require.Equal(t, []any{}, u["roles"])
	})
	t.Run("2.5 status as given", func(t *testing.T) {
		require.Equal(t, "active", w.make("alan", object{"user_status": "active"})["status"])
		require.Equal(t, "suspended", w.make("kurt", object{"user_status": "suspended"})["status"])
	})
	t.Run("3.2 GitHub without a password", func(t *testing.T) {
		u := w.make("octo", object{"login_type": "github", "password": ""})
		require.Equal(t, "github", u["login_type"])
	})
	t.Run("3.2 roles", func(t *testing.T) {
		u := w.make("edsger", object{"roles": []string{"auditor", "owner", "member"}})
		require.Equal(t, []any{object{"name": "owner", "display_name": "Owner"}, object{"name": "auditor", "display_name": "Auditor"}}, u["roles"])
	})
	t.Run("3.2 user-admin creates", func(t *testing.T) {
		a := w.admin.Do("POST", users, nil, wanted("by-admin", object{"roles": []string{}}))
		require.Equal(t, http.StatusCreated, a.Status, "%s", a.Body)
	})
	t.Run("3.2 organization by its id, and once", func(t *testing.T) {
		id := w.Commands.DefaultOrganization()
		u := w.make("by-id", object{"organization_ids": []string{id, strings.ToUpper(id), zeroUUID}})
		require.Equal(t, []any{id}, u["organization_ids"])
	})
	t.Run("3.2 organization_id of older clients", func(t *testing.T) {
		u := w.make("old-client", object{"organization_ids": nil, "organization_id": w.Commands.DefaultOrganization()})
		require.Equal(t, []any{w.Commands.DefaultOrganization()}, u["organization_ids"])
	})
	t.Run("3.2 case is kept, an SSH key is there", func(t *testing.T) {
		u := w.make("MixedCase", object{"email": "Mixed@Example.com"})
		require.Equal(t, "MixedCase", u["username"])
		require.Equal(t, "Mixed@Example.com", u["email"])
		head := w.head()
		require.Equal(t, u["id"], w.get(w.owner, path("mixedcase", "/gitsshkey"))["user_id"])
		require.Equal(t, head, w.head(), "it was made with the user")
	})
	t.Run("2.5 a dormant user signs in and is active", func(t *testing.T) {
		grace := w.Login("grace@example.com", strong)
		require.Equal(t, "active", w.get(grace, path("me", ""))["status"])
	})
	t.Run("3.2 a repeat under an idempotency key", func(t *testing.T) {
		key := map[string]string{"Idempotency-Key": "make-ken"}
		one := w.owner.Do("POST", users, key, wanted("ken", nil))
		two := w.owner.Do("POST", users, key, wanted("ken", nil))
		require.Equal(t, http.StatusCreated, two.Status, "%s", two.Body)
		require.Equal(t, one.Map(w.System)["id"], two.Map(w.System)["id"])
	})
}

func TestOneOfManySameNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var mu sync.Mutex
	statuses := map[int]int{}
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			a, err := w.owner.Try("POST", users, nil, wanted("grace", nil))
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			}
			statuses[a.Status]++
		})
	}
	wg.Wait()
	require.Equal(t, map[int]int{http.StatusCreated: 1, http.StatusConflict: 19}, statuses)
}

func TestCreateBySettings(t *testing.T) {
	t.Parallel()
	s := apitest.New(t, apitest.WithSettings(func(c *gate.Settings) { c.PasswordLoginDisabled, c.SignIn.OIDC = true, true }))
	w := world{System: s, t: t, owner: s.FirstUser()}
	w.check([]line{
		{
			"3.2 #7 password login is off", w.owner, "POST", users, wanted("grace", object{"organization_ids": nil}), 403,
			says("Password based authentication is disabled! Unable to provision new users with password authentication."),
		},
		{"3.2 #12 OIDC with a provider", w.owner, "POST", users, wanted("grace", object{"login_type": "oidc", "password": nil}), 201, nil},
	})
}

// TestSeedExamples sends what Coder's documentation shows, as far as it can be.
func TestSeedExamples(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.check([]line{
		{"create", w.owner, "POST", users, object{
			"email": "user@example.com", "login_type": "", "name": "string", "organization_ids": []string{w.Commands.DefaultOrganization()},
			"password": strong, "roles": []string{"auditor"}, "service_account": false, "user_status": "active", "username": "string",
		}, 201, nil},
		{"profile", w.owner, "PUT", path("string", "/profile"), object{"name": "string", "username": "string"}, 200, nil},
		{"appearance", w.ada, "PUT", path("me", "/appearance"), object{
			"terminal_font": "fira-code", "theme_dark": "light", "theme_light": "light", "theme_mode": "sync", "theme_preference": "string",
		}, 200, nil},
		{"preferences", w.ada, "PUT", path("me", "/preferences"), object{
			"agent_chat_send_shortcut": "enter", "code_diff_display_mode": "auto", "shell_tool_display_mode": "auto",
			"task_notification_alert_dismissed": true, "thinking_display_mode": "auto",
		}, 200, nil},
		{"roles that do not exist", w.owner, "PUT", path("ada", "/roles"), object{"roles": []string{"string"}}, 400, says(`"string" is not a supported role`)},
		{"autofill of no template", w.ada, "GET", path("me", "/autofill-parameters?template_id=string"), nil, 400, object{
			"message": "Invalid query parameters.", "validations": []any{object{"field": "template_id", "detail": `Query param "template_id" must be a valid uuid`}},
		}},
	})
}

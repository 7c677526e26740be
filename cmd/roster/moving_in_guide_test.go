package main

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/internal/testenv"
)

// These tests follow docs/guides/moving-in.md: its statements, run on tables of each
// system, give its lines, and who comes in by those lines goes on as before.

// system is what the guide says of one system.
type system struct{ statement, line string }

func guide(t *testing.T) map[string]system {
	t.Helper()
	raw, err := os.ReadFile("../../docs/guides/moving-in.md")
	require.NoError(t, err)
	block := func(section, language string) string {
		m := regexp.MustCompile("(?s)```" + language + "\n(.*?)\n```").FindStringSubmatch(section)
		require.NotNil(t, m, "no %s in %.20s", language, section)
		return m[1]
	}
	out := map[string]system{}
	for _, section := range strings.Split(string(raw), "\n### ")[1:] {
		name, rest, _ := strings.Cut(section, "\n")
		out[strings.TrimSpace(name)] = system{statement: block(rest, "sql"), line: block(rest, "json")}
	}
	require.Len(t, out, 5)
	return out
}

// tables are those of each system, as far as the guide's statement reads them, with
// the one user of the guide. PM415's are MySQL's.
var tables = map[string]string{ //nolint:gochecknoglobals // a constant table
	"Coder": `
		create table users (id uuid, email text, username text, hashed_password bytea, created_at timestamptz, status text,
			rbac_roles text[], login_type text, avatar_url text, deleted boolean, name text, is_system boolean);
		create table organizations (id uuid, name text, display_name text, is_default boolean, deleted boolean);
		create table organization_members (user_id uuid, organization_id uuid, roles text[]);
		create table user_links (user_id uuid, login_type text, linked_id text);
		create table user_configs (user_id uuid, key text, value text);
		create table api_keys (id text, hashed_secret bytea, user_id uuid, expires_at timestamptz, login_type text,
			lifetime_seconds bigint, token_name text, scopes text[], allow_list text[]);
		insert into users values ('6f1f0a4e-5a3c-4f4e-9a55-0d6f0f6a2b11', 'ada@example.com', 'ada',
			'$pbkdf2-sha256$65535$MDEyMzQ1Njc4OWFiY2RlZg$1qLscqh+xZ5jP5HwC7HFrDfEIXqJy1c6DbTPqXO+juVmWAV6l2W5z6efNSMrnItl8rZaFypYlDfaHvZQl0jGlw',
			'2019-05-03T10:00:00Z', 'active', '{auditor}', 'password', '', false, 'Ada Lovelace', false),
			(gen_random_uuid(), 'gone@example.com', 'gone', '', now(), 'active', '{}', 'password', '', true, '', false);
		insert into organizations values ('00000000-0000-0000-0000-000000000001', 'coder', 'Coder', true, false),
			('00000000-0000-0000-0000-000000000002', 'engines', 'Engines', false, false);
		insert into organization_members select id, '00000000-0000-0000-0000-000000000001', '{}' from users where username = 'ada';
		insert into organization_members select id, '00000000-0000-0000-0000-000000000002', '{organization-admin}' from users where username = 'ada';
		insert into user_configs select id, 'theme_preference', 'dark' from users where username = 'ada';
		insert into api_keys select 'k012345678', sha256('abcdefghijklmnopqrstuv'), id, '2090-01-01T00:00:00Z', 'token', 2592000, 'ci',
			'{coder:all}', '{*:*}' from users where username = 'ada';
		insert into api_keys select 'sess012345', sha256('x'), id, '2090-01-01T00:00:00Z', 'password', 86400, '', '{coder:all}', '{*:*}'
			from users where username = 'ada';`,
	"RunWhen": `
		create table auth_user (id int, username text, email text, password text, first_name text, last_name text, is_active boolean,
			is_staff boolean, is_superuser boolean, date_joined timestamptz);
		create table personal_tokens (id int, user_id int, token_hash text, name text, expires_at timestamptz, is_revoked boolean);
		insert into auth_user values (4711, 'grace-h', 'grace@example.com',
			'pbkdf2_sha256$260000$Xo2bbrIWYp7vMkp0$Mp3mfAA1ttUD8D0vkuvKYaUD2hlnsnFCcsWCRs+I83I=', 'Grace', 'Hopper', true, true, false,
			'2020-02-28T10:00:00Z');
		insert into personal_tokens values (1, 4711, encode(sha256('rw_pat_5b1f0c9e7d3a4f6e8b2c'), 'hex'), 'mcp', '2090-01-01T00:00:00Z', false),
			(2, 4711, 'x', 'revoked', '2090-01-01T00:00:00Z', true);`,
	"ABF": `
		create table users (id int, name text, email text, encrypted_password text, created_at timestamp, uname text, role text,
			language text, professional_experience text, site text, company text, location text, authentication_token text,
			build_priority int);
		create table settings_notifiers (id int, user_id int, can_notify boolean, new_comment boolean, new_comment_reply boolean,
			new_issue boolean, issue_assign boolean, created_at timestamp, updated_at timestamp, new_comment_commit_owner boolean,
			new_comment_commit_repo_owner boolean, new_comment_commit_commentor boolean, new_build boolean,
			new_associated_build boolean, update_code boolean);
		insert into users values (56, 'Linus', 'linus@example.com', '$2a$10$BwvxggEbCGbfXmil6eSJD.pCDw3wNOFAsCmHsCEb/9yETd/a5L7NK',
			'2012-03-04 05:06:07', 'linus_t', 'tester', 'ru', null, null, 'Rosa', null, 'xSzy3-TcAtH9_vWkQm7e', 50);
		insert into settings_notifiers values (5, 56, true, false, true, true, true, now(), now(), true, false, true, true, true, false);`,
	"Codimir": `
		create table "User" (id text, email text, name text, "firstName" text, "lastName" text, image text, password text, role text,
			"createdAt" timestamp);
		create table "Account" ("userId" text, provider text, "providerAccountId" text);
		create table "ApiKey" (id text, "userId" text, key text, name text);
		insert into "User" values ('cjld2cjxh0000qzrmn831i7rn', 'john@example.com', 'John Doe', 'John', 'Doe', 'https://example.com/avatar.jpg',
			'$2b$10$BwvxggEbCGbfXmil6eSJD.pCDw3wNOFAsCmHsCEb/9yETd/a5L7NK', 'ADMIN', '2024-01-01 00:00:00');
		insert into "Account" values ('cjld2cjxh0000qzrmn831i7rn', 'github', '583231'), ('cjld2cjxh0000qzrmn831i7rn', 'email', 'x');
		insert into "ApiKey" values ('1', 'cjld2cjxh0000qzrmn831i7rn', 'cdm_live_5f2b9c7e1a3d4f60', 'sdk');`,
}

func TestStatementsOfTheGuideGiveItsLines(t *testing.T) {
	t.Parallel()
	systems := guide(t)
	for name, sql := range tables {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			conn, err := pgx.Connect(ctx, testenv.Postgres(t))
			require.NoError(t, err)
			defer func() { require.NoError(t, conn.Close(ctx)) }()
			_, err = conn.Exec(ctx, "set timezone = 'UTC'; "+sql)
			require.NoError(t, err)
			rows, err := conn.Query(ctx, strings.TrimSuffix(systems[name].statement, ";"))
			require.NoError(t, err)
			lines, err := pgx.CollectRows(rows, pgx.RowTo[json.RawMessage])
			require.NoError(t, err)
			require.Len(t, lines, 1)
			require.NotContains(t, string(lines[0]), "\n", "a user is a line")
			require.JSONEq(t, systems[name].line, string(lines[0]))
		})
	}
}

// moved is a system into which the guide's five lines were imported by its command.
type moved struct {
	*apitest.System
	t *testing.T
}

func movedIn(t *testing.T) moved {
	t.Helper()
	s := apitest.New(t, apitest.WithCommands(func(c *commands.Config) { c.NumbersFrom = 100_000 }))
	owner := s.FirstUser()
	lines := make([]string, 0, 5)
	for _, one := range guide(t) {
		lines = append(lines, one.line)
	}
	file := filepath.Join(t.TempDir(), "users.ndjson")
	require.NoError(t, os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o600))
	report := filepath.Join(t.TempDir(), "refused.ndjson")
	args := []string{"import", "users", "--server", s.URL, "--token", owner.Token, "--refused", report, file}
	code, stdout, stderr := roster(t.Context(), args...)
	require.Zero(t, code, stderr)
	require.Contains(t, stdout, "imported 5 new, 0 unchanged, 0 refused in ")
	code, stdout, _ = roster(t.Context(), args...)
	require.Zero(t, code)
	require.Contains(t, stdout, "imported 0 new, 5 unchanged, 0 refused in ")
	return moved{s, t}
}

// get reads a path with the header of a client that has its old key.
func (m moved) get(path, header, value string) map[string]any {
	m.t.Helper()
	a := m.Do(http.MethodGet, path, map[string]string{header: value}, nil)
	require.Equal(m.t, http.StatusOK, a.Status, "%s: %s", path, a.Body)
	return a.Map(m.System)
}

// hashedAnew checks that a sign-in put an argon2id hash in the place of the old one.
func (m moved) hashedAnew(email, old string) {
	m.t.Helper()
	u, err := m.Commands.Find(m.t.Context(), commands.UserRef{Email: email})
	require.NoError(m.t, err)
	require.True(m.t, strings.HasPrefix(u.PasswordHash, "$argon2id$"), old)
}

func basic(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

func TestWhoMovedInGoesOn(t *testing.T) {
	t.Parallel()
	m := movedIn(t)
	for name, check := range map[string]func(moved){
		"Coder": moved.coder, "RunWhen": moved.runwhen, "PM415": moved.pm415, "ABF": moved.abf, "Codimir": moved.codimir,
	} {
		t.Run(name, func(t *testing.T) { check(moved{m.System, t}) })
	}
}

func (m moved) coder() {
	const id = "6f1f0a4e-5a3c-4f4e-9a55-0d6f0f6a2b11"
	const token = "k012345678-abcdefghijklmnopqrstuv"
	me := m.get("/api/v2/users/me", "Coder-Session-Token", token)
	require.Equal(m.t, []any{id, "ada", "Ada Lovelace", "2019-05-03T10:00:00Z"}, []any{me["id"], me["username"], me["name"], me["created_at"]})
	require.Len(m.t, me["organization_ids"], 2)
	require.Equal(m.t, "auditor", me["roles"].([]any)[0].(map[string]any)["name"])
	require.Equal(m.t, "dark", m.get("/api/v2/users/me/appearance", "Coder-Session-Token", token)["theme_preference"])
	key := m.get("/api/v2/users/me/keys/tokens/ci", "Coder-Session-Token", token)
	require.Equal(m.t, "k012345678", key["id"])
	a := m.Do(http.MethodPost, "/api/v2/users/login", nil, map[string]any{"email": "ada@example.com", "password": apitest.Password})
	require.Equal(m.t, http.StatusCreated, a.Status, "%s", a.Body)
	m.hashedAnew("ada@example.com", "PBKDF2")
}

func (m moved) runwhen() {
	me := m.get("/api/v3/users/whoami", "Authorization", "Bearer rw_pat_5b1f0c9e7d3a4f6e8b2c")
	require.Equal(m.t, []any{4711.0, "grace-h", "Grace", true}, []any{me["id"], me["username"], me["firstName"], me["isStaff"]})
	a := m.Do(http.MethodPost, "/api/v3/token/", nil, map[string]any{"username": "grace-h", "password": apitest.Password})
	require.Equal(m.t, http.StatusOK, a.Status, "%s", a.Body)
	access := a.Map(m.System)["access"].(string)
	require.EqualValues(m.t, 4711, m.get("/api/v3/users/4711", "Authorization", "Bearer "+access)["id"])
	m.hashedAnew("grace@example.com", "Django's PBKDF2")
}

func (m moved) pm415() {
	key := "3f0c1d2e4b5a69788796a5b4c3d2e1f03f0c1d2e4b5a69788796a5b4c3d2e1f0"
	answer := m.get("/api/user", "Authorization", "Bearer "+key)
	user := answer["user"].(map[string]any)
	require.Equal(m.t, []any{4.0, "matt@example.com", "Matt", "Reider"}, []any{user["id"], user["email"], user["firstName"], user["lastName"]})
	organization := answer["organization"].(map[string]any)
	require.Equal(m.t, "Bar", organization["name"])
	require.Equal(m.t, []any{map[string]any{"id": 1.0, "role": "Admin"}}, organization["roles"])
	require.Equal(m.t, key, m.get("/api/user/apikey", "Authorization", "Bearer "+key)["apikey"])
	a := m.Do(http.MethodPost, "/api/account/login", nil, map[string]any{"email": "matt@example.com", "password": apitest.Password})
	require.Equal(m.t, http.StatusOK, a.Status, "%s", a.Body)
	m.hashedAnew("matt@example.com", "PBKDF2-SHA512")
}

func (m moved) abf() {
	const token = "xSzy3-TcAtH9_vWkQm7e"
	for _, credential := range []string{basic(token, ""), "Bearer " + token, basic("linus_t", apitest.Password), basic("LINUS@example.com", apitest.Password)} {
		user := m.get("/api/v1/user.json", "Authorization", credential)["user"].(map[string]any)
		require.Equal(m.t, []any{56.0, "linus_t", "Linus", "ru", "tester", "Rosa", 50.0},
			[]any{user["id"], user["uname"], user["name"], user["language"], user["role"], user["company"], user["build_priority"]})
		require.EqualValues(m.t, 1330837567, user["created_at"])
	}
	notifiers := m.get("/api/v1/user/notifiers.json", "Authorization", basic(token, ""))["user"].(map[string]any)["notifiers"].(map[string]any)
	require.Equal(m.t, []any{false, false, true}, []any{notifiers["new_comment"], notifiers["new_comment_commit_repo_owner"], notifiers["new_issue"]})
	require.Equal(m.t, http.StatusUnauthorized, m.Do(http.MethodGet, "/api/v1/user.json", map[string]string{"Authorization": basic("xSzy3-TcAtH9_vWkQm7f", "")}, nil).Status)
	m.hashedAnew("linus@example.com", "bcrypt")
}

func (m moved) codimir() {
	data := m.get("/api/user/profile", "Authorization", "Bearer cdm_live_5f2b9c7e1a3d4f60")["data"].(map[string]any)
	require.Equal(m.t, []any{"john@example.com", "John Doe", "ADMIN", "https://example.com/avatar.jpg", "2024-01-01T00:00:00Z"},
		[]any{data["email"], data["name"], data["role"], data["image"], data["createdAt"]})
	csrf := m.Do(http.MethodGet, "/api/auth/csrf", nil, nil)
	require.Equal(m.t, http.StatusOK, csrf.Status)
	form := url.Values{
		"csrfToken": {csrf.Map(m.System)["csrfToken"].(string)}, "email": {"john@example.com"}, "password": {apitest.Password}, "json": {"true"},
	}
	cookie, _, _ := strings.Cut(csrf.Header.Get("Set-Cookie"), ";")
	a := m.Do(http.MethodPost, "/api/auth/callback/credentials", map[string]string{
		"Content-Type": "application/x-www-form-urlencoded", "Cookie": cookie,
	}, form.Encode())
	require.Equal(m.t, http.StatusOK, a.Status, "%s", a.Body)
	m.hashedAnew("john@example.com", "bcrypt")
}

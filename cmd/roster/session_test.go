package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
	"github.com/rosterhq/roster/cmd/roster/internal/profile"
)

// desk is a person with a profile file, in front of a system.
type desk struct {
	t        *testing.T
	profiles string
	stdin    string
}

func newDesk(t *testing.T) *desk {
	return &desk{t: t, profiles: filepath.Join(t.TempDir(), "settings", "profiles.json")}
}

// roster runs a command with the desk's profiles.
func (d *desk) roster(args ...string) (code int, stdout, stderr string) {
	d.t.Helper()
	var out, err bytes.Buffer
	if len(args) > 1 || args[0] == "whoami" || args[0] == "logout" {
		args = append(args, "--profiles", d.profiles)
	}
	code = run(d.t.Context(), args, outputs{out: &out, err: &err, in: strings.NewReader(d.stdin)})
	return code, out.String(), err.String()
}

// ok is roster that must succeed.
func (d *desk) ok(args ...string) string {
	d.t.Helper()
	code, stdout, stderr := d.roster(args...)
	require.Zero(d.t, code, "%v: %s", args, stderr)
	return stdout
}

func (d *desk) login(s *apitest.System, who *apitest.Session) {
	d.t.Helper()
	d.stdin = apitest.Password + "\n"
	d.ok("login", "--server", s.URL, "--email", who.Email)
	d.stdin = ""
}

func TestLoginAndLogout(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	d := newDesk(t)
	d.stdin = apitest.Password + "\n"
	require.Equal(t, fmt.Sprintf("signed in to %s as owner, kept as profile default\n", s.URL), d.ok("login", "--server", s.URL, "--email", owner.Email))
	info, err := os.Stat(d.profiles)
	require.NoError(t, err)
	require.EqualValues(t, 0o600, info.Mode().Perm())
	dir, err := os.Stat(filepath.Dir(d.profiles))
	require.NoError(t, err)
	require.EqualValues(t, 0o700, dir.Mode().Perm())
	require.Contains(t, d.ok("whoami"), "Username       owner\n")

	file, err := profile.Read(d.profiles)
	require.NoError(t, err)
	token := file.Profiles["default"].Token
	require.NotEmpty(t, token)
	require.Equal(t, fmt.Sprintf("signed out of %s\n", s.URL), d.ok("logout"))
	code, _, stderr := d.roster("whoami", "--server", s.URL)
	require.Equal(t, exitUsage, code)
	require.Equal(t, "roster: no token: sign in, or set ROSTER_TOKEN or give --token\nTry: roster login --server "+s.URL+"\n", stderr)
	code, _, stderr = d.roster("whoami", "--server", s.URL, "--token", token)
	require.Equal(t, exitFailed, code, "the session is dead")
	require.Contains(t, stderr, "the server does not accept the token")
	require.Contains(t, stderr, "\nTry: roster login\n")
	code, _, stderr = d.roster("logout")
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, "Try: roster login\n")
}

func TestLoginRefused(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	d := newDesk(t)
	d.stdin = "not-the-password-1843\n"
	code, stdout, stderr := d.roster("login", "--server", s.URL, "--email", owner.Email)
	require.Equal(t, exitFailed, code)
	require.Empty(t, stdout)
	require.Equal(t, "roster: the server does not accept e-mail and password\n", stderr)
	require.NoFileExists(t, d.profiles)
	for args, says := range map[string]string{
		"login --server " + s.URL:                              "no --email: whose account is it?",
		"login --with-token --server ftp://x":                  "begins with http:// or https://",
		"login --with-token --server http://ada:hunter2@x":     "holds a user or password",
		"login --email ada@example.com --server http://h/?a=b": "must end before any ? or #",
	} {
		code, _, stderr := d.roster(strings.Fields(args)...)
		require.Equal(t, exitUsage, code, args)
		require.Contains(t, stderr, says)
		require.NotContains(t, stderr, "hunter2")
		require.NotContains(t, stderr, "not-the-password")
	}
	d.stdin = ""
	code, _, stderr = d.roster("login", "--server", s.URL, "--email", owner.Email)
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, "no password: type it at the terminal, or send it to standard input")
}

// A server without the dialect for logins says how to go on.
func TestLoginWithoutTheDialect(t *testing.T) {
	t.Parallel()
	s := apitest.New(t, apitest.WithDialects("codimir"))
	d := newDesk(t)
	d.stdin = "some-password-1843\n"
	code, _, stderr := d.roster("login", "--server", s.URL, "--email", "ada@example.com")
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, "switched off\nTry: roster login --with-token\n")
}

func TestLoginWithToken(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	d := newDesk(t)
	d.stdin = owner.Token + "\n"
	d.ok("login", "--server", s.URL, "--with-token", "--profile", "production")
	require.Contains(t, d.ok("whoami", "--profile", "production"), "owner")
	code, _, stderr := d.roster("whoami", "--profile", "staging")
	require.Equal(t, exitUsage, code)
	require.Equal(t, "roster: no profile \"staging\" in the file of profiles, which has [\"production\"]\nTry: roster login --profile staging\n", stderr)
}

// A token in a profile goes to the profile's server and to no other.
func TestTokenStaysWithItsServer(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	d := newDesk(t)
	d.login(s, s.FirstUser())
	code, _, stderr := d.roster("whoami", "--server", "http://127.0.0.1:1")
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, "no token: ")
}

func TestProfilesThatOthersCanReadAreRefused(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	d := newDesk(t)
	d.login(s, s.FirstUser())
	for _, mode := range []os.FileMode{0o640, 0o604, 0o620, 0o666} {
		require.NoError(t, os.Chmod(d.profiles, mode))
		for _, args := range [][]string{{"whoami"}, {"logout"}, {"login", "--with-token"}} {
			code, _, stderr := d.roster(args...)
			require.NotZero(t, code)
			require.Equal(t, "roster: profiles in "+d.profiles+": others can read it\nTry: chmod 600 "+d.profiles+"\n", stderr)
		}
	}
	require.NoError(t, os.Chmod(d.profiles, 0o600))
	d.ok("whoami")
	require.NoError(t, os.WriteFile(d.profiles, []byte(`{"profiles": {"default": {"token": "secret-thing`), 0o600))
	code, _, stderr := d.roster("whoami")
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, "not the JSON that roster login writes")
	require.NotContains(t, stderr, "secret-thing")
}

var (
	anID   = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}`)
	aTime  = regexp.MustCompile(`20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`)
	aPlace = regexp.MustCompile(`\b[ra]\d+\b`)
	aHash  = regexp.MustCompile(`\b[0-9a-f]{64}\b`)
	aKey   = regexp.MustCompile(`\b[0-9A-Za-z]{10}\b(-[0-9A-Za-z]{22})?`)
	blanks = regexp.MustCompile(` {2,}`)
)

// steady replaces what is another each time, and the blanks that align it.
func steady(text string, keys bool) string {
	ids := map[string]string{}
	text = anID.ReplaceAllStringFunc(text, func(id string) string {
		if ids[id] == "" {
			ids[id] = fmt.Sprintf("<id %d>", len(ids)+1)
		}
		return ids[id]
	})
	text = aTime.ReplaceAllString(text, "<time>")
	text = aHash.ReplaceAllString(text, "<hash>")
	text = aPlace.ReplaceAllString(text, "<position>")
	if keys {
		text = aKey.ReplaceAllString(text, "<key>")
	}
	return blanks.ReplaceAllString(text, "  ")
}

// matches compares an output with its golden file.
func matches(t *testing.T, name, got string) {
	t.Helper()
	golden := filepath.Join("testdata", "out-"+name+".txt")
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(got), 0o600))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), got, "run go test ./cmd/roster -update if this is meant")
}

// TestOutputs is one working day: each command's table and JSON.
func TestOutputs(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	d := newDesk(t)
	d.login(s, owner)
	ticket(owner, t, "1")
	for _, step := range []struct {
		name string
		args string
	}{
		{"whoami", "whoami"},
		{"whoami-json", "whoami --output json"},
		{"users-create", "users create grace --email grace@example.com --role auditor"},
		{"users-suspend", "users suspend grace"},
		{"users-activate", "users activate grace -o json"},
		{"users-list", "users list"},
		{"users-list-limit", "users list --limit 1 --output json"},
		{"users-list-nobody", "users list --query nobody"},
		{"users-show", "users show grace"},
		{"roles-set", "roles set grace auditor user-admin"},
		{"roles-show", "roles show grace"},
		{"roles-show-json", "roles show grace --output json"},
		{"keys-list", "keys list"},
		{"keys-list-json", "keys list grace --output json"},
		{"activities-list", "activities list --type ticket"},
		{"activities-list-json", "activities list --type ticket --limit 1 --output json"},
		{"activities-count", "activities count --type ticket"},
		{"activities-count-json", "activities count --type ticket -o json"},
		{"history", "history grace --order asc"},
		{"history-json", "history grace --limit 2 --output json"},
		{"events", "events --user grace --stream roster"},
		{"events-json", "events --user grace --stream roster --limit 1 --output json"},
		{"users-delete", "users delete grace --yes"},
	} {
		out := d.ok(strings.Fields(step.args)...)
		matches(t, step.name, steady(out, strings.HasPrefix(step.name, "keys")))
	}
}

func TestKeysAreMadeAndDeleted(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	d := newDesk(t)
	d.login(s, s.FirstUser())
	code, token, stderr := d.roster("keys", "create", "--name", "reports", "--scope", "events:read", "--lifetime", "24h")
	require.Zero(t, code, stderr)
	require.Regexp(t, `^[0-9A-Za-z]{10}-[0-9A-Za-z]{22}\n$`, token, "the token alone, for a file or a variable")
	require.NotContains(t, stderr, strings.TrimSpace(token))
	id, _, _ := strings.Cut(token, "-")
	require.Contains(t, stderr, "made key "+id+", which ends at ")
	require.NotContains(t, d.ok("keys", "list"), strings.TrimSpace(token))
	code, _, stderr = d.roster("users", "list", "--server", s.URL, "--token", strings.TrimSpace(token))
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, "\nTry: roster whoami\n")
	require.Equal(t, "deleted key "+id+"\n", d.ok("keys", "delete", id))
	code, _, stderr = d.roster("keys", "delete", id)
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, "\nTry: roster keys list me\n")
	var made struct{ Token, Name string }
	require.NoError(t, json.Unmarshal([]byte(d.ok("keys", "create", "--name", "two", "-o", "json")), &made))
	require.NotEmpty(t, made.Token)
}

func TestPagesAndLimits(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	for n := range 130 {
		ticket(owner, t, fmt.Sprint(n))
	}
	d := newDesk(t)
	d.login(s, owner)
	code, stdout, stderr := d.roster("activities", "list", "--type", "ticket", "--limit", "120")
	require.Zero(t, code)
	require.Equal(t, 121, strings.Count(stdout, "\n"))
	require.Equal(t, "there are more than these 120: give a higher --limit, or 0 for all\n", stderr)
	code, stdout, stderr = d.roster("activities", "list", "--type", "ticket", "--limit", "0")
	require.Zero(t, code)
	require.Equal(t, 131, strings.Count(stdout, "\n"))
	require.Empty(t, stderr)
	lines := strings.Split(strings.TrimSpace(d.ok("events", "--type", "roster.activity.*", "--limit", "7", "--order", "desc", "--output", "json")), "\n")
	require.Len(t, lines, 7)
	var e map[string]any
	require.NoError(t, json.Unmarshal([]byte(lines[0]), &e))
	require.Equal(t, "1.0", e["specversion"])
	everything := d.ok("events", "--type", "roster.activity.recorded.v1", "--stream", "activity", "--limit", "0")
	require.Equal(t, 130, strings.Count(everything, `"type":"ticket"`))
}

func TestEventsFollow(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out := newPage()
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, []string{"events", "--follow", "--stream", "roster", "--type", "roster.user.suspended.v1", "--server", s.URL, "--token", owner.Token},
			outputs{out: out, err: newPage()})
	}()
	grace := owner.NewUser("grace")
	require.Equal(t, 200, owner.Do("POST", "/v1/users/grace/suspend", nil, nil).Status)
	require.Regexp(t, `^r\d+ \S+ roster\.user\.suspended\.v1 user/`+grace.ID+` by `+owner.ID+` through v1$`, out.next(t))
	cancel()
	require.Equal(t, exitInterrupted, <-code)
}

func TestRefusalsEndWithTheCommandToTry(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	d := newDesk(t)
	d.login(s, owner)
	for args, want := range map[string]struct {
		code int
		says string
		try  string
	}{
		"users show nobody":               {exitFailed, "show nobody: the server answered 404: ", "roster users list"},
		"users delete grace":              {exitUsage, "can not be undone: say --yes", "roster users delete grace --yes"},
		"users create owner":              {exitFailed, "create owner: the server answered 409: ", "roster users create --help"},
		"users create x --output xml":     {exitUsage, "--output must be one of", "roster users create --help"},
		"users":                           {exitUsage, `expected one of "list",`, "roster users --help"},
		"keys list --at yesterday":        {exitFailed, "the server answered 400", "roster keys list --help"},
		"roles set owner":                 {exitFailed, "the server answered 409", "roster roles set --help"},
		"history nobody --of workspace":   {exitFailed, "history of workspace nobody: the server answered 404", "roster users list"},
		"events --follow --order desc":    {exitUsage, "leave out --to and --order", "roster events --help"},
		"events --type nonsense --from x": {exitFailed, "read events: the server answered 400", "roster events --help"},
	} {
		code, stdout, stderr := d.roster(strings.Fields(args)...)
		require.Equal(t, want.code, code, "%s: %s", args, stderr)
		require.Empty(t, stdout, args)
		require.Contains(t, stderr, want.says, args)
		require.True(t, strings.HasSuffix(stderr, "\nTry: "+want.try+"\n"), "%s: %s", args, stderr)
	}
}

// What is wrong at the terminal can be undone: an interruption while a server is
// waited for ends at once.
func TestNobodyAnswers(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	code, _, stderr := roster(ctx, "whoami", "--token", "t", "--server", "http://127.0.0.1:1")
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, "no answer from http://127.0.0.1:1: ")
	require.Contains(t, stderr, "\nTry: curl http://127.0.0.1:1/readyz\n")
}

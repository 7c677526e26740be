package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rivo/uniseg"
	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
	"github.com/rosterhq/roster/cmd/roster/internal/profile"
)

// asProgram in the environment makes the test's own binary the command line.
const asProgram = "ROSTER_TEST_AS_PROGRAM"

// program is a process of the command line, as a person starts it.
type program struct {
	*exec.Cmd
	out, err bytes.Buffer
}

// newProgram prepares a process with no settings but these.
func newProgram(t *testing.T, settings []string, args ...string) *program {
	t.Helper()
	p := &program{Cmd: exec.CommandContext(t.Context(), os.Args[0], args...)} // #nosec G204 -- the test's own binary
	p.Stdout, p.Stderr = &p.out, &p.err
	p.Env = append(os.Environ(), asProgram+"=yes", "ROSTER_PROFILES="+filepath.Join(t.TempDir(), "profiles.json"))
	p.Env = append(p.Env, settings...)
	return p
}

// code waits for the end and returns the exit code.
func (p *program) code(t *testing.T) int {
	t.Helper()
	if p.Process == nil {
		require.NoError(t, p.Start())
	}
	_ = p.Wait() // the code tells
	return p.ProcessState.ExitCode()
}

// Whatever a command was at, an interruption has its own code.
func TestInterruptedCommands(t *testing.T) {
	t.Parallel()
	for _, args := range []string{"whoami", "users list", "projections", "rebuild users --again", "tail", "events", "verify"} {
		ctx, interrupt := context.WithCancel(t.Context())
		interrupt()
		code, stdout, _ := roster(ctx, append(strings.Fields(args), "--token", "t", "--server", "http://127.0.0.1:1")...)
		require.Equal(t, exitInterrupted, code, args)
		require.Empty(t, stdout, args)
	}
}

// Columns begin where they do for a reader's eyes, whatever is in them.
func TestTablesAlignWideCharacters(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	rows := table{head: []string{"NAME", "ROLE"}}
	names := []string{"ada", "山田太郎", "Zoe\u0308", "👩\u200d🔬 lab", "\x1b[31mred"}
	for _, name := range names {
		rows.add(name, "owner")
	}
	require.NoError(t, rows.print(&out))
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	require.Len(t, lines, len(names)+1)
	for _, line := range lines[1:] {
		before, _, found := strings.Cut(line, "owner")
		require.True(t, found, line)
		require.Equal(t, uniseg.StringWidth(lines[0][:strings.Index(lines[0], "ROLE")]), uniseg.StringWidth(before), line)
		require.NotContains(t, line, "\x1b")
	}
}

// TestProgram runs processes: what they print, where, and whom they ask.
func TestProgram(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	ada := owner.NewUser("ada")
	ticket(owner, t, "1")
	dead := "http://127.0.0.1:1"
	kept := filepath.Join(t.TempDir(), "profiles.json")
	content, err := json.Marshal(map[string]any{"profiles": map[string]profile.Profile{
		"default": {Server: s.URL, Token: owner.Token}, "ada": {Server: s.URL, Token: ada.Token}, "dead": {Server: dead, Token: owner.Token},
	}})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(kept, content, 0o600))

	for name, c := range map[string]struct {
		settings, args []string
		who            string
	}{
		"profile":                    {nil, nil, "owner"},
		"another profile":            {nil, []string{"--profile", "ada"}, "ada"},
		"profile of the environment": {[]string{"ROSTER_PROFILE=ada"}, nil, "ada"},
		"flag before environment":    {[]string{"ROSTER_PROFILE=dead"}, []string{"--profile", "ada"}, "ada"},
		"environment before profile": {[]string{"ROSTER_PROFILE=dead", "ROSTER_SERVER=" + s.URL, "ROSTER_TOKEN=" + ada.Token}, nil, "ada"},
		"token before profile":       {[]string{"ROSTER_TOKEN=" + ada.Token}, nil, "ada"},
		"flags before all":           {[]string{"ROSTER_SERVER=" + dead, "ROSTER_TOKEN=none"}, []string{"--server", s.URL, "--token", ada.Token}, "ada"},
	} {
		p := newProgram(t, append(c.settings, "ROSTER_PROFILES="+kept, "ROSTER_OUTPUT=json"), append([]string{"whoami"}, c.args...)...)
		require.Zero(t, p.code(t), "%s: %s", name, p.err.String())
		var me struct{ Username string }
		require.NoError(t, json.Unmarshal(p.out.Bytes(), &me), name)
		require.Equal(t, c.who, me.Username, name)
	}

	for _, args := range []string{
		"whoami", "users list", "users show ada", "roles show ada", "keys list", "activities list", "activities count", "history ada", "projections",
		"parked list users", "rebuild skills --again --max-rate 0", "checkpoints list", "version",
	} {
		p := newProgram(t, []string{"ROSTER_PROFILES=" + kept}, append(strings.Fields(args), "--output", "json")...)
		require.Zero(t, p.code(t), "%s: %s", args, p.err.String())
		require.True(t, json.Valid(p.out.Bytes()), "one document and nothing else: %s: %s", args, p.out.String())
		for _, secret := range []string{owner.Token, ada.Token, "\x1b"} {
			require.NotContains(t, p.out.String()+p.err.String(), secret, args)
		}
		p = newProgram(t, []string{"ROSTER_PROFILES=" + kept, "ROSTER_OUTPUT=table"}, strings.Fields(args)...)
		require.Zero(t, p.code(t), "%s: %s", args, p.err.String())
		require.NotContains(t, p.out.String(), "{", args)
		require.NotContains(t, p.out.String()+p.err.String(), "\x1b", "no colours in a pipe: %s", args)
	}

	p := newProgram(t, []string{"ROSTER_PROFILES=" + kept}, "events", "--limit", "3", "-o", "json")
	require.Zero(t, p.code(t), p.err.String())
	require.Equal(t, 3, strings.Count(p.out.String(), "\n"))
	for line := range strings.Lines(p.out.String()) {
		require.True(t, json.Valid([]byte(line)), line)
	}
}

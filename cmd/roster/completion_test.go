package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	kongcompletion "github.com/jotaen/kong-completion"
	"github.com/posener/complete"
	"github.com/stretchr/testify/require"
)

// What a shell is told for a line that was begun.
func TestCompletion(t *testing.T) {
	t.Parallel()
	var cli commandLine
	parser, err := newParser(t.Context(), &cli, outputs{out: &bytes.Buffer{}, err: &bytes.Buffer{}}, func(int) {})
	require.NoError(t, err)
	command, err := kongcompletion.Command(parser)
	require.NoError(t, err)
	for line, want := range map[string][]string{
		"":                  {"login", "users", "rebuild", "completion"},
		"us":                {"users"},
		"users ":            {"list", "show", "create", "suspend", "activate", "delete"},
		"users list --que":  {"--query"},
		"users list --o":    {"--output"},
		"events --stream ":  {"roster", "activity"},
		"history --of ":     {"user", "organization", "workspace"},
		"completion ":       {"bash", "zsh", "fish"},
		"whoami --output j": {"json"},
	} {
		words := strings.Split(line, " ")
		args := complete.Args{All: words, Completed: words[:len(words)-1], Last: words[len(words)-1]}
		if len(args.Completed) > 0 {
			args.LastCompleted = args.Completed[len(args.Completed)-1]
		}
		require.Subset(t, command.Predict(args), want, "%q", line)
	}
}

// Every command has help of its own, and its examples can be read by the parser.
func TestEveryCommandHasExamples(t *testing.T) {
	t.Parallel()
	var cli commandLine
	parser, err := newParser(t.Context(), &cli, outputs{out: &bytes.Buffer{}, err: &bytes.Buffer{}}, func(int) {})
	require.NoError(t, err)
	for _, leaf := range parser.Model.Leaves(true) {
		examples := examplesOf(leaf, leaf.FullPath())
		require.NotEmpty(t, examples, "%s has no example", leaf.FullPath())
		for _, example := range examples {
			require.NotContains(t, example, "--token ", "no token among the arguments")
			args := shellWords(t, example)
			parser, err := newParser(t.Context(), &commandLine{}, outputs{out: &bytes.Buffer{}, err: &bytes.Buffer{}}, func(int) {})
			require.NoError(t, err)
			_, err = parser.Parse(args)
			require.NoError(t, err, example)
		}
	}
}

// The guide's commands can be read by the parser.
func TestGuideOfTheCommandLine(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "guides", "command-line.md"))
	require.NoError(t, err)
	examples := 0
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "roster ") || strings.HasPrefix(line, "roster: ") {
			continue
		}
		for _, end := range []string{"#", " > ", " < ", " | "} {
			line, _, _ = strings.Cut(line, end)
		}
		parser, err := newParser(t.Context(), &commandLine{}, outputs{out: &bytes.Buffer{}, err: &bytes.Buffer{}}, func(int) {})
		require.NoError(t, err)
		_, err = parser.Parse(shellWords(t, strings.TrimSpace(line)))
		require.NoError(t, err, line)
		examples++
	}
	require.Greater(t, examples, 10)
}

var settings = regexp.MustCompile(`^([A-Z_]+=\S+ )+`) // before a command

// examplesOf lists the examples of a command in the help of a node.
func examplesOf(n *kong.Node, command string) []string {
	var out []string
	for line := range strings.Lines(n.Detail) {
		line = settings.ReplaceAllString(strings.TrimSpace(line), "")
		at := strings.Index(line, command)
		if at < 0 || (at > 0 && !strings.HasSuffix(line[:at], "(")) {
			continue
		}
		line, _, _ = strings.Cut(line[at:], "#")
		for _, end := range []string{" > ", " < ", " | ", ")"} {
			line, _, _ = strings.Cut(line, end)
		}
		out = append(out, strings.TrimSpace(line))
	}
	return out
}

// shellWords splits an example as a shell does, without "roster".
func shellWords(t *testing.T, line string) []string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "sh", "-c", `for w in "$@"; do :; done; eval "set -- $1"; shift; for w in "$@"; do printf '%s\n' "$w"; done`, "sh", line).Output()
	require.NoError(t, err)
	return strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
}

// What each shell is asked, with the real program as $1. zsh completes in a terminal alone,
// which zpty is: a tab completes what can only be one thing.
var completionOf = map[string]string{
	"bash": `source <("$1" completion bash); complete -p roster
		COMP_LINE="roster keys " COMP_POINT=12 "$1"
		COMP_LINE="roster whoami --output j" COMP_POINT=24 "$1"`,
	"fish": `source ($argv[1] completion fish | psub)
		complete -C "roster keys "
		complete -C "roster whoami --output j"`,
	"zsh": `zmodload zsh/zpty
		zpty shell zsh -f -i
		zpty -w shell "autoload -U compinit; compinit -u -D; source <($1 completion zsh); print ready-\$((1+1))"
		zpty -r shell seen "*ready-2*"
		for line in list create delete "whoami --output json"; do
			[[ $line = whoami* ]] && typed="roster ${line%son}" || typed="roster keys ${line%??}"
			zpty -w -n shell "$typed"$'\t'
			zpty -r shell seen "*${line}*"
			print "$line"
			zpty -w -n shell $'\x15'
		done
		zpty -d shell`,
}

// In real shells, as far as this machine has them, with the real program.
func TestCompletionInShells(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "roster")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".")
	text, err := build.CombinedOutput()
	require.NoError(t, err, "%s", text)
	for name, script := range completionOf {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, stdout, _ := roster(t.Context(), "completion", name)
			require.Contains(t, stdout, "roster")
			shell, err := exec.LookPath(name)
			if err != nil {
				t.Skip("no " + name)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			arguments := map[string][]string{
				"bash": {"-c", script, "bash", program}, "fish": {"-N", "-c", script, program}, "zsh": {"-f", "-c", script, "zsh", program},
			}
			ask := exec.CommandContext(ctx, shell, arguments[name]...)
			ask.Dir = t.TempDir()
			ask.Env = append(os.Environ(), "ROSTER_SERVER=", "ROSTER_TOKEN=", "HOME="+ask.Dir, "PATH="+filepath.Dir(program)+":"+os.Getenv("PATH"))
			text, err := ask.CombinedOutput()
			require.NoError(t, err, "%s", text)
			for _, want := range []string{"list\n", "create\n", "delete\n", "json"} {
				require.Contains(t, string(text), want)
			}
			if name == "bash" {
				require.Contains(t, string(text), "-C '"+program+"' roster\n")
			}
			require.NotContains(t, string(text), "suspend", "of users, not of keys")
		})
	}
}

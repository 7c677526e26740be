package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
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

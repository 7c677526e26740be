package main

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/rosterhq/roster/cmd/roster/internal/client"
)

const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130
)

// usageError is a mistake in how a command was called.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// errSilent is a failure that was told already.
var errSilent = errors.New("failed")

// tryError is a failure and the command that leads on.
type tryError struct {
	error
	command string
}

func (e tryError) Unwrap() error { return e.error }

// try adds to a failure the command to try. It never holds a token.
func try(err error, command string) error {
	if err == nil {
		return nil
	}
	return tryError{err, command}
}

// exitCode tells of a failure, last the command to try, and returns the code.
func exitCode(err error, command string, o outputs) int {
	var usage usageError
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errInterrupted):
		return exitInterrupted
	case errors.Is(err, errSilent):
		return exitFailed
	}
	code := exitFailed
	if errors.As(err, &usage) {
		code = exitUsage
	}
	tell(o, err, remedy(err, command, code))
	return code
}

func tell(o outputs, err error, remedy string) {
	_, _ = fmt.Fprintln(o.err, "roster:", err)
	if remedy != "" {
		_, _ = fmt.Fprintln(o.err, "Try:", remedy)
	}
}

// remedy returns the command to try after a failure of this command.
func remedy(err error, command string, code int) string {
	if t, ok := errors.AsType[tryError](err); ok {
		return t.command
	}
	if code == exitUsage {
		return command + " --help"
	}
	if c, ok := errors.AsType[*client.ConnectionError](err); ok {
		return "curl " + shellWord(c.Server+"/readyz")
	}
	p, ok := errors.AsType[*client.Problem](err)
	if !ok {
		return ""
	}
	switch p.Status {
	case http.StatusUnauthorized:
		return "roster login"
	case http.StatusForbidden:
		return "roster whoami"
	case http.StatusNotFound:
		return whereNamesAre(command)
	default:
		return command + " --help"
	}
}

// whereNamesAre is the command that lists what a command did not find.
func whereNamesAre(command string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(command, "roster "), " ")
	switch name {
	case "users", "keys", "roles", "activities", "history", "tail", "erase":
		return "roster users list"
	case "rebuild", "parked", "verify":
		return "roster projections"
	}
	return command + " --help"
}

// shellWord quotes a word for a shell where it needs that.
func shellWord(s string) string {
	special := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_./:@%+=,", r)
	}
	if s != "" && !strings.ContainsFunc(s, special) {
		return s
	}
	return "'" + strings.ReplaceAll(plainText(s), "'", `'\''`) + "'"
}

// Command roster is the operator's and analyst's command line. It talks to a
// running server over HTTP, so it works for remote ones.
//
// Exit codes: 0 done, 1 failed, 2 used wrongly, 130 interrupted. Results go to
// standard output, everything else to standard error; the token goes to neither.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

type commandLine struct {
	Archive     archiveCommand     `cmd:"" help:"Keep the log outside the server, in a chain of files."`
	Export      exportCommand      `cmd:"" help:"Write events into files: Parquet, CSV or NDJSON."`
	Import      importCommand      `cmd:"" help:"Bring in activities and users from elsewhere."`
	Parked      parkedCommand      `cmd:"" help:"List, show, redrive and drop events that a read model could not take."`
	Projections projectionsCommand `cmd:"" help:"Show how read models do."`
	Rebuild     rebuildCommand     `cmd:"" help:"Build a read model from the log, while it serves."`
	Restore     restoreCommand     `cmd:"" help:"Fill an empty installation from an archive, offline."`
	Verify      verifyCommand      `cmd:"" help:"Compare archive, log and read models with each other."`
	Tail        tailCommand        `cmd:"" help:"Follow activities as they happen."`
	Version     versionCommand     `cmd:"" help:"Print the version."`
}

const description = `Work with a running Roster server.

Exit codes: 0 done, 1 failed, 2 used wrongly, 130 interrupted.`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(run(ctx, os.Args[1:], terminal()))
}

// outputs is where a command writes.
type outputs struct {
	out, err io.Writer
	// bar says that err is a terminal, where a progress bar can be drawn.
	bar bool
}

// run is the whole command line; it returns the exit code.
func run(ctx context.Context, args []string, o outputs) int {
	var cli commandLine
	exited := -1
	parser, err := kong.New(&cli,
		kong.Name("roster"),
		kong.Description(description),
		kong.Writers(o.out, o.err),
		kong.Exit(func(code int) { exited = code }), // after --help
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 90, NoExpandSubcommands: true}),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(o),
	)
	if err != nil {
		_, _ = fmt.Fprintln(o.err, "roster:", err)
		return exitFailed
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	command, err := parser.Parse(args)
	if exited >= 0 {
		return exited
	}
	if err != nil {
		return exitCode(usageError{err}, mistaken(err), o)
	}
	return exitCode(command.Run(), command.Selected().FullPath(), o)
}

// mistaken is the command whose arguments could not be read, as far as it is known.
func mistaken(err error) string {
	parse, ok := errors.AsType[*kong.ParseError](err)
	if !ok || parse.Context == nil || parse.Context.Selected() == nil {
		return "roster"
	}
	return parse.Context.Selected().FullPath()
}

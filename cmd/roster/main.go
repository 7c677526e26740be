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
	kongcompletion "github.com/jotaen/kong-completion"
)

type commandLine struct {
	Login  loginCommand  `cmd:"" group:"account" help:"Sign in and keep the session in a profile."`
	Logout logoutCommand `cmd:"" group:"account" help:"End the session of a profile and forget it."`
	Whoami whoamiCommand `cmd:"" group:"account" help:"Show who the token belongs to."`

	Users      usersCommand      `cmd:"" group:"people" help:"List, show, create, suspend, activate and delete users."`
	Keys       keysCommand       `cmd:"" group:"people" help:"List, create and delete sessions and API keys."`
	Roles      rolesCommand      `cmd:"" group:"people" help:"Show and set site roles."`
	Activities activitiesCommand `cmd:"" group:"people" help:"List and count what a user did."`
	Tail       tailCommand       `cmd:"" group:"people" help:"Follow activities as they happen."`
	Erase      eraseCommand      `cmd:"" group:"people" help:"Destroy what is known of a person, here and in archives."`

	History historyCommand `cmd:"" group:"log" help:"Show who changed what of a user, an organization or a workspace."`
	Events  eventsCommand  `cmd:"" group:"log" help:"Read the log of events."`
	Export  exportCommand  `cmd:"" group:"log" help:"Write events into files: Parquet, CSV or NDJSON."`
	Import  importCommand  `cmd:"" group:"log" help:"Bring in activities and users from elsewhere."`

	Archive     archiveCommand     `cmd:"" group:"operation" help:"Keep the log outside the server, in a chain of files."`
	Verify      verifyCommand      `cmd:"" group:"operation" help:"Compare archive, log and read models with each other."`
	Checkpoints checkpointsCommand `cmd:"" group:"operation" help:"Signed checkpoints, by which changes of the log are found."`
	Restore     restoreCommand     `cmd:"" group:"operation" help:"Fill an empty installation from an archive, offline."`
	Retain      retainCommand      `cmd:"" group:"operation" help:"Let old activities leave the log once they are archived, offline."`
	Migrate     migrateCommand     `cmd:"" group:"operation" help:"Bring PostgreSQL up to date with this release, offline."`
	MakeOwner   makeOwnerCommand   `cmd:"" group:"operation" help:"Make a user an owner, offline."`
	Projections projectionsCommand `cmd:"" group:"operation" help:"Show how read models do."`
	Rebuild     rebuildCommand     `cmd:"" group:"operation" help:"Build a read model from the log, while it serves."`
	Parked      parkedCommand      `cmd:"" group:"operation" help:"List, show, redrive and drop events that a read model could not take."`

	Completion completionCommand `cmd:"" group:"other" help:"Print what makes a shell complete commands."`
	Version    versionCommand    `cmd:"" group:"other" help:"Print the version."`
}

const description = `Work with a running Roster server.

Begin with roster login; or set ROSTER_SERVER, and ROSTER_TOKEN to a session or API key.

Exit codes: 0 done, 1 failed, 2 used wrongly, 130 interrupted.`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(run(ctx, os.Args[1:], terminal()))
}

// outputs is where a command writes.
type outputs struct {
	out, err io.Writer
	in       io.Reader // nil: nothing
	// secret asks the person at the terminal for a text that is not shown; nil when
	// there is nobody to ask.
	secret func(ctx context.Context, question string) (string, error)
	// ask is secret with the text shown as it is typed.
	ask func(ctx context.Context, question string) (string, error)
	// bar says that err is a terminal, where a progress bar can be drawn.
	bar bool
}

// newParser reads command lines; exit is called after --help.
func newParser(ctx context.Context, cli *commandLine, o outputs, exit func(code int)) (*kong.Kong, error) {
	return kong.New(cli,
		kong.Name("roster"),
		kong.Description(description),
		kong.Writers(o.out, o.err),
		kong.Exit(exit),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 90, NoExpandSubcommands: true}),
		kong.ExplicitGroups([]kong.Group{
			{Key: "account", Title: "Who you are:"},
			{Key: "people", Title: "People and what they do:"},
			{Key: "log", Title: "The log:"},
			{Key: "operation", Title: "Operation:"},
			{Key: "other", Title: "Other:"},
		}),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(o),
	)
}

// run is the whole command line; it returns the exit code.
func run(ctx context.Context, args []string, o outputs) int {
	var cli commandLine
	exited := -1
	parser, err := newParser(ctx, &cli, o, func(code int) { exited = code })
	if err != nil {
		_, _ = fmt.Fprintln(o.err, "roster:", err)
		return exitFailed
	}
	kongcompletion.Register(parser) // answers a shell that asks
	if exited >= 0 {
		return exited
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
	err = command.Run()
	if err != nil && errors.Is(ctx.Err(), context.Canceled) && !errors.Is(err, errInterrupted) {
		err = errInterrupted // whatever could not be done any more
	}
	return exitCode(err, command.Selected().FullPath(), o)
}

// mistaken is the command whose arguments could not be read, as far as it is known.
func mistaken(err error) string {
	parse, ok := errors.AsType[*kong.ParseError](err)
	if !ok || parse.Context == nil || parse.Context.Selected() == nil {
		return "roster"
	}
	return parse.Context.Selected().FullPath()
}

package main

import (
	"context"
	"fmt"

	"go.uber.org/zap"

	"github.com/rosterhq/roster/internal/app"
)

type makeOwnerCommand struct {
	User         string `arg:"" help:"Id, username or e-mail." placeholder:"USER"`
	DataDir      string `help:"Data directory of the installation; default as of the server (ROSTER_DATA_DIR)." placeholder:"DIR"`
	WithPassword bool   `help:"Set a password, too: asked for at the terminal, or read from standard input."`
}

// Help is shown by --help.
func (makeOwnerCommand) Help() string {
	return `For an installation that has no owner, or whose owners can not get in. It needs no token: whoever has the data
directory, or the NATS server and the master key, may do it. The account is activated, should it be suspended or dormant.

It works on the log itself, with the settings of the server: the data directory that is named, whose server must be
stopped, or, with ROSTER_NATS_URL and ROSTER_MASTER_KEY, the streams there, whose servers may run.

Examples:

  roster make-owner ada --data-dir /var/lib/roster
  roster make-owner ada@example.com --with-password
`
}

// Run makes an owner.
func (m *makeOwnerCommand) Run(ctx context.Context, o outputs) error {
	settings, err := offlineSettings("make-owner", m.DataDir)
	if err != nil {
		return usageError{err}
	}
	work := app.MakeOwner{User: m.User, Settings: settings, Logger: zap.NewNop()}
	if m.WithPassword {
		if work.Password, err = readSecret(ctx, o, "New password of "+plainText(m.User)+": ", "password"); err != nil {
			return err
		}
	}
	user, changed, err := work.Run(ctx)
	if err != nil {
		return fmt.Errorf("make %s an owner: %w", plainText(m.User), err)
	}
	said := "is an owner now"
	if !changed {
		said = "was an owner already"
	}
	_, err = fmt.Fprintf(o.out, "%s (%s) %s\n", plainText(user.Username), user.ID, said)
	return err
}

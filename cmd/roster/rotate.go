package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"go.uber.org/zap"

	"github.com/rosterhq/roster/cmd/roster/internal/client"
	"github.com/rosterhq/roster/internal/app"
)

type keysRotate struct {
	serverFlags
	Online  bool   `help:"Let the running server of a data directory do it; the token's user must be an owner."`
	DataDir string `help:"Data directory of the installation; default as of the server (ROSTER_DATA_DIR)." placeholder:"DIR"`
}

// Help is shown by --help.
func (keysRotate) Help() string {
	return `Every data key and the installation's secret are wrapped under a new master key, and the copies under the old one are
destroyed; no event changes. Interrupted anywhere, the same command goes on.

With ROSTER_NATS_URL the new master key is ROSTER_MASTER_KEY, and the old one ROSTER_MASTER_KEY_PREVIOUS. All servers and
projectors must have been started with both before; they go on all the while, and need the old one no more afterwards.

Otherwise a new master.key takes the place of the old one in the data directory: keep a copy of it elsewhere, and write
the keys of archives anew, as roster archive does. With --online the running server does it, and everything goes on;
without, it must be stopped.

Examples:

  roster keys rotate --online
  roster keys rotate --data-dir /var/lib/roster
  ROSTER_MASTER_KEY=file:/keys/new ROSTER_MASTER_KEY_PREVIOUS=file:/keys/old roster keys rotate
`
}

// Run changes the master key.
func (k *keysRotate) Run(ctx context.Context, o outputs) error {
	done, err := k.rotate(ctx)
	var usage usageError
	if errors.As(err, &usage) {
		return err
	}
	if ctx.Err() != nil {
		_, _ = fmt.Fprintln(o.err, "interrupted: the old master key is needed until the same command came to its end")
		return errInterrupted
	}
	if err != nil {
		return try(fmt.Errorf("the old master key is still needed: %w", err), "roster keys rotate --help")
	}
	if _, err := fmt.Fprintf(o.out, "wrapped %d keys under master key %s, destroyed %d old copies\n", done.Wrapped, done.MasterKey, done.Destroyed); err != nil {
		return err
	}
	if len(done.Unreadable) > 0 {
		return errors.New("these keys open under neither master key, and stay as they are: " + strings.Join(done.Unreadable, ", "))
	}
	_, _ = fmt.Fprintln(o.err, "archives have keys under the old master key: write them anew with roster archive --keys-only")
	return nil
}

func (k *keysRotate) rotate(ctx context.Context) (client.Rotation, error) {
	if k.Online {
		server, err := k.connect(ctx)
		if err != nil {
			return client.Rotation{}, err
		}
		defer server.Close()
		return server.RotateMasterKey(ctx)
	}
	settings, err := offlineSettings("keys rotate", k.DataDir)
	if err != nil {
		return client.Rotation{}, usageError{err}
	}
	done, err := app.RotateKeys{Settings: settings, Logger: zap.NewNop()}.Run(ctx)
	return client.Rotation(done), err
}

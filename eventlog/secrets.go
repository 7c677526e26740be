package eventlog

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"

	"github.com/rosterhq/roster/eventlog/internal/vault"
	"github.com/rosterhq/roster/events"
)

// openSecrets reads the installation's secret, or makes it at the very first
// start; of processes that start together one makes it. It is the check of the
// master key too: it opens under the right one only.
func openSecrets(ctx context.Context, l *Log, master []byte) (*vault.Secrets, error) {
	v, err := l.keys.ring.Add(master)
	if err != nil {
		return nil, err
	}
	subject := l.names.secret()
	last, err := l.read.leaderLast(ctx, l.names.keys, subject)
	if err != nil {
		return nil, unavailable("read installation secret", err)
	}
	if last.sequence == 0 {
		u := &unit{}
		u.add(&nats.Msg{
			Subject: subject, Header: make(nats.Header, 4), Data: v.Wrap(events.NewRawKey(), vault.SecretsName),
		}, 0)
		err := l.keyMaker.submit(ctx, u)
		if err == nil {
			err = u.err
		}
		if err != nil && !errors.Is(err, events.ErrConflict) && !errors.Is(err, errUnknown) {
			return nil, fmt.Errorf("make installation secret: %w", err)
		}
		if last, err = l.read.leaderLast(ctx, l.names.keys, subject); err != nil {
			return nil, unavailable("read installation secret", err)
		}
		if last.sequence == 0 {
			return nil, fmt.Errorf("make installation secret: %w", events.ErrUnavailable)
		}
	}
	root, err := l.keys.adopt(last)
	if err != nil {
		return nil, fmt.Errorf("stream %s: %w", l.names.keys, err)
	}
	return vault.NewSecrets(root)
}

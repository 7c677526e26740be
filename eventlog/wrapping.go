package eventlog

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go"

	"github.com/rosterhq/roster/eventlog/internal/vault"
	"github.com/rosterhq/roster/events"
)

// wrapping is the master key of an installation as a process last saw it: the one
// that wraps the installation's secret. A change of the master key begins with the
// secret, so the place of its message in the stream tells one master key's time from
// the next.
type wrapping struct {
	vault *vault.Vault
	since uint64 // sequence of the secret's message
}

// adopt takes the installation's secret as it was read last, and returns it opened.
func (k *keyring) adopt(secret stored) (root []byte, err error) {
	root, by, err := k.ring.Unwrap(secret.data, vault.SecretsName)
	if err != nil {
		return nil, err
	}
	k.wraps.Store(&wrapping{vault: by, since: secret.sequence})
	return root, nil
}

// settle makes sure that keys which were just stored are wrapped under the master key
// of the installation. It could have changed before they were stored, and whoever
// changed it looks only so far: what comes later must look itself. An error says that
// the keys must not be used.
func (k *keyring) settle(ctx context.Context, under *wrapping, userIDs []string) error {
	l := k.log
	secret, err := k.secret.fresh(ctx)
	if err != nil {
		return unavailable("look at the master key", err)
	}
	if secret.sequence == under.since {
		return nil
	}
	if _, err := k.adopt(secret); err != nil {
		return fmt.Errorf("the master key was changed: %w", err)
	}
	now := k.wraps.Load().vault
	if now == under.vault {
		return nil
	}
	for _, id := range userIDs {
		replaced, err := k.rewrap(ctx, l.names.userKey(id), now)
		if err != nil {
			return err
		}
		if replaced == 0 {
			continue
		}
		if err := l.read.secureDelete(ctx, l.names.keys, replaced); err != nil {
			return unavailable("destroy a key under the old master key", err)
		}
	}
	return nil
}

// rewrap wraps the key of a subject anew, unless it was erased or is wrapped under
// that master key. The message that it replaces stays, and its sequence is returned: 0
// where nothing was to be done. ErrWrongMasterKey is a key that does not open.
func (k *keyring) rewrap(ctx context.Context, subject string, to *vault.Vault) (replaced uint64, err error) {
	l := k.log
	for range storeTries {
		last, err := l.read.leaderLast(ctx, l.names.keys, subject)
		if err != nil {
			return 0, unavailable("wrap a key anew", err)
		}
		m, err := k.wrappedAnew(subject, last, to)
		if m == nil || err != nil {
			return 0, err
		}
		u := &unit{}
		u.add(m, last.sequence)
		err = l.keyMaker.submit(ctx, u)
		if err == nil {
			err = u.err
		}
		switch {
		case err == nil:
			return last.sequence, nil
		case ctx.Err() != nil:
			return 0, unavailable("wrap a key anew", err)
		case !errors.Is(err, events.ErrConflict) && !errors.Is(err, errUnknown):
			return 0, fmt.Errorf("wrap a key anew: %w", err)
		}
	}
	return 0, fmt.Errorf("wrap a key anew: %w", events.ErrUnavailable)
}

// wrappedAnew is the message that takes the place of the last one of a subject, nil
// where that may stay.
func (k *keyring) wrappedAnew(subject string, last stored, to *vault.Vault) (*nats.Msg, error) {
	if last.sequence == 0 || len(last.header[headerErased]) > 0 {
		return nil, nil //nolint:nilnil // nothing is to be done
	}
	name := k.log.names.wrappedAs(subject)
	raw, by, err := k.ring.Unwrap(last.data, name)
	if err != nil {
		return nil, err
	}
	if by == to {
		return nil, nil //nolint:nilnil // nothing is to be done
	}
	return &nats.Msg{Subject: subject, Header: make(nats.Header, 4), Data: to.Wrap(raw, name)}, nil
}

// wrappedAs is the name that the key of a subject is bound to: "user/<id>" of the
// subject "keys.user.<id>".
func (n names) wrappedAs(subject string) string {
	return wrappedName(strings.TrimPrefix(subject, n.root+"keys."))
}

// wrappedName turns the name of a wrapped key as it is kept into the one it is bound to.
func wrappedName(name string) string { return strings.Replace(name, ".", "/", 1) }

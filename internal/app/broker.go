package app

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/zap"

	"github.com/rosterhq/roster/internal/config"
	"github.com/rosterhq/roster/internal/durable"
	"github.com/rosterhq/roster/internal/natsserver"
)

// embedBroker starts the embedded NATS server and connects to it.
func embedBroker(p *parts, c config.API, dir *dataDir) (*natsserver.Server, *nats.Conn, error) {
	server, err := natsserver.Start(natsserver.Options{
		Dir: dir.join("nats"), Sync: c.SyncAlways, Listen: c.NATSListen, Logger: p.log.Named("nats"),
	})
	if err != nil {
		if c.NATSListen != "" {
			return nil, nil, fmt.Errorf("%w (ROSTER_NATS_LISTEN is %s: is that port free?)", err, c.NATSListen)
		}
		return nil, nil, err
	}
	p.add("NATS", func(context.Context) error {
		server.Stop()
		return nil
	})
	if err := shareCredentials(p, dir, server.URL()); err != nil {
		return nil, nil, err
	}
	nc, err := server.Connect()
	if err != nil {
		return nil, nil, err
	}
	p.add("connection to NATS", closeConnection(nc))
	return server, nc, nil
}

// shareCredentials writes the listener's address with its credentials where the
// operator alone can read it, for as long as it listens.
func shareCredentials(p *parts, dir *dataDir, address string) error {
	path := dir.join("nats.url")
	if address == "" {
		return removeIfThere(path)
	}
	if err := durable.Replace(path, []byte(address+"\n")); err != nil {
		return fmt.Errorf("keep the credentials of the NATS listener: %w", err)
	}
	p.add("NATS credentials", func(context.Context) error { return removeIfThere(path) })
	return nil
}

// connectBroker connects to a NATS server or cluster of the operator's.
func connectBroker(p *parts, address string) (*nats.Conn, error) {
	log := p.log.Named("nats")
	nc, err := nats.Connect(address,
		nats.Name("roster"), nats.Timeout(5*time.Second), nats.MaxReconnects(-1), nats.ReconnectWait(250*time.Millisecond),
		nats.CustomInboxPrefix(inboxPrefix(address)),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				log.Warn("connection to NATS lost; connecting again", zap.Error(err))
			}
		}),
		nats.ReconnectHandler(func(nc *nats.Conn) {
			log.Info("connected to NATS again", zap.String("server", nc.ConnectedUrlRedacted()))
		}),
		nats.ErrorHandler(p.refusals.handle(log)),
	)
	if err != nil {
		return nil, fmt.Errorf("no NATS server could be reached at ROSTER_NATS_URL (%w): check that it runs, that the address is right, and that its credentials are in it", err)
	}
	p.add("connection to NATS", closeConnection(nc))
	return nc, nil
}

// inboxPrefix is where answers come to: a place of the user's own, so that permissions
// can keep users from hearing each other's.
func inboxPrefix(urls string) string {
	first, _, _ := strings.Cut(urls, ",")
	u, err := url.Parse(strings.TrimSpace(first))
	if err != nil || u.User == nil {
		return defaultInbox
	}
	// A name without a password is a token, and no business of others.
	if _, named := u.User.Password(); !named || !plainName.MatchString(u.User.Username()) {
		return defaultInbox
	}
	return "_INBOX_" + u.User.Username()
}

const defaultInbox = "_INBOX"

var plainName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// closeConnection flushes and closes, and returns when the connection's
// goroutines have ended.
func closeConnection(nc *nats.Conn) func(context.Context) error {
	return func(ctx context.Context) error {
		closed := make(chan struct{})
		nc.SetClosedHandler(func(*nats.Conn) { close(closed) })
		nc.Close()
		select {
		case <-closed:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

package roles_test

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"
)

// broker is a server of the committed configuration.
type broker struct {
	ns *server.Server

	mu   sync.Mutex
	said []string // warnings and errors
}

// startBroker starts one on a free port and with a directory of its own; all else is
// as committed, unless a test changes it.
func startBroker(t *testing.T, changes ...func(*server.Options)) *broker {
	t.Helper()
	o := readConfig(t, "nats.conf")
	o.StoreDir = t.TempDir()
	for _, change := range changes {
		change(o)
	}
	return runBroker(t, o)
}

func readConfig(t *testing.T, path string) *server.Options {
	t.Helper()
	o, err := server.ProcessConfigFile(path)
	require.NoError(t, err)
	require.True(t, o.JetStream && o.SyncAlways)
	o.Host, o.Port, o.HTTPPort, o.NoSigs = "127.0.0.1", server.RANDOM_PORT, 0, true
	return o
}

func runBroker(t *testing.T, o *server.Options) *broker {
	t.Helper()
	b := &broker{}
	var err error
	b.ns, err = server.NewServer(o)
	require.NoError(t, err)
	b.ns.SetLoggerV2(b, false, false, false)
	go b.ns.Start()
	t.Cleanup(func() {
		b.ns.Shutdown()
		b.ns.WaitForShutdown()
	})
	require.True(t, b.ns.ReadyForConnections(10*time.Second), "%s", b.lines())
	return b
}

func (b *broker) Noticef(string, ...any)            {}
func (b *broker) Debugf(string, ...any)             {}
func (b *broker) Tracef(string, ...any)             {}
func (b *broker) Warnf(format string, v ...any)     { b.keep(format, v...) }
func (b *broker) Errorf(format string, v ...any)    { b.keep(format, v...) }
func (b *broker) Fatalf(format string, v ...any)    { b.keep(format, v...) }
func (b *broker) keep(format string, values ...any) { b.add(fmt.Sprintf(format, values...)) }

func (b *broker) add(line string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.said = append(b.said, line)
}

func (b *broker) lines() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.said)
}

// violations are what the server refused.
func (b *broker) violations() []string {
	return slices.DeleteFunc(b.lines(), func(line string) bool { return !strings.Contains(line, "Violation") })
}

func (b *broker) url(user string) string {
	u := url.URL{Scheme: "nats", Host: b.ns.Addr().String()}
	if user != "" {
		u.User = url.UserPassword(user, password(user))
	}
	return u.String()
}

// client is a connection that keeps what is refused.
type client struct {
	*nats.Conn
	user    string
	refused chan error
}

func (b *broker) connect(t *testing.T, user string) *client {
	t.Helper()
	c := &client{user: user, refused: make(chan error, 16)}
	closed := make(chan struct{})
	var err error
	c.Conn, err = nats.Connect(b.url(user), nats.CustomInboxPrefix("_INBOX_"+user),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { c.refused <- err }),
		nats.ClosedHandler(func(*nats.Conn) { close(closed) }))
	require.NoError(t, err)
	t.Cleanup(func() {
		c.Close()
		<-closed
	})
	return c
}

// without takes a right to publish from a user.
func without(user, subject string) func(*server.Options) {
	return func(o *server.Options) {
		for _, u := range o.Users {
			if u.Username != user {
				continue
			}
			before := len(u.Permissions.Publish.Allow)
			u.Permissions.Publish.Allow = slices.DeleteFunc(u.Permissions.Publish.Allow, func(s string) bool { return s == subject })
			if len(u.Permissions.Publish.Allow) != before-1 {
				panic(user + " has no right to " + strconv.Quote(subject))
			}
		}
	}
}

func TestNobodyConnectsWithoutAName(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	for _, address := range []string{b.url(""), "nats://api:wrong@" + b.ns.Addr().String(), "nats://roster:x@" + b.ns.Addr().String()} {
		_, err := nats.Connect(address)
		require.ErrorIs(t, err, nats.ErrAuthorization, address)
	}
	host, _, err := net.SplitHostPort(b.ns.Addr().String())
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1", host)
}

package faults_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// network is a switch in a network of the test's own, with hosts on it. Nothing of
// it is seen outside.
type network struct{ hosts []*host }

// host is a network namespace with one address.
type host struct {
	name, address string
	link          string // its end at the switch
	namespace     string // a path
}

// inNewNetwork says that this process was started in a network of its own.
const inNewNetwork = "ROSTER_FAULTS_IN_NEW_NETWORK"

// inOwnNetwork runs a test once more, in a process that has a network for itself,
// and answers for it. It is true in that process. Where the machine makes no
// networks the test skips.
func inOwnNetwork(t *testing.T) bool {
	t.Helper()
	if os.Getenv(inNewNetwork) != "" {
		run(t, "ip", "link", "set", "lo", "up")
		return true
	}
	for _, tool := range []string{"ip", "nsenter"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("networks are taken apart with %s, which is not here", tool)
		}
	}
	if os.Geteuid() != 0 {
		t.Skip("only root makes networks")
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=2h")
	cmd.Env = append(os.Environ(), inNewNetwork+"=yes")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	said, err := cmd.CombinedOutput()
	t.Logf("in a network of its own:\n%s", said)
	if _, started := err.(*exec.ExitError); err != nil && !started { //nolint:errorlint // of exec alone
		t.Skipf("this machine makes no networks: %v", err)
	}
	require.NoError(t, err)
	if strings.Contains(string(said), "--- SKIP") {
		t.Skip("it says why above")
	}
	return false
}

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	said, err := exec.CommandContext(context.WithoutCancel(t.Context()), name, args...).CombinedOutput()
	require.NoError(t, err, "%s %s: %s", name, strings.Join(args, " "), said)
}

// newNetwork connects hosts to a switch to which this process belongs, too.
func newNetwork(t *testing.T, names ...string) *network {
	t.Helper()
	const hub = "hub"
	run(t, "ip", "link", "add", hub, "type", "bridge")
	run(t, "ip", "address", "add", "192.0.2.1/24", "dev", hub) // of those that RFC 5737 keeps for examples
	run(t, "ip", "link", "set", hub, "up")
	n := &network{}
	for i, name := range names {
		h := &host{name: name, address: fmt.Sprintf("192.0.2.%d", 11+i), link: fmt.Sprintf("link%d", i)}
		pid := holdNamespace(t)
		h.namespace = fmt.Sprintf("/proc/%d/ns/net", pid)
		run(t, "ip", "link", "add", h.link, "type", "veth", "peer", "name", "wire", "netns", fmt.Sprint(pid))
		run(t, "ip", "link", "set", h.link, "master", hub, "up")
		for _, args := range []string{"link set lo up", "address add " + h.address + "/24 dev wire", "link set wire up"} {
			require.NoError(t, h.ip(t.Context(), args))
		}
		n.hosts = append(n.hosts, h)
	}
	return n
}

// holdNamespace keeps a new network namespace for as long as this process lives.
func holdNamespace(t *testing.T) (pid int) {
	t.Helper()
	reader, writer, err := os.Pipe()
	require.NoError(t, err)
	cmd := exec.Command("cat")
	cmd.Stdin, cmd.Stdout = reader, io.Discard
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	require.NoError(t, cmd.Start())
	require.NoError(t, reader.Close())
	t.Cleanup(func() {
		_ = writer.Close()
		_ = cmd.Wait()
	})
	return cmd.Process.Pid
}

// inside has a command run on the host.
func (h *host) inside(command func() *exec.Cmd) func() *exec.Cmd {
	return func() *exec.Cmd {
		return exec.Command("nsenter", append([]string{"--net=" + h.namespace}, command().Args...)...)
	}
}

func (h *host) ip(ctx context.Context, args string) error {
	said, err := exec.CommandContext(ctx, "nsenter", append([]string{"--net=" + h.namespace, "ip"}, strings.Fields(args)...)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ip %s on %s: %w: %s", args, h.name, err, said)
	}
	return nil
}

// nobody has this address of a card: what is sent there is lost without a word.
const nobody = "02:00:00:00:00:ff"

// part makes two hosts deaf for each other, and for nobody else.
func (n *network) part(ctx context.Context, a, b *host) error {
	if err := a.ip(ctx, "neighbor replace "+b.address+" lladdr "+nobody+" dev wire nud permanent"); err != nil {
		return err
	}
	return b.ip(ctx, "neighbor replace "+a.address+" lladdr "+nobody+" dev wire nud permanent")
}

// join undoes part.
func (n *network) join(ctx context.Context, a, b *host) error {
	if err := a.ip(ctx, "neighbor delete "+b.address+" dev wire"); err != nil {
		return err
	}
	return b.ip(ctx, "neighbor delete "+a.address+" dev wire")
}

// unplug takes a host from everybody, and plug brings it back.
func (n *network) unplug(ctx context.Context, h *host) error { return n.set(ctx, h, "down") }

func (n *network) plug(ctx context.Context, h *host) error { return n.set(ctx, h, "up") }

func (n *network) set(ctx context.Context, h *host, state string) error {
	if said, err := exec.CommandContext(ctx, "ip", "link", "set", h.link, state).CombinedOutput(); err != nil {
		return fmt.Errorf("set the link of %s %s: %w: %s", h.name, state, err, said)
	}
	return nil
}

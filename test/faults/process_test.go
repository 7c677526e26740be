package faults_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// process is a program that is started, killed and started again, always the same.
type process struct {
	name    string
	command func() *exec.Cmd
	ready   *regexp.Regexp       // what it says when it works; its group is an address
	onReady func(address string) // may be nil
	log     *os.File             // of all its lives

	mu      sync.Mutex
	life    *life
	unasked []string // how it ended when nobody had asked for it
}

// life is from one start to one end.
type life struct {
	cmd   *exec.Cmd
	ready chan string // delivers the address; closed when the output ends
	ended chan struct{}
	asked atomic.Bool // its end
	works atomic.Bool // it said that it does
}

// restartPause is between two tries to start.
const restartPause = 200 * time.Millisecond

// newProcess makes a process that ends with the test.
func newProcess(t *testing.T, name, logDir string, ready *regexp.Regexp, command func() *exec.Cmd) *process {
	t.Helper()
	log, err := os.Create(logDir + "/" + name + ".log")
	require.NoError(t, err)
	p := &process{name: name, command: command, ready: ready, log: log}
	t.Cleanup(func() {
		p.kill()
		_ = log.Close()
	})
	return p
}

// start starts it until it works, as a supervisor would.
func (p *process) start(ctx context.Context) error {
	for {
		l, err := p.launch()
		if err != nil {
			return err
		}
		select {
		case address, ok := <-l.ready:
			if ok {
				l.works.Store(true)
				if p.onReady != nil {
					p.onReady(address)
				}
				return nil
			}
			<-l.ended
		case <-ctx.Done():
			return fmt.Errorf("%s did not get ready: %w", p.name, ctx.Err())
		}
		select {
		case <-time.After(restartPause):
		case <-ctx.Done():
			return fmt.Errorf("%s did not start: %w", p.name, ctx.Err())
		}
	}
}

func (p *process) launch() (*life, error) {
	reader, writer, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd := p.command()
	cmd.Stdout, cmd.Stderr = writer, writer
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", p.name, err)
	}
	_ = writer.Close()
	l := &life{cmd: cmd, ready: make(chan string, 1), ended: make(chan struct{})}
	p.mu.Lock()
	p.life = l
	p.mu.Unlock()
	read := make(chan struct{})
	go func() {
		defer close(read)
		defer close(l.ready)
		defer reader.Close()
		p.listen(reader, l)
	}()
	go func() {
		err := cmd.Wait()
		<-read
		if l.works.Load() && !l.asked.Load() {
			p.mu.Lock()
			p.unasked = append(p.unasked, fmt.Sprintf("%s ended by itself: %v", p.name, err))
			p.mu.Unlock()
		}
		close(l.ended)
	}()
	return l, nil
}

func (p *process) listen(reader *os.File, l *life) {
	lines := bufio.NewScanner(reader)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		_, _ = p.log.WriteString(lines.Text() + "\n")
		if m := p.ready.FindStringSubmatch(lines.Text()); m != nil {
			select {
			case l.ready <- m[1]:
			default: // it was said before
			}
		}
	}
}

func (p *process) current() *life {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.life
}

// kill ends it without a warning, and waits until it is gone.
func (p *process) kill() {
	if l := p.current(); l != nil {
		l.asked.Store(true)
		_ = l.cmd.Process.Kill()
		<-l.ended
	}
}

func (p *process) signal(s syscall.Signal) error {
	if err := p.current().cmd.Process.Signal(s); err != nil {
		return fmt.Errorf("send %s to %s: %w", s, p.name, err)
	}
	return nil
}

// complaints are what it must never say or do.
func (p *process) complaints() []string {
	p.mu.Lock()
	out := append([]string(nil), p.unasked...)
	p.mu.Unlock()
	text, err := os.ReadFile(p.log.Name())
	if err != nil {
		return append(out, err.Error())
	}
	for _, bad := range []string{"panic:", "fatal error:", "DATA RACE"} {
		if at := strings.Index(string(text), bad); at >= 0 {
			out = append(out, fmt.Sprintf("%s said %q", p.name, text[at:min(at+400, len(text))]))
		}
	}
	return out
}

// lastWords are the end of what it said.
func (p *process) lastWords() string {
	text, err := os.ReadFile(p.log.Name())
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-6000):])
}

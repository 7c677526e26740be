package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"
)

const (
	maxRestarts = 8           // in a row, which take about 17 seconds
	steadyAfter = time.Minute // of running, restarts are counted anew
	startTries  = 3           // at Start: what a killed server left behind may take a moment to go
	maxDoubling = 50          // times the first pause is the longest
)

// supervise runs the server until Stop, starting it again when it dies. All of
// it happens on one locked thread, since the child's death signal is bound to
// the thread that started it.
func (s *Server) supervise(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(s.done)
	cmd, err := s.spawn()
	started <- err
	if err != nil {
		return
	}
	pause, tries := s.pause, 0
	for {
		began := time.Now()
		if err == nil {
			err = cmd.Wait()
		}
		s.forgetProcess()
		if s.stopping() {
			return
		}
		if time.Since(began) > steadyAfter {
			pause, tries = s.pause, 0
		}
		if tries++; tries > maxRestarts {
			s.giveUp(fmt.Errorf("PostgreSQL ended %d times in a row (last: %w); its log is %s", tries, err, s.logPath))
			return
		}
		s.log.Error("PostgreSQL ended by itself; starting it again", zap.Error(err),
			zap.Duration("pause", pause), zap.String("log", s.logPath))
		select {
		case <-s.stop:
			return
		case <-time.After(pause):
		}
		pause = min(2*pause, maxDoubling*s.pause)
		cmd, err = s.spawn()
	}
}

// errStopping says that Stop came before the server was started again.
var errStopping = errors.New("stopping")

// spawn starts the server; the caller waits for it on the same thread.
func (s *Server) spawn() (*exec.Cmd, error) {
	out, err := os.OpenFile(s.logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open PostgreSQL's log: %w", err)
	}
	defer out.Close()                                      //nolint:errcheck // the child has its own
	cmd := exec.Command(s.bin.path("postgres"), s.args...) //nolint:noctx // it ends by Stop or with this process
	cmd.Dir, cmd.Env = s.dataDir, childEnv()
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = childAttributes(s.as, deathStop)
	// Under the lock, so that Stop either prevents the start or finds the
	// process.
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping() {
		return nil, errStopping
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start PostgreSQL: %w", err)
	}
	s.process = cmd.Process
	return cmd, nil
}

func (s *Server) forgetProcess() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.process = nil
	s.ended++
}

// endings is how often the server has ended.
func (s *Server) endings() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ended
}

func (s *Server) stopping() bool {
	select {
	case <-s.stop:
		return true
	default:
		return false
	}
}

func (s *Server) giveUp(reason error) {
	s.mu.Lock()
	s.reason = reason
	s.mu.Unlock()
	close(s.failed)
}

// awaitReady waits until the server answers.
func (s *Server) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute) // recovery after a crash may take a while
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := pgx.Connect(ctx, s.DSN("postgres"))
		if err == nil {
			return conn.Close(ctx)
		}
		if s.endings() >= startTries {
			return fmt.Errorf("PostgreSQL ended at start: %s", s.logTail())
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for PostgreSQL to answer: %w (last: %w); its log is %s", ctx.Err(), err, s.logPath)
		case <-tick.C:
		}
	}
}

func (s *Server) logTail() string {
	text, err := os.ReadFile(s.logPath)
	if err != nil {
		return err.Error()
	}
	return lastLines(string(text), 5)
}

// Stop stops the server fast, and hard when ctx ends first. It is safe to call
// more than once.
func (s *Server) Stop(ctx context.Context) error {
	s.stopped.Do(func() { close(s.stop) })
	if err := s.signal(syscall.SIGINT); err != nil {
		return err
	}
	select {
	case <-s.done:
		return nil
	case <-ctx.Done():
	}
	s.log.Warn("PostgreSQL did not stop in time; killing it")
	// SIGQUIT ends without a checkpoint; the next start recovers.
	if err := s.signal(syscall.SIGQUIT); err != nil {
		return err
	}
	select {
	case <-s.done:
		return nil
	case <-time.After(time.Second):
	}
	return errors.Join(errors.New("PostgreSQL did not stop"), s.signal(syscall.SIGKILL))
}

func (s *Server) signal(sig syscall.Signal) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		return nil
	}
	if err := s.process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("signal PostgreSQL: %w", err)
	}
	return nil
}

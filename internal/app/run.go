package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"go.uber.org/zap"
	"golang.org/x/term"

	"github.com/rosterhq/roster/internal/config"
	"github.com/rosterhq/roster/internal/telemetry"
)

// The exit codes of the processes.
const (
	exitFailure = 1 // could not start, or could not go on
	exitMistake = 2 // wrong settings
	exitHurried = 130
)

// process is a running binary, of either kind.
type process interface {
	Failed() <-chan error
	Stop(ctx context.Context) error
}

// RunAPI is cmd/api: it runs until a signal and returns the exit code.
func RunAPI() int {
	tuneMemory()
	c, err := config.ReadAPI(input("api"))
	if err != nil {
		return refuse(os.Stderr, err)
	}
	logger := newLogger(c.Shared)
	return run(logger, func(ctx context.Context) (process, error) {
		a, err := StartAPI(ctx, c, logger)
		if err != nil {
			return nil, err
		}
		if c.NATSURL == "" {
			addProcessors()
		}
		_ = a.Summary().Print(os.Stdout) // nobody may be listening; it runs all the same
		return a, nil
	})
}

// RunProjector is cmd/projector: it runs until a signal and returns the exit
// code.
func RunProjector() int {
	tuneMemory()
	c, err := config.ReadProjector(input("projector"))
	if err != nil {
		return refuse(os.Stderr, err)
	}
	logger := newLogger(c.Shared)
	return run(logger, func(ctx context.Context) (process, error) {
		p, err := StartProjector(ctx, c, logger)
		if err != nil {
			return nil, err
		}
		logger.Info("projectors are at work", zap.String("health", p.URL()))
		return p, nil
	})
}

func input(name string) config.Input {
	return config.Input{Args: os.Args[1:], Lookup: os.LookupEnv, Root: os.Geteuid() == 0, Out: os.Stdout, Name: name}
}

func newLogger(c config.Shared) *zap.Logger {
	logger := telemetry.NewLogger(c.LogLevel, os.Stderr, term.IsTerminal(int(os.Stderr.Fd())))
	for _, name := range config.Unknown(os.Environ()) {
		logger.Warn("this variable is no setting of Roster; is it misspelt?", zap.String("variable", name))
	}
	var fields []zap.Field
	for _, s := range c.Shown() {
		fields = append(fields, zap.String(s.Name, s.Value))
	}
	logger.Debug("settings", fields...)
	return logger
}

// refuse tells a person what is wrong and returns the exit code.
func refuse(out io.Writer, err error) int {
	if errors.Is(err, config.ErrHelp) {
		return 0
	}
	_, _ = fmt.Fprintf(out, "roster: %v\n", err)
	if config.IsMistake(err) {
		return exitMistake
	}
	return exitFailure
}

// run starts a process, waits for a signal or a failure, and stops it. A second
// signal ends it at once; a private PostgreSQL then ends by its death signal.
func run(logger *zap.Logger, start func(context.Context) (process, error)) int {
	defer logger.Sync()
	starting, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	interrupted := make(chan struct{})
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	defer signal.Stop(signals)
	go obey(signals, func() {
		cancel(errInterrupted)
		close(interrupted)
	})

	p, err := start(starting)
	if err != nil {
		if errors.Is(context.Cause(starting), errInterrupted) {
			logger.Info("interrupted while starting")
			return 0
		}
		return refuse(os.Stderr, err)
	}
	code := 0
	select {
	case <-interrupted:
		logger.Info("stopping")
	case err := <-p.Failed():
		logger.Error("can not go on", zap.Error(err))
		code = exitFailure
	}
	began := time.Now()
	ctx, done := context.WithTimeout(context.Background(), stopLimit)
	defer done()
	if err := p.Stop(ctx); err != nil {
		logger.Error("did not stop cleanly", zap.Error(err))
		return exitFailure
	}
	logger.Info("stopped", zap.Duration("in", time.Since(began)))
	return code
}

// sameWish is the time in which a second signal is taken for an echo of the
// first: some programs signal a process and its group.
const sameWish = 300 * time.Millisecond

// obey interrupts at the first signal and ends the process at the second.
func obey(signals <-chan os.Signal, interrupt func()) {
	<-signals
	first := time.Now()
	interrupt()
	for range signals {
		if time.Since(first) > sameWish {
			os.Exit(exitHurried)
		}
	}
}

var errInterrupted = errors.New("interrupted")

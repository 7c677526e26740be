package eventlog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
)

// lookAgain is how soon it is asked again for what another process is to make.
const lookAgain = 100 * time.Millisecond

// awaitStreams waits until another process has made all streams.
func awaitStreams(ctx context.Context, js jetstream.JetStream, n names, logger *zap.Logger) (replicas int, err error) {
	replicas = 1
	for _, want := range n.streamConfigs(1) {
		stream, err := awaitStream(ctx, js, want.Name, logger)
		if err != nil {
			return 0, fmt.Errorf("stream %s: %w", want.Name, err)
		}
		config := stream.CachedInfo().Config
		if config.Metadata[unfinished] != "" {
			return 0, ErrUnfinishedSeed
		}
		replicas = max(replicas, config.Replicas)
	}
	return replicas, nil
}

func awaitStream(ctx context.Context, js jetstream.JetStream, name string, logger *zap.Logger) (jetstream.Stream, error) {
	told := false
	for tries := 1; ; {
		stream, err := js.Stream(ctx, name)
		switch {
		case err == nil:
			return stream, nil
		case errors.Is(err, jetstream.ErrStreamNotFound):
			if !told {
				logger.Info("another process is to make the stream; waiting for it", zap.String("stream", name))
				told = true
			}
		case !retryable(err) || tries == ensureTries:
			return nil, fmt.Errorf("look up: %w", err)
		default:
			tries++
		}
		if err := pause(ctx, lookAgain); err != nil {
			return nil, fmt.Errorf("wait for who makes it: %w", err)
		}
	}
}

// awaitSecret waits until another process has made the installation's secret.
func (l *Log) awaitSecret(ctx context.Context) error {
	for {
		last, err := l.read.leaderLast(ctx, l.names.keys, l.names.secret())
		if err != nil {
			return unavailable("read installation secret", err)
		}
		if last.sequence != 0 {
			return nil
		}
		if err := pause(ctx, lookAgain); err != nil {
			return fmt.Errorf("wait for who makes the installation's secret: %w", err)
		}
	}
}

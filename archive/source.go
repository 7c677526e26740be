package archive

import (
	"context"
	"io"

	"github.com/rosterhq/roster/events"
)

// Feed is a feed on its way. Close it.
type Feed struct {
	*FeedReader
	body io.Closer
}

// OpenFeed reads the first line of a feed, and closes one that has none.
func OpenFeed(body io.ReadCloser) (*Feed, error) {
	reader, err := NewFeedReader(body)
	if err != nil {
		_ = body.Close() // it was only read
		return nil, err
	}
	return &Feed{reader, body}, nil
}

// Close ends it, also before its end.
func (f *Feed) Close() { _ = f.body.Close() }

// Local is a log in this process, to be archived without a server.
type Local struct{ Copies Copies }

// Log delivers the messages of a stream from a sequence on; to 0 is the end.
func (l Local) Log(ctx context.Context, s events.Stream, from, to uint64) (*Feed, error) {
	head, err := FeedOf(ctx, l.Copies, s, from, to)
	if err != nil {
		return nil, err
	}
	return piped(ctx, func(ctx context.Context, out io.Writer) error { return FeedMessages(ctx, out, l.Copies, head) })
}

// LogKeys delivers the wrapped keys.
func (l Local) LogKeys(ctx context.Context) (*Feed, error) {
	return piped(ctx, func(ctx context.Context, out io.Writer) error { return FeedKeys(ctx, out, l.Copies) })
}

// piped reads a feed while it is written.
func piped(ctx context.Context, write func(context.Context, io.Writer) error) (*Feed, error) {
	ctx, cancel := context.WithCancel(ctx)
	in, out := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = out.CloseWithError(write(ctx, out)) // is always nil
	}()
	return OpenFeed(pipe{in, func() {
		cancel()
		_ = in.Close() // is always nil; what is still written fails
		<-done
	}})
}

type pipe struct {
	io.Reader
	end func()
}

// Close implements io.Closer.
func (p pipe) Close() error {
	p.end()
	return nil
}

package crowd

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
)

const (
	// readAhead is the size, in bytes, up to which a body is received before its
	// request gets a place.
	readAhead = 16 << 10
	// progress is how much of a large body shows that its client is at it.
	progress = 64 << 10
)

// receive reads a small body, at its client's pace, and lets go of the place while
// more of a large one is waited for.
func (p *Place) receive(r *http.Request) {
	switch {
	case r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0:
	case r.ContentLength > 0 && r.ContentLength <= readAhead:
		r.Body = received(r.Body, r.ContentLength)
	default:
		r.Body = &arriving{ReadCloser: r.Body, place: p, ctx: r.Context()}
	}
}

// small is a body that was received, with what went wrong at its end.
type small struct {
	bytes.Reader
	io.Closer
	failed error
}

func received(from io.ReadCloser, length int64) io.ReadCloser {
	raw := make([]byte, length)
	n, err := io.ReadFull(from, raw)
	b := &small{Closer: from, failed: err}
	if err == nil || errors.Is(err, io.EOF) && n == 0 {
		b.failed = io.EOF
	}
	b.Reset(raw[:n])
	return b
}

// Read implements io.Reader.
func (b *small) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if errors.Is(err, io.EOF) {
		err = b.failed
	}
	return n, err
}

// WriteTo hides what bytes.Reader offers, which knows nothing of failures.
func (b *small) WriteTo(w io.Writer) (int64, error) {
	n, err := b.Reader.WriteTo(w)
	if err == nil && !errors.Is(b.failed, io.EOF) {
		err = b.failed
	}
	return n, err //nolint:wrapcheck // this is a reader
}

// arriving is a large body on its way.
type arriving struct {
	io.ReadCloser
	place *Place
	ctx   context.Context //nolint:containedctx // of the request that the body is of
	since int
}

// Read implements io.Reader.
func (b *arriving) Read(p []byte) (int, error) {
	b.place.pause()
	n, err := b.ReadCloser.Read(p)
	if b.since += n; b.since >= progress {
		b.since = 0
		b.place.conn.advanced()
	}
	b.place.resume(b.ctx)
	return n, err //nolint:wrapcheck // this is a reader
}

// Held reads a body that will stay in memory until its request ends. Where there is
// no room for it, its error is ErrFull.
func Held(ctx context.Context, body io.ReadCloser) io.ReadCloser {
	p := placeOf(ctx)
	if _, large := body.(*arriving); p == nil || !large {
		return body
	}
	return &holding{body, p}
}

type holding struct {
	io.ReadCloser
	place *Place
}

// Read implements io.Reader.
func (h *holding) Read(p []byte) (int, error) {
	n, err := h.ReadCloser.Read(p)
	if n > 0 {
		if full := h.place.hold(int64(n)); full != nil {
			return 0, full
		}
	}
	return n, err //nolint:wrapcheck // this is a reader
}

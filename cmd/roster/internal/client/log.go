package client

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"github.com/klauspost/compress/zstd"

	"github.com/rosterhq/roster/archive"
	"github.com/rosterhq/roster/events"
)

// logName is a stream as the server's parameter names them.
func logName(s events.Stream) string {
	switch s {
	case events.Activity:
		return "activity"
	case events.UsageStream:
		return "usage"
	default:
		return "roster"
	}
}

// Log asks for the messages of a stream from a sequence on; to 0 is the end.
func (c *Client) Log(ctx context.Context, s events.Stream, from, to uint64) (*archive.Feed, error) {
	query := url.Values{"stream": {logName(s)}, "from": {strconv.FormatUint(max(from, 1), 10)}}
	if to > 0 {
		query.Set("to", strconv.FormatUint(to, 10))
	}
	return c.feed(ctx, "/v1/admin/log?"+query.Encode())
}

// LogKeys asks for the wrapped keys.
func (c *Client) LogKeys(ctx context.Context) (*archive.Feed, error) {
	return c.feed(ctx, "/v1/admin/log/keys")
}

func (c *Client) feed(ctx context.Context, path string) (*archive.Feed, error) {
	var feed *archive.Feed
	err := c.patiently(ctx, func() error {
		body, _, err := c.openStream(ctx, path, "application/x-ndjson")
		if err != nil {
			return err
		}
		if feed, err = archive.OpenFeed(body); err != nil {
			return &ConnectionError{Server: c.base, Err: err}
		}
		return nil
	})
	return feed, err
}

// patiently tries as do does.
func (c *Client) patiently(ctx context.Context, once func() error) error {
	started := c.cfg.Now()
	for try := 1; ; try++ {
		err := once()
		if err == nil {
			return nil
		}
		wait, again := retryAfter(err, try)
		if !again || try >= firstTries || c.cfg.Now().Add(wait).Sub(started) > patience || !c.cfg.Pause(ctx, wait) {
			return err
		}
	}
}

// openStream asks for an answer that takes as long as it takes; it comes compressed
// over the network.
func (c *Client) openStream(ctx context.Context, path, accept string) (io.ReadCloser, http.Header, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+path, nil)
	if err != nil {
		return nil, nil, fmt.Errorf("make request: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+c.cfg.Token)
	req.Header.Set("Accept", accept+", application/problem+json")
	req.Header.Set("User-Agent", c.cfg.UserAgent)
	req.Header.Set("Accept-Encoding", c.encoding())
	endless := &http.Client{Transport: c.http.Transport, CheckRedirect: c.http.CheckRedirect}
	res, err := endless.Do(req)
	if err != nil {
		return nil, nil, &ConnectionError{Server: c.base, Err: plainCause(err)}
	}
	if res.StatusCode != http.StatusOK {
		defer func() { _ = res.Body.Close() }()
		body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
		if err != nil {
			return nil, nil, &ConnectionError{Server: c.base, Err: err}
		}
		return nil, nil, whyNot(c.problem(res, body))
	}
	if res.Header.Get("Content-Encoding") != "zstd" {
		return res.Body, res.Header, nil
	}
	zip, err := zstd.NewReader(res.Body, zstd.WithDecoderConcurrency(1))
	if err != nil {
		_ = res.Body.Close()
		return nil, nil, fmt.Errorf("decompress an answer: %w", err)
	}
	return unzipped{zip, res.Body}, res.Header, nil
}

type unzipped struct {
	*zstd.Decoder
	below io.Closer
}

// Close implements io.Closer.
func (u unzipped) Close() error {
	u.Decoder.Close()
	return u.below.Close()
}

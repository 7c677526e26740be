// Package client speaks to a running Roster server over HTTP, as far as the
// command line needs it.
//
// A request that met a busy or absent server (429, 503, a broken connection) is
// sent again after a growing pause, or after the one that the server asks for
// in Retry-After, for at most two minutes in all. That is safe: creations carry
// an Idempotency-Key and activities are unique by source and id. The token goes
// into one header and nowhere else; redirects are not followed, so that it goes
// to no other server.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Config says which server is meant and how it is asked. Only Server and Token
// are required.
type Config struct {
	Server      string
	Token       string
	UserAgent   string
	Connections int // at once; default 64

	// Stop ends waiting for a busy server, while requests on their way go on.
	Stop <-chan struct{}
	// Pause waits before a request is repeated, and returns false when Stop or
	// ctx ended the wait. The default waits for that long.
	Pause func(ctx context.Context, d time.Duration) bool
	// Now is the clock; default time.Now.
	Now func() time.Time

	anonymous bool // asks without a token
}

// Client talks to one server. It is safe for concurrent use.
type Client struct {
	base  string
	http  *http.Client
	cfg   Config
	clean *strings.Replacer
}

const (
	requestTimeout = time.Minute
	maxAnswer      = 4 << 20
)

// New checks the address and the token. Its errors repeat neither the token nor
// an address that holds a password.
func New(cfg Config) (*Client, error) {
	base, err := baseURL(cfg.Server)
	if err != nil {
		return nil, err
	}
	if err := checkToken(cfg.Token); err != nil && !cfg.anonymous {
		return nil, err
	}
	if cfg.Connections <= 0 {
		cfg.Connections = 64
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	c := &Client{base: base, cfg: cfg, clean: cleaner(cfg.Token)}
	if cfg.Pause == nil {
		c.cfg.Pause = c.pause
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConns = cfg.Connections
	transport.MaxIdleConnsPerHost = cfg.Connections
	transport.MaxConnsPerHost = cfg.Connections
	c.http = &http.Client{
		Transport: transport,
		Timeout:   requestTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}
	return c, nil
}

// CheckServer says what is wrong with the address of a server. Its error does not
// repeat one that holds a password.
func CheckServer(server string) error {
	_, err := baseURL(server)
	return err
}

// cleaner takes secrets out of texts.
func cleaner(secrets ...string) *strings.Replacer {
	var pairs []string
	for _, secret := range secrets {
		if secret != "" {
			pairs = append(pairs, secret, "[token]")
		}
	}
	return strings.NewReplacer(pairs...)
}

func baseURL(server string) (string, error) {
	if server == "" {
		return "", errors.New("no server: give --server or set ROSTER_SERVER")
	}
	u, err := url.Parse(server)
	if err != nil {
		return "", errors.New("the server is not a URL") // url's error would repeat it, with any password in it
	}
	switch {
	case u.User != nil:
		return "", errors.New("the server URL holds a user or password: give the token with --token or ROSTER_TOKEN instead")
	case u.Scheme != "http" && u.Scheme != "https":
		return "", errors.New("the server must be a URL that begins with http:// or https://")
	case u.Host == "":
		return "", errors.New("the server URL names no host")
	case u.RawQuery != "" || u.Fragment != "" || u.ForceQuery:
		return "", errors.New("the server URL must end before any ? or #")
	}
	return strings.TrimRight(u.String(), "/"), nil
}

func checkToken(token string) error {
	if token == "" {
		return errors.New("no token: set ROSTER_TOKEN or give --token")
	}
	for i := range len(token) {
		if token[i] <= 0x20 || token[i] > 0x7e {
			return errors.New("the token holds a blank or another character that no token has")
		}
	}
	return nil
}

// Server returns the address that is asked.
func (c *Client) Server() string { return c.base }

// Close closes idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

type request struct {
	method, path string
	contentType  string
	body         []byte
	header       http.Header                           // beside those of every request; may be nil
	tries        int                                   // 0: as long as patience lasts
	again        func(error)                           // told of a failure before the request is sent again; may be nil
	take         func(res *http.Response, body []byte) // gets a 2xx answer as it came; may be nil
}

// do sends a request until it is answered with something other than "busy", and
// decodes a 2xx answer into out.
func (c *Client) do(ctx context.Context, r request, out any) error {
	started := c.cfg.Now()
	for try := 1; ; try++ {
		err := c.once(ctx, r, out)
		if err == nil {
			return nil
		}
		wait, again := retryAfter(err, try)
		if !again || try == r.tries || c.cfg.Now().Add(wait).Sub(started) > patience {
			return err
		}
		if r.again != nil {
			r.again(err)
		}
		if !c.cfg.Pause(ctx, wait) {
			return err
		}
	}
}

func (c *Client) once(ctx context.Context, r request, out any) error {
	req, err := http.NewRequestWithContext(ctx, r.method, c.base+r.path, bytes.NewReader(r.body))
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	if c.cfg.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.cfg.Token)
	}
	req.Header.Set("Accept", "application/json, application/problem+json")
	req.Header.Set("User-Agent", c.cfg.UserAgent)
	for name, values := range r.header {
		req.Header[name] = values
	}
	if r.contentType != "" {
		req.Header.Set("Content-Type", r.contentType)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return &ConnectionError{Server: c.base, Err: plainCause(err)}
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return &ConnectionError{Server: c.base, Err: err}
	}
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return c.problem(res, body)
	}
	if r.take != nil {
		r.take(res, body)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(body, out); err != nil {
		return fmt.Errorf("%s %s answered %d with something else than the JSON of Roster: is it a Roster server?", r.method, r.path, res.StatusCode)
	}
	return nil
}

// plainCause takes away the address that http.Client puts around its errors:
// the message names the server already.
func plainCause(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

func (c *Client) pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
	case <-c.cfg.Stop:
	}
	return false
}

const (
	patience   = 2 * time.Minute
	firstPause = 100 * time.Millisecond
	maxPause   = 10 * time.Second
)

// retryAfter says whether a failure may pass, and when to try again: when the
// server says so, else after a pause that doubles, of which half is random so
// that many requests do not come back together.
func retryAfter(err error, try int) (time.Duration, bool) {
	if p, ok := errors.AsType[*Problem](err); ok {
		if p.Status != http.StatusTooManyRequests && p.Status != http.StatusServiceUnavailable &&
			p.Status != http.StatusBadGateway && p.Status != http.StatusGatewayTimeout {
			return 0, false
		}
		if p.RetryAfter > 0 {
			return p.RetryAfter, true
		}
		return backOff(try), true
	}
	if !lostAnswer(err) || errors.Is(err, context.Canceled) {
		return 0, false
	}
	return backOff(try), true
}

// MayPass says whether a failure is of a kind that goes by itself: a server that is
// away, or busy.
func MayPass(err error) bool {
	_, again := retryAfter(err, 1)
	return again
}

func backOff(try int) time.Duration {
	d := firstPause << min(try-1, 10)
	d = min(d, maxPause)
	return d/2 + rand.N(d/2+1)
}

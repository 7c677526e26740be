package signin

import (
	"errors"
	"io"
	"net/http"
	"time"
)

const (
	callLimit = 10 * time.Second
	bodyLimit = 1 << 20
	maxHops   = 3
)

var (
	errTooLarge = errors.New("the provider's answer is larger than 1 MiB")
	errRedirect = errors.New("the provider redirects where it must not")
)

// newClient makes the client of all calls to one provider.
func newClient(next http.RoundTripper) *http.Client {
	if next == nil {
		next = http.DefaultTransport
	}
	return &http.Client{Transport: limited{next}, Timeout: callLimit, CheckRedirect: checkRedirect}
}

// checkRedirect lets nobody take a secret elsewhere: only what is read may move,
// and never to where others can listen.
func checkRedirect(r *http.Request, via []*http.Request) error {
	first := via[0]
	switch {
	case len(via) > maxHops, first.Method != http.MethodGet, first.URL.Scheme == "https" && r.URL.Scheme != "https":
		return errRedirect
	default:
		return nil
	}
}

// limited bounds the bodies of answers.
type limited struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (l limited) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := l.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	res.Body = &limitedBody{ReadCloser: res.Body, left: bodyLimit}
	return res, nil
}

type limitedBody struct {
	io.ReadCloser
	left int64
}

// Read implements io.Reader.
func (b *limitedBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errTooLarge
	}
	if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.ReadCloser.Read(p)
	b.left -= int64(n)
	return n, err
}

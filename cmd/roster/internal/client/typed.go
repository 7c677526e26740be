package client

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"strings"

	api "github.com/rosterhq/roster/api/v1/client"
)

// API returns the generated client of /v1. Its calls are repeated as all others,
// writes with an Idempotency-Key of their own, and an answer other than 2xx is a
// *Problem as the call's error.
func (c *Client) API() (*api.ClientWithResponses, error) {
	typed, err := api.NewClientWithResponses(c.base, api.WithHTTPClient(doer{c}))
	if err != nil {
		return nil, fmt.Errorf("make client: %w", err)
	}
	return typed, nil
}

// doer sends the requests of the generated client.
type doer struct{ client *Client }

// Do implements the generated client's HttpRequestDoer.
func (d doer) Do(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, fmt.Errorf("make request: %w", err)
		}
	}
	header := http.Header{}
	if r.Method != http.MethodGet && r.Header.Get("Idempotency-Key") == "" {
		r.Header.Set("Idempotency-Key", rand.Text())
	}
	for _, name := range []string{"Idempotency-Key", "If-Match"} {
		if v := r.Header.Get(name); v != "" {
			header.Set(name, v)
		}
	}
	var answer *http.Response
	err := d.client.do(r.Context(), request{
		method: r.Method, path: strings.TrimPrefix(r.URL.String(), d.client.base),
		contentType: r.Header.Get("Content-Type"), body: body, header: header,
		take: func(res *http.Response, body []byte) {
			answer = &http.Response{StatusCode: res.StatusCode, Header: res.Header, Body: io.NopCloser(bytes.NewReader(body))}
		},
	}, nil)
	if err != nil {
		return nil, whyNot(err)
	}
	return answer, nil
}

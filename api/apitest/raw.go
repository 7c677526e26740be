package apitest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"
)

const (
	// streamPatience is how long a stream is read when only its beginning is asked for.
	streamPatience = 20 * time.Millisecond
	// mostRead bounds what is kept of an answer, in bytes.
	mostRead = 16 << 20
)

// Documents are the OpenAPI documents of all dialects that are on, by name.
func (s *System) Documents() map[string]*openapi3.T {
	s.t.Helper()
	var list []struct{ Name, YAML string }
	require.NoError(s.t, json.Unmarshal(get(s.t, s, "/docs/documents.json"), &list))
	documents := map[string]*openapi3.T{}
	for _, d := range list {
		document, err := openapi3.NewLoader().LoadFromData(get(s.t, s, d.YAML))
		require.NoError(s.t, err, d.Name)
		documents[d.Name] = document
	}
	return documents
}

// Send sends a request as it is, which must go to System.URL, and checks the answer
// against the dialect's document. Of a stream of events only the beginning is read. An
// answer that has not ended when patience is over is an error.
func (s *System) Send(r *http.Request, patience time.Duration) (Answer, error) {
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	r = r.WithContext(ctx)
	res, err := s.client.Do(r) //nolint:gosec // the test says where to: its own server
	if err != nil {
		return Answer{}, fmt.Errorf("%s %s: %w", r.Method, r.URL.Path, err)
	}
	defer func() { _ = res.Body.Close() }()
	a := Answer{Status: res.StatusCode, Header: res.Header}
	if endless(res.Header) {
		stop := time.AfterFunc(streamPatience, cancel)
		defer stop.Stop()
	}
	a.Body, err = io.ReadAll(io.LimitReader(res.Body, mostRead))
	if err != nil && (!endless(res.Header) || !errors.Is(err, context.Canceled)) {
		return a, fmt.Errorf("%s %s: read answer %d: %w", r.Method, r.URL.Path, a.Status, err)
	}
	r.URL.RawPath = "" // the documents are asked as the server routes: by the path without escapes
	return a, s.contract.check(r, a)
}

// endless says that an answer may go on for as long as somebody reads.
func endless(h http.Header) bool {
	kind, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	return err == nil && (kind == "text/event-stream" || kind == "application/x-ndjson")
}

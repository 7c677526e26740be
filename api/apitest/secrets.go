package apitest

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

const (
	// leastSecret is the length from which a text counts as a secret: "wrong" is a word.
	leastSecret = 10
	// mostSearched bounds the bodies that are searched, in bytes.
	mostSearched = 1 << 20
)

// secretMember matches the names of members whose values nobody may log.
var secretMember = regexp.MustCompile(`(?i)passw|passcode|secret|token|private_?key`)

// secrets are what requests of a test carried that no log may show: passwords,
// tokens, cookies. Everything that a system logs, at any level, is kept, and searched
// for them when the test ends.
type secrets struct {
	next http.RoundTripper

	mu     sync.Mutex
	logged bytes.Buffer
	sent   map[string]struct{}
	paths  map[string]struct{}
}

func newSecrets(tb testing.TB) *secrets {
	tb.Helper()
	s := &secrets{sent: map[string]struct{}{}, paths: map[string]struct{}{}}
	tb.Cleanup(func() {
		if leaked := s.leaked(); len(leaked) > 0 {
			require.Fail(tb, "the log shows secrets", "%q", leaked)
		}
	})
	return s
}

// over returns a logger that writes into what is searched, too.
func (s *secrets) over(l *zap.Logger) *zap.Logger {
	core := zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), s, zap.DebugLevel)
	return l.WithOptions(zap.WrapCore(func(c zapcore.Core) zapcore.Core { return zapcore.NewTee(c, core) }))
}

// Write implements zapcore.WriteSyncer.
func (s *secrets) Write(line []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.logged.Write(line)
}

// Sync implements zapcore.WriteSyncer.
func (s *secrets) Sync() error { return nil }

// RoundTrip implements http.RoundTripper.
func (s *secrets) RoundTrip(r *http.Request) (*http.Response, error) {
	found := ofHeaders(r)
	if r.Body != nil && r.ContentLength >= 0 && r.ContentLength <= mostSearched {
		raw, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err //nolint:wrapcheck // as the transport would say it
		}
		_ = r.Body.Close()
		r = r.Clone(r.Context())
		r.Body = io.NopCloser(bytes.NewReader(raw))
		var body any
		if json.Unmarshal(raw, &body) == nil {
			found = ofBody(found, body)
		}
	}
	s.note(r.URL.Path, found)
	return s.next.RoundTrip(r) //nolint:wrapcheck // as the transport says it
}

// CloseIdleConnections is for http.Client's.
func (s *secrets) CloseIdleConnections() { (&http.Client{Transport: s.next}).CloseIdleConnections() }

func (s *secrets) note(path string, found []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.paths[path] = struct{}{}
	for _, one := range found {
		if len(one) >= leastSecret {
			s.sent[one] = struct{}{}
		}
	}
}

// ofHeaders finds what a request is signed with.
func ofHeaders(r *http.Request) []string {
	found := []string{r.URL.Query().Get("access_token"), r.Header.Get("Coder-Session-Token"), r.Header.Get("X-Api-Key")}
	scheme, value, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "Basic") {
		if raw, err := base64.StdEncoding.DecodeString(value); err == nil {
			_, value, _ = strings.Cut(string(raw), ":")
		}
	}
	found = append(found, value)
	for _, c := range r.Cookies() {
		if secretMember.MatchString(c.Name) {
			found = append(found, c.Value)
		}
	}
	return found
}

func ofBody(found []string, body any) []string {
	switch b := body.(type) {
	case []any:
		for _, one := range b {
			found = ofBody(found, one)
		}
	case map[string]any:
		for name, value := range b {
			if text, ok := value.(string); ok && secretMember.MatchString(name) {
				found = append(found, text)
			}
			found = ofBody(found, value)
		}
	}
	return found
}

// leaked returns the secrets that the log shows. What was sent as a part of a path,
// too, was none.
func (s *secrets) leaked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	byStart := map[string][]string{}
	for one := range s.sent {
		byStart[one[:leastSecret]] = append(byStart[one[:leastSecret]], one)
	}
	paths := strings.Join(slices.Collect(maps.Keys(s.paths)), "\n")
	found := map[string]struct{}{}
	for log := s.logged.Bytes(); len(log) >= leastSecret; log = log[1:] {
		for _, one := range byStart[string(log[:leastSecret])] {
			if bytes.HasPrefix(log, []byte(one)) && !strings.Contains(paths, one) {
				found[one] = struct{}{}
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

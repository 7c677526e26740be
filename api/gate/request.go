package gate

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/rosterhq/roster/commands"
)

// Names of headers that every dialect shares.
const (
	IdempotencyHeader = "Idempotency-Key"
	RequestIDHeader   = "X-Request-Id"
	// ReasonHeader says why a change is made: at most 200 characters, which lie in
	// the log in clear, so that nothing personal belongs there.
	ReasonHeader = "Roster-Reason"
)

// ErrIdempotencyKey says that the Idempotency-Key header can not be used. The
// server answers it before any handler runs.
var ErrIdempotencyKey = errors.New("Idempotency-Key must be one value of 1 to 255 printable ASCII characters")

const (
	maxIdempotencyKey = 255
	maxRequestID      = 64
	maxUserAgent      = 255
)

// Request builds what a command carries beside its content. For logins and the
// first user the caller is Caller{}. Where the body matters it must have been
// read by ReadBody or ReadObject before, so that it is part of the hash.
func Request(r *http.Request, c Caller, dialect string) commands.Request {
	key, _ := IdempotencyKey(r)
	req := commands.Request{
		Actor:          c.Actor,
		IdempotencyKey: key,
		Dialect:        dialect,
		CorrelationID:  RequestID(r.Context()),
		IP:             ClientAddress(r),
		UserAgent:      UserAgent(r),
		Reason:         r.Header.Get(ReasonHeader),
	}
	if key != "" { // without a key nothing can be repeated, and a hash of a body with a password is better not made
		req.RequestHash = requestHash(r)
	}
	return req
}

// IdempotencyKey returns the key of a request, "" for none.
func IdempotencyKey(r *http.Request) (string, error) {
	values := r.Header.Values(IdempotencyHeader)
	if len(values) == 0 {
		return "", nil
	}
	if len(values) > 1 || values[0] == "" || len(values[0]) > maxIdempotencyKey || !printable(values[0]) {
		return "", ErrIdempotencyKey
	}
	return values[0], nil
}

func printable(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e {
			return false
		}
	}
	return true
}

func requestHash(r *http.Request) string {
	h := sha256.New()
	_, _ = io.WriteString(h, r.Method+"\n"+r.URL.Path+"\n")
	if b, ok := r.Body.(*readBody); ok {
		_, _ = h.Write(b.raw)
	}
	return hex.EncodeToString(h.Sum(nil))
}

type requestIDKey struct{}

// WithRequestID returns a context that carries the id of a request.
func WithRequestID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestIDKey{}, id)
}

// RequestID returns the id of the request, the same that the client reads in
// X-Request-Id and the log shows.
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

// NewRequestID takes the client's X-Request-Id where it is harmless, else makes one.
func NewRequestID(r *http.Request) string {
	if id := r.Header.Get(RequestIDHeader); plainID(id) {
		return id
	}
	id, err := uuid.NewV7()
	if err != nil {
		return uuid.NewString()
	}
	return id.String()
}

func plainID(s string) bool {
	if s == "" || len(s) > maxRequestID {
		return false
	}
	for i := range len(s) {
		c := s[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && strings.IndexByte("-_.:", c) < 0 {
			return false
		}
	}
	return true
}

// ClientAddress returns the client's address, without its port: that of the peer,
// or what a trusted proxy says of it.
func ClientAddress(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// UserAgent returns the client's User-Agent, cut and without control characters.
func UserAgent(r *http.Request) string {
	clean := strings.Map(func(c rune) rune {
		if c == utf8.RuneError || unicode.IsControl(c) {
			return -1
		}
		return c
	}, r.UserAgent())
	if len(clean) <= maxUserAgent {
		return clean
	}
	cut := maxUserAgent
	for cut > 0 && !utf8.RuneStart(clean[cut]) {
		cut--
	}
	return clean[:cut]
}

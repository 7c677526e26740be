package codimir

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query"
)

func newRecorder() *httptest.ResponseRecorder { return httptest.NewRecorder() }

func TestEveryErrorHasItsAnswer(t *testing.T) {
	t.Parallel()
	tests := []struct {
		err    error
		status int
		code   string
	}{
		{&gate.Error{Reason: gate.NoCredential}, 401, "UNAUTHORIZED"},
		{&gate.Error{Reason: gate.Malformed}, 401, "UNAUTHORIZED"},
		{&gate.Error{Reason: gate.UnknownKey}, 401, "UNAUTHORIZED"},
		{&gate.Error{Reason: gate.WrongSecret}, 401, "UNAUTHORIZED"},
		{&gate.Error{Reason: gate.Expired}, 401, "UNAUTHORIZED"},
		{&gate.Error{Reason: gate.Revoked}, 401, "UNAUTHORIZED"},
		{&gate.Error{Reason: gate.Suspended}, 401, "UNAUTHORIZED"},
		{&gate.Error{Reason: gate.Deleted}, 401, "UNAUTHORIZED"},
		{&gate.Error{Reason: gate.Unconfirmed}, 401, "UNAUTHORIZED"},
		{&gate.Error{Reason: gate.CrossOrigin}, 403, "FORBIDDEN"},
		{&gate.Error{Reason: gate.RateLimited, RetryAfter: 1500 * time.Millisecond}, 429, "RATE_LIMITED"},
		{&gate.Error{Reason: gate.Ahead}, 400, "BAD_REQUEST"},
		{&gate.Error{Reason: gate.Unavailable, Err: errors.New("dial 10.0.0.1")}, 503, "SERVICE_UNAVAILABLE"},
		{&gate.BodyError{Code: gate.TooLarge}, 413, "PAYLOAD_TOO_LARGE"},
		{&gate.BodyError{Code: gate.BadEncoding}, 415, "UNSUPPORTED_MEDIA_TYPE"},
		{&gate.BodyError{Code: gate.NUL, Field: "name", Detail: "must not contain NUL characters"}, 422, "VALIDATION_ERROR"},
		{&gate.BodyError{Code: gate.Empty}, 400, "BAD_REQUEST"},
		{&gate.BodyError{Code: gate.InvalidUTF8}, 400, "BAD_REQUEST"},
		{&gate.BodyError{Code: gate.NotJSON}, 400, "BAD_REQUEST"},
		{&gate.BodyError{Code: gate.NotObject}, 400, "BAD_REQUEST"},
		{&gate.BodyError{Code: gate.Duplicate, Field: "name"}, 400, "BAD_REQUEST"},
		{&gate.BodyError{Code: gate.TooDeep}, 400, "BAD_REQUEST"},
		{&gate.BodyError{Code: gate.Unreadable}, 400, "BAD_REQUEST"},
		{&commands.Error{Code: commands.NotFound}, 401, "UNAUTHORIZED"},
		{&commands.Error{Code: commands.Unauthenticated}, 401, "UNAUTHORIZED"},
		{&commands.Error{Code: commands.Forbidden}, 403, "FORBIDDEN"},
		{&commands.Error{Code: commands.Conflict, Message: "try again"}, 409, "CONFLICT"},
		{&commands.Error{Code: commands.Precondition, Reason: "suspended"}, 401, "UNAUTHORIZED"},
		{&commands.Error{Code: commands.Precondition, Message: "no"}, 409, "CONFLICT"},
		{&commands.Error{Code: commands.Invalid, Fields: []commands.FieldError{{Field: "avatar", Detail: "bad"}}}, 422, "VALIDATION_ERROR"},
		{&commands.Error{Code: commands.KeyReused}, 422, "VALIDATION_ERROR"},
		{&commands.Error{Code: commands.Unavailable}, 503, "SERVICE_UNAVAILABLE"},
		{&commands.Error{Code: commands.TooLarge}, 413, "PAYLOAD_TOO_LARGE"},
		{query.ErrNotFound, 401, "UNAUTHORIZED"},
		{query.ErrAhead, 400, "BAD_REQUEST"},
		{query.ErrUnavailable, 503, "SERVICE_UNAVAILABLE"},
		{events.ErrUnavailable, 503, "SERVICE_UNAVAILABLE"},
		{events.ErrTooLarge, 413, "PAYLOAD_TOO_LARGE"},
		{context.DeadlineExceeded, 504, "GATEWAY_TIMEOUT"},
		{errors.New("password=hunter2"), 500, "INTERNAL_ERROR"},
	}
	h := &Handler{Deps: gate.Deps{Logger: zap.NewNop()}}
	for _, test := range tests {
		w := newRecorder()
		h.writeError(w, httptest.NewRequest(http.MethodGet, "/api/user/profile", nil), fmt.Errorf("outer: %w", test.err))
		require.Equal(t, test.status, w.Code, test.err)
		require.Contains(t, w.Body.String(), `{"error":{"code":"`+test.code+`","message":"`, test.err)
		require.NotContains(t, w.Body.String(), "hunter2")
		require.NotContains(t, w.Body.String(), "10.0.0.1")
		require.Empty(t, w.Header().Get("WWW-Authenticate"))
		switch test.status {
		case 401:
			require.Equal(t, `{"error":{"code":"UNAUTHORIZED","message":"Authentication required"}}`, w.Body.String())
		case 422:
			require.Contains(t, w.Body.String(), `"details":{`)
		case 429:
			require.Equal(t, "2", w.Header().Get("Retry-After"))
		case 503:
			require.Equal(t, "1", w.Header().Get("Retry-After"))
		}
	}
	require.Equal(t, map[string]string{"image": "bad"},
		faultOf(&commands.Error{Code: commands.Invalid, Fields: []commands.FieldError{{Field: "avatar", Detail: "bad"}}}).details)
}

// The statuses for which clients know a code have exactly that one.
func TestStatusTable(t *testing.T) {
	t.Parallel()
	table := map[int]string{
		400: "BAD_REQUEST", 401: "UNAUTHORIZED", 403: "FORBIDDEN", 404: "NOT_FOUND", 409: "CONFLICT", 422: "VALIDATION_ERROR",
		429: "RATE_LIMITED", 500: "INTERNAL_ERROR", 502: "BAD_GATEWAY", 503: "SERVICE_UNAVAILABLE", 504: "GATEWAY_TIMEOUT",
		405: "METHOD_NOT_ALLOWED", 413: "PAYLOAD_TOO_LARGE", 415: "UNSUPPORTED_MEDIA_TYPE", 418: "BAD_REQUEST", 507: "INTERNAL_ERROR",
	}
	h := &Handler{Deps: gate.Deps{Logger: zap.NewNop()}}
	for status, code := range table {
		w := newRecorder()
		h.Refuse(w, httptest.NewRequest(http.MethodGet, "/api/user/profile", nil), gate.Refusal{Status: status})
		require.Equal(t, status, w.Code)
		require.Contains(t, w.Body.String(), `"code":"`+code+`"`)
	}
	w := newRecorder()
	h.Refuse(w, httptest.NewRequest(http.MethodGet, "/", nil), gate.Refusal{Status: 400, Message: "Idempotency-Key is wrong"})
	require.Equal(t, `{"error":{"code":"BAD_REQUEST","message":"Idempotency-Key is wrong"}}`, w.Body.String())
}

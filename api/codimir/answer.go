package codimir

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"

	"go.uber.org/zap"

	"github.com/rosterhq/roster/api/gate"
)

// unavailableFor is what a client is asked to wait when nothing better is known.
const unavailableFor = "1"

type success struct {
	Data       any         `json:"data"`
	Pagination *pagination `json:"pagination,omitempty"`
}

type failure struct {
	Error failureBody `json:"error"`
}

type failureBody struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Details any    `json:"details,omitempty"`
}

func writeData(w http.ResponseWriter, data any) error {
	return writeJSON(w, http.StatusOK, success{Data: data})
}

// writeJSON writes a body as JSON.stringify does: no escapes for HTML.
func writeJSON(w http.ResponseWriter, status int, body any) error {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(body); err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	// What is said here is one person's, and true now: no cache may keep it.
	w.Header().Set("Cache-Control", "private, no-cache, no-store")
	w.Header().Set("Content-Type", "application/json")
	raw := bytes.TrimRight(buffer.Bytes(), "\n")
	w.Header().Set("Content-Length", strconv.Itoa(len(raw))) // without it, long answers go out in chunks
	w.WriteHeader(status)
	_, _ = w.Write(raw) // a client that went away needs no answer
	return nil
}

func (h *Handler) writeFault(w http.ResponseWriter, f *fault) {
	if f.status == http.StatusServiceUnavailable && w.Header().Get("Retry-After") == "" {
		w.Header().Set("Retry-After", unavailableFor)
	}
	if err := writeJSON(w, f.status, failure{failureBody{f.code, f.message, f.details}}); err != nil {
		h.Logger.Error("answer could not be encoded", zap.Error(err))
	}
}

// writeError answers any error that a handler returns.
func (h *Handler) writeError(w http.ResponseWriter, r *http.Request, err error) {
	f := faultOf(err)
	if f == nil {
		f = faultInternal
	}
	if f.status >= http.StatusInternalServerError && !errors.Is(r.Context().Err(), context.Canceled) {
		h.Logger.Error("request failed",
			zap.String("dialect", dialect), zap.String("request", gate.RequestID(r.Context())),
			zap.String("method", r.Method), zap.String("path", r.URL.Path), zap.Error(err))
	}
	var known *gate.Error
	if errors.As(err, &known) && known.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(known.RetryAfter.Seconds()))))
	}
	h.writeFault(w, f)
}

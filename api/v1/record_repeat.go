package v1

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"net/http"
	"time"

	"go.uber.org/zap"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/api/v1/client"
	"github.com/rosterhq/roster/commands"
)

// fingerprint is a body whose hash is known once it was read to its end.
type fingerprint struct {
	io.ReadCloser
	sum hash.Hash
}

// newFingerprint puts itself in front of a request's body.
func newFingerprint(r *http.Request) *fingerprint {
	f := &fingerprint{ReadCloser: r.Body, sum: sha256.New()}
	_, _ = io.WriteString(f.sum, r.Method+"\n"+r.URL.Path+"\n"+r.Header.Get("Content-Type")+"\n")
	r.Body = f
	return f
}

func (f *fingerprint) Read(p []byte) (int, error) {
	n, err := f.ReadCloser.Read(p)
	_, _ = f.sum.Write(p[:n])
	return n, err
}

// rest reads what is left of the body and returns the hash of all of it.
func (f *fingerprint) rest() (string, error) {
	n, err := io.Copy(io.Discard, io.LimitReader(f, maxStream+1))
	if err != nil {
		return "", &readError{fmt.Errorf("read body: %w", err)}
	}
	if n > maxStream {
		return "", &gate.BodyError{Code: gate.TooLarge, Detail: "the body is larger than 1 GiB"}
	}
	return hex.EncodeToString(f.sum.Sum(nil)), nil
}

// repeatedRecording answers a recording that was answered before under the same
// Idempotency-Key; false where there is nothing to repeat.
func (h *Handler) repeatedRecording(w http.ResponseWriter, r *http.Request, request commands.Request, f *fingerprint) (bool, error) {
	body, ok, err := h.Commands.Remembered(r.Context(), request, func() (string, error) {
		gate.Patience(w, readPatience)
		return f.rest()
	})
	if !ok || err != nil {
		return false, err
	}
	var said client.RecordAnswer
	if err := json.Unmarshal(body, &said); err != nil {
		return false, fmt.Errorf("read kept answer: %w", err)
	}
	if said.Position != "" {
		w.Header().Set(gate.PositionHeader, said.Position)
	}
	return true, answer(w, http.StatusOK, said)
}

// rememberRecording keeps what a recording was answered.
func (h *Handler) rememberRecording(ctx context.Context, request commands.Request, f *fingerprint, said client.RecordAnswer) {
	hash, err := f.rest()
	if err == nil {
		var body []byte
		if body, err = json.Marshal(said); err == nil {
			err = h.Commands.Remember(request, hash, body)
		}
	}
	if err != nil { // a repeat changes nothing all the same: each item has an id of its own
		h.Logger.Warn("answer not remembered", zap.String("request_id", gate.RequestID(ctx)), zap.Error(err))
	}
}

// readPatience is how long each chunk of a streamed body may take.
const readPatience = 30 * time.Second

package v1

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/rosterhq/roster/api/gate"
)

// longBuffer is how many bytes go to the client at once.
const longBuffer = 64 << 10

// zstdWindow bounds what a compressed answer keeps in memory.
const zstdWindow = 1 << 20

// longPatience is how long a client may take for each part of such an answer.
const longPatience = 30 * time.Second

// longOutput is the way to the client for answers of any length, compressed where it
// asks for that.
type longOutput struct {
	buffer  *bufio.Writer
	coder   flusher // nil for none
	control *http.ResponseController
}

type flusher interface {
	io.WriteCloser
	Flush() error
}

// newLongOutput chooses the coding, and sets the headers that tell it.
func newLongOutput(w http.ResponseWriter, r *http.Request) (*longOutput, error) {
	o := &longOutput{buffer: bufio.NewWriterSize(&patientWriter{w: w}, longBuffer), control: http.NewResponseController(w)}
	w.Header().Add("Vary", "Accept-Encoding")
	var err error
	coding := codingOf(r.Header.Values("Accept-Encoding"))
	switch coding {
	case "zstd":
		o.coder, err = zstd.NewWriter(o.buffer, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(zstdWindow))
	case "gzip":
		o.coder, err = gzip.NewWriterLevel(o.buffer, gzip.BestSpeed)
	default:
		return o, nil
	}
	if err != nil {
		return nil, fmt.Errorf("compress an answer: %w", err)
	}
	w.Header().Set("Content-Encoding", coding)
	return o, nil
}

func (o *longOutput) plain() bool { return o.coder == nil }

// Write implements io.Writer.
func (o *longOutput) Write(p []byte) (int, error) {
	if o.coder != nil {
		return o.coder.Write(p)
	}
	return o.buffer.Write(p)
}

// Flush lets the client have all that was written.
func (o *longOutput) Flush() error {
	if o.coder != nil {
		if err := o.coder.Flush(); err != nil {
			return err
		}
	}
	if err := o.buffer.Flush(); err != nil {
		return err
	}
	return o.control.Flush()
}

// Close ends the answer.
func (o *longOutput) Close() error {
	if o.coder != nil {
		if err := o.coder.Close(); err != nil {
			return err
		}
	}
	return o.buffer.Flush()
}

// patientWriter gives a client some time for each write: a feed takes as long as
// the log is long.
type patientWriter struct{ w http.ResponseWriter }

func (p *patientWriter) Write(b []byte) (int, error) {
	gate.Patience(p.w, longPatience)
	return p.w.Write(b)
}

// codingOf returns the coding that a client likes best: zstd before gzip, "" for
// none.
func codingOf(accept []string) string {
	best, liked := "", 0.0
	for _, header := range accept {
		for item := range strings.SplitSeq(header, ",") {
			name, weight, _ := strings.Cut(item, ";")
			name = strings.ToLower(strings.TrimSpace(name))
			q := 1.0
			if text, given := strings.CutPrefix(strings.TrimSpace(weight), "q="); given {
				q, _ = strconv.ParseFloat(text, 64) // what is no number is 0: not liked
			}
			if (name == "zstd" || name == "gzip") && (q > liked || q == liked && q > 0 && name == "zstd") {
				best, liked = name, q
			}
		}
	}
	return best
}

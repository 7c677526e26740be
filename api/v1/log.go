package v1

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"go.uber.org/zap"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/archive"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
)

// readLog answers with the messages of a stream as they are stored.
func (h *Handler) readLog(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	if err := mayReadLog(c); err != nil {
		return err
	}
	head, err := h.logRequest(r)
	if err != nil {
		return err
	}
	return h.copyOut(w, r, "application/x-ndjson", func(out io.Writer) error {
		return archive.FeedMessages(r.Context(), out, h.Copies, head)
	})
}

// readLogKeys answers with the wrapped keys, which are of use with the master key alone.
func (h *Handler) readLogKeys(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	if err := mayReadLog(c); err != nil {
		return err
	}
	return h.copyOut(w, r, "application/x-ndjson", func(out io.Writer) error {
		return archive.FeedKeys(r.Context(), out, h.Copies)
	})
}

func mayReadLog(c gate.Caller) error {
	if commands.Allowed(c.Actor, commands.ReadLog, "") {
		return nil
	}
	return refuse(http.StatusForbidden, string(commands.Forbidden), "this is for owners, by a session or a key with scope log:read")
}

// logRequest reads which part of the log is wanted.
func (h *Handler) logRequest(r *http.Request) (archive.FeedHead, error) {
	none := archive.FeedHead{}
	params, err := parametersOf(r)
	if err != nil {
		return none, err
	}
	streams := map[string]events.Stream{"": events.Roster, "roster": events.Roster, "activity": events.Activity, "usage": events.UsageStream}
	stream, ok := streams[params.values.Get("stream")]
	if !ok {
		return none, parameter("stream", "unknown", "must be roster, activity or usage")
	}
	var from, to uint64
	for name, into := range map[string]*uint64{"from": &from, "to": &to} {
		if *into, err = sequenceOf(params.values.Get(name), stream); err != nil {
			return none, parameter(name, "format", err.Error())
		}
	}
	return archive.FeedOf(r.Context(), h.Copies, stream, from, to)
}

// sequenceOf reads a position of a stream, or a bare sequence.
func sequenceOf(s string, stream events.Stream) (uint64, error) {
	if s == "" {
		return 0, nil
	}
	if n, err := strconv.ParseUint(s, 10, 64); err == nil {
		return n, nil
	}
	p, err := events.ParsePosition(s)
	if err != nil || p.Stream != stream {
		return 0, fmt.Errorf("must be a position in the stream, such as %s", cmp.Or(events.Position{Stream: stream, Sequence: 1042}.String(), "1042"))
	}
	return p.Sequence, nil
}

// copyOut answers with a copy of what the log keeps. One that fails on its way is cut
// off: its end is missing then.
func (h *Handler) copyOut(w http.ResponseWriter, r *http.Request, contentType string, write func(io.Writer) error) error {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "no-store")
	if gate.WantsHead(r) {
		w.WriteHeader(http.StatusOK)
		return nil
	}
	out, err := newLongOutput(w, r)
	if err == nil {
		err = write(out)
	}
	if err == nil {
		err = out.Close()
	}
	if err != nil {
		h.logger(r).Warn("a copy of what the log keeps was cut off", zap.String("path", r.URL.Path), zap.Error(err))
		panic(http.ErrAbortHandler) // half of it is out
	}
	return nil
}

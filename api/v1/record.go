package v1

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/api/v1/client"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
)

const (
	maxChunk      = 1000
	maxChunkBytes = 4 << 20 // of what was sent: what bounds the memory of one recording
	maxStream     = 1 << 30
	maxListed     = 100
)

func (h *Handler) recordActivities(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	if !commands.Allowed(c.Actor, commands.RecordActivities, c.UserID()) {
		return refuse(http.StatusForbidden, string(commands.Forbidden), "this needs the scope "+commands.ScopeActivitiesRecord)
	}
	request := h.request(r, c)
	keyed := request
	var body *fingerprint
	if keyed.IdempotencyKey != "" {
		body = newFingerprint(r)
		if done, err := h.repeatedRecording(w, r, keyed, body); done || err != nil {
			return err
		}
	}
	source, err := itemsOf(w, r)
	if err != nil {
		return err
	}
	request.IdempotencyKey, request.RequestHash = "", "" // source and id make each item safe to repeat
	rec := recording{
		record:  h.Commands.RecordActivities,
		request: request,
		patient: func() { gate.Patience(w, readPatience) },
		note:    func(userID string, p events.Position) { h.Gate.WrotePosition(w, userID, p) },
		answer:  client.RecordAnswer{Rejected: []client.Rejection{}},
	}
	err = rec.run(r.Context(), source)
	slices.SortFunc(rec.answer.Rejected, func(a, b client.Rejection) int { return a.Index - b.Index })
	if rec.position.Sequence > 0 {
		rec.answer.Position = rec.position.String()
		w.Header().Set(gate.PositionHeader, rec.answer.Position)
	}
	if err != nil {
		return rec.gaveUp(err)
	}
	if body != nil {
		h.rememberRecording(r.Context(), keyed, body, rec.answer)
	}
	return answer(w, http.StatusOK, rec.answer)
}

func itemsOf(w http.ResponseWriter, r *http.Request) (items, error) {
	kind := "application/json"
	if header := r.Header.Get("Content-Type"); header != "" {
		parsed, params, err := mime.ParseMediaType(header)
		if err != nil || params["charset"] != "" && !utf8Name(params["charset"]) {
			return nil, errMediaType
		}
		kind = parsed
	}
	switch kind {
	case "application/json":
		return newValues(w, r)
	case "application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines":
		if e := r.Header.Get("Content-Encoding"); e != "" && e != "identity" {
			return nil, &gate.BodyError{Code: gate.BadEncoding, Detail: "a compressed body is not accepted here"}
		}
		return newLines(http.MaxBytesReader(w, r.Body, maxStream)), nil
	default:
		return nil, errMediaType
	}
}

var errMediaType = refuse(http.StatusUnsupportedMediaType, "media-type", "send application/json or application/x-ndjson, in UTF-8")

func utf8Name(charset string) bool {
	return charset == "utf-8" || charset == "UTF-8" || charset == "utf8"
}

// recording takes items in chunks to the log and keeps the account.
type recording struct {
	record  func(context.Context, commands.Request, []commands.ActivityInput) ([]commands.ActivityOutcome, error)
	request commands.Request
	patient func()
	note    func(userID string, p events.Position)

	answer   client.RecordAnswer
	position events.Position

	inputs  []commands.ActivityInput
	indexes []int
	bytes   int
}

// run reads until the end or a failure. What was recorded before a failure stays.
func (rec *recording) run(ctx context.Context, source items) error {
	rec.patient()
	for {
		it, err := source.next()
		if errors.Is(err, io.EOF) {
			return rec.flush(ctx)
		}
		if err != nil {
			return errors.Join(rec.flush(ctx), err)
		}
		rec.add(it)
		if len(rec.inputs) < maxChunk && rec.bytes < maxChunkBytes {
			continue
		}
		if err := rec.flush(ctx); err != nil {
			return err
		}
		rec.patient()
	}
}

func (rec *recording) add(it item) {
	if it.wrong != nil {
		rec.reject(it.index, itemError(it.wrong))
		return
	}
	input, wrong := activityInput(it.raw)
	if wrong != nil {
		rec.reject(it.index, wrong)
		return
	}
	rec.inputs = append(rec.inputs, input)
	rec.indexes = append(rec.indexes, it.index)
	rec.bytes += len(it.raw)
}

func (rec *recording) reject(index int, e *commands.Error) {
	rec.answer.RejectedTotal++
	if len(rec.answer.Rejected) == maxListed {
		return
	}
	message := e.Message
	if len(e.Fields) > 0 {
		message = e.Fields[0].Field + ": " + e.Fields[0].Detail
	}
	rec.answer.Rejected = append(rec.answer.Rejected, client.Rejection{Index: index, Code: string(e.Code), Message: message})
}

func (rec *recording) flush(ctx context.Context) error {
	if len(rec.inputs) == 0 {
		return nil
	}
	outcomes, err := rec.record(ctx, rec.request, rec.inputs)
	if err != nil {
		return err
	}
	newest := map[string]uint64{}
	for i, o := range outcomes {
		switch {
		case o.Err != nil:
			rec.reject(rec.indexes[i], o.Err)
			continue
		case o.Duplicate:
			rec.answer.Duplicates++
		default:
			rec.answer.Accepted++
		}
		newest[o.UserID] = max(newest[o.UserID], o.Sequence)
	}
	for userID, seq := range newest {
		p := events.Position{Stream: events.Activity, Sequence: seq}
		rec.note(userID, p)
		if seq > rec.position.Sequence {
			rec.position = p
		}
	}
	clear(rec.inputs)
	rec.inputs, rec.indexes, rec.bytes = rec.inputs[:0], rec.indexes[:0], 0
	return nil
}

// gaveUp is the problem of a recording that did not get to its end.
func (rec *recording) gaveUp(err error) error {
	var tooLarge *http.MaxBytesError
	p := problemOf(err)
	switch {
	case errors.Is(err, errTooManyItems):
		p = refuse(http.StatusRequestEntityTooLarge, "too-many-items",
			"at most "+strconv.Itoa(maxItems)+" items are taken at once; the rest was not read")
	case errors.As(err, &tooLarge):
		p = refuse(http.StatusRequestEntityTooLarge, string(gate.TooLarge), "the body is larger than 1 GiB; the rest was not read")
	case errors.Is(err, events.ErrUnavailable):
		p = refuse(http.StatusServiceUnavailable, string(commands.Unavailable), "the log can not be written right now")
	case p == nil && isReadError(err):
		p = refuse(http.StatusBadRequest, string(gate.Unreadable), "the body could not be read to its end")
	case p == nil:
		return err
	}
	out := *p
	out.kept = &rec.answer
	if rec.answer.Accepted+rec.answer.Duplicates > 0 {
		out.Detail += "; what was accepted before stays"
	}
	return &out
}

// isReadError tells a broken body from a failure of ours.
func isReadError(err error) bool {
	var e *readError
	return errors.As(err, &e)
}

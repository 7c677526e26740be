package v1

import (
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"strconv"

	"github.com/gorilla/mux"
	"go.uber.org/zap"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/api/v1/client"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/evidence"
)

func (h *Handler) registerCheckpoints(router *mux.Router) {
	for path, handle := range map[string]func(http.ResponseWriter, *http.Request, gate.Caller) error{
		"/v1/checkpoints":       h.listCheckpoints,
		"/v1/checkpoints/proof": h.proveCheckpoints,
		"/v1/admin/log/hashes":  h.readLogHashes,
	} {
		router.Handle(path, h.signedIn(handle)).Methods(http.MethodGet)
	}
}

// listCheckpoints answers with what was signed of a stream.
func (h *Handler) listCheckpoints(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	params, stream, err := signedStream(r, c)
	if err != nil {
		return err
	}
	newest, err := params.boolean("newest")
	if err != nil {
		return err
	}
	if newest {
		return h.newestCheckpoint(w, r, stream)
	}
	var after uint64
	if text := params.values.Get("cursor"); text != "" {
		if after, err = strconv.ParseUint(text, 10, 64); err != nil {
			return parameter("cursor", "format", "must be next of an earlier page")
		}
	}
	page, err := h.Copies.Checkpoints(r.Context(), stream, after)
	if err != nil {
		return err
	}
	out := client.CheckpointPage{Items: make([]client.Checkpoint, 0, len(page))}
	for _, k := range page {
		item, err := checkpointOf(k)
		if err != nil {
			return err
		}
		out.Items = append(out.Items, item)
	}
	if len(page) == 0 {
		return answer(w, http.StatusOK, out)
	}
	end := page[len(page)-1].Sequence
	last, err := h.Copies.LastCheckpoint(r.Context(), stream)
	if err != nil {
		return err
	}
	if last.Sequence > end {
		out.Next = strconv.FormatUint(end, 10)
	}
	return answer(w, http.StatusOK, out)
}

func (h *Handler) newestCheckpoint(w http.ResponseWriter, r *http.Request, stream events.Stream) error {
	last, err := h.Copies.LastCheckpoint(r.Context(), stream)
	if err != nil {
		return err
	}
	out := client.CheckpointPage{Items: []client.Checkpoint{}}
	if last.Sequence > 0 {
		item, err := checkpointOf(last)
		if err != nil {
			return err
		}
		out.Items = append(out.Items, item)
	}
	return answer(w, http.StatusOK, out)
}

func checkpointOf(k events.KeptCheckpoint) (client.Checkpoint, error) {
	c, err := evidence.Peek(k.Note)
	if err != nil {
		return client.Checkpoint{}, err
	}
	return client.Checkpoint{
		Position: c.Position().String(), Root: c.Root.String(), Time: stamp(c.Time), Key: c.Key, Note: string(c.Text),
	}, nil
}

// proveCheckpoints answers with what shows that one checkpoint is the begin of another.
func (h *Handler) proveCheckpoints(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	params, stream, err := signedStream(r, c)
	if err != nil {
		return err
	}
	var from, to uint64
	for name, into := range map[string]*uint64{"from": &from, "to": &to} {
		if *into, err = sequenceOf(params.values.Get(name), stream); err != nil || *into == 0 {
			return parameter(name, "format", "must be a position in the stream, such as "+events.Position{Stream: stream, Sequence: 1042}.String())
		}
	}
	newest, err := h.signed(r, stream)
	if err != nil {
		return err
	}
	proof, err := evidence.Prove(r.Context(), h.Copies, newest, from, to)
	if errors.Is(err, evidence.ErrRange) {
		return parameter("to", "range", "from must not be behind to, and to not behind the newest checkpoint, "+newest.Position().String())
	}
	if errors.Is(err, evidence.ErrHashes) {
		h.logger(r).Error("hashes of the log are damaged", zap.Error(err))
		return refuse(http.StatusServiceUnavailable, string(commands.Unavailable), "the hashes that are kept of the log are damaged; its operator was told")
	}
	if err != nil {
		return err
	}
	out := client.CheckpointProof{
		From: events.Position{Stream: stream, Sequence: from}.String(), To: events.Position{Stream: stream, Sequence: to}.String(),
		Hashes: make([]string, 0, len(proof)),
	}
	for _, hash := range proof {
		out.Hashes = append(out.Hashes, base64.StdEncoding.EncodeToString(hash[:]))
	}
	return answer(w, http.StatusOK, out)
}

// readLogHashes answers with the leaves of the tree over a stream.
func (h *Handler) readLogHashes(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	if err := mayReadLog(c); err != nil {
		return err
	}
	params, stream, err := signedStream(r, c)
	if err != nil {
		return err
	}
	var from, to uint64
	for name, into := range map[string]*uint64{"from": &from, "to": &to} {
		if *into, err = sequenceOf(params.values.Get(name), stream); err != nil {
			return parameter(name, "format", err.Error())
		}
	}
	newest, err := h.signed(r, stream)
	if err != nil {
		return err
	}
	if to == 0 || to > newest.Size {
		to = newest.Size
	}
	return h.copyOut(w, r, "application/octet-stream", func(out io.Writer) error {
		return evidence.Leaves(r.Context(), h.Copies, stream, max(from, 1), to, func(hashes []byte) error {
			_, err := out.Write(hashes)
			return err
		})
	})
}

// signed is the newest checkpoint of a stream.
func (h *Handler) signed(r *http.Request, stream events.Stream) (*evidence.Checkpoint, error) {
	last, err := h.Copies.LastCheckpoint(r.Context(), stream)
	if err != nil {
		return nil, err
	}
	if last.Sequence == 0 {
		return nil, refuse(http.StatusNotFound, string(commands.NotFound), "nothing of this stream was signed yet")
	}
	return evidence.Peek(last.Note)
}

// signedStream reads which stream is wanted, of callers who may know what was signed.
func signedStream(r *http.Request, c gate.Caller) (parameters, events.Stream, error) {
	if !commands.Allowed(c.Actor, commands.ReadLog, "") && !commands.Allowed(c.Actor, commands.ReadEvents, "") {
		return parameters{}, "", refuse(http.StatusForbidden, string(commands.Forbidden),
			"this is for owners and auditors, by a session or a key with scope log:read or events:read")
	}
	params, err := parametersOf(r)
	if err != nil {
		return parameters{}, "", err
	}
	streams := map[string]events.Stream{"": events.Roster, "roster": events.Roster, "activity": events.Activity}
	stream, ok := streams[params.values.Get("stream")]
	if !ok {
		return parameters{}, "", parameter("stream", "unknown", "must be roster or activity")
	}
	return params, stream, nil
}

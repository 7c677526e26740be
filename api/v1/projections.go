package v1

import (
	"net/http"
	"time"

	"github.com/gorilla/mux"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/api/v1/client"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
)

// operator runs a handler for owners alone.
func (h *Handler) operator(handle func(http.ResponseWriter, *http.Request, gate.Caller) error) func(http.ResponseWriter, *http.Request, gate.Caller) error {
	return func(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
		switch {
		case !commands.Allowed(c.Actor, commands.ManageProjections, ""):
			return refuse(http.StatusForbidden, string(commands.Forbidden), "this is for owners, by a session or a key with scope all")
		case h.Models == nil:
			return refuse(http.StatusServiceUnavailable, string(commands.Unavailable), "this server does not look after read models")
		}
		return handle(w, r, c)
	}
}

func (h *Handler) listProjections(w http.ResponseWriter, r *http.Request, _ gate.Caller) error {
	models, err := h.Models.List(r.Context())
	if err != nil {
		return err
	}
	out := client.ProjectionList{Items: make([]client.Projection, len(models))}
	for i, m := range models {
		out.Items[i] = projectionOf(m)
	}
	return answer(w, http.StatusOK, out)
}

func (h *Handler) rebuildProjection(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	object, err := gate.ReadObject(w, r, gate.MaxBody)
	if err != nil {
		return err
	}
	f := fieldsOf(object)
	how := gate.ModelRebuild{Again: f.boolean("again"), Anew: f.boolean("anew"), By: c.UserID()}
	if _, limited := f.take("maxRate"); limited {
		most := f.integer("maxRate")
		how.MaxRate = &most
	}
	f.end()
	if err := f.problem(); err != nil {
		return err
	}
	if err := h.Models.Rebuild(r.Context(), projectionName(r), how); err != nil {
		return err
	}
	return h.answerProjection(w, r)
}

func (h *Handler) cancelRebuild(w http.ResponseWriter, r *http.Request, _ gate.Caller) error {
	if err := h.Models.Cancel(r.Context(), projectionName(r)); err != nil {
		return err
	}
	return h.answerProjection(w, r)
}

func (h *Handler) switchProjection(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	if err := h.Models.Switch(r.Context(), projectionName(r), c.UserID()); err != nil {
		return err
	}
	return h.answerProjection(w, r)
}

// answerProjection answers a request that was taken.
func (h *Handler) answerProjection(w http.ResponseWriter, r *http.Request) error {
	models, err := h.Models.List(r.Context())
	if err != nil {
		return err
	}
	for _, m := range models {
		if m.Name == projectionName(r) {
			return answer(w, http.StatusAccepted, projectionOf(m))
		}
	}
	return refuse(http.StatusNotFound, string(commands.NotFound), "there is no such projection")
}

func (h *Handler) verifyProjection(w http.ResponseWriter, r *http.Request, _ gate.Caller) error {
	found, err := h.Models.Verify(r.Context(), projectionName(r))
	if err != nil {
		return err
	}
	out := client.ProjectionComparison{Projection: found.Schema, Position: found.Position.String(), Equal: found.Equal, Tables: []client.ComparedTable{}}
	for _, t := range found.Tables {
		out.Tables = append(out.Tables, comparedOf(t))
	}
	return answer(w, http.StatusOK, out)
}

func projectionName(r *http.Request) string { return mux.Vars(r)["projection"] }

func projectionOf(m gate.ReadModel) client.Projection {
	at := func(sequence uint64) string { return events.Position{Stream: m.Stream, Sequence: sequence}.String() }
	out := client.Projection{
		Name: m.Name, Version: m.Version, Stream: client.ProjectionStream(m.Stream), Position: at(m.Position), Head: at(m.Head),
		Lag: int64(m.Lag), Rate: float32(m.Rate), Parked: m.Parked, State: client.ProjectionState(m.State), Holder: m.Holder, Stopped: m.Stopped,
		UpdatedAt: stamp(m.UpdatedAt), Builds: make([]client.ProjectionBuild, len(m.Builds)), Others: make([]client.ProjectionCopy, len(m.Others)),
	}
	for i, b := range m.Builds {
		out.Builds[i] = buildOf(b)
	}
	for i, o := range m.Others {
		out.Others[i] = client.ProjectionCopy{
			Schema: o.Schema, Version: o.Version, Kept: o.Kept, Position: at(o.Position), Active: o.Held, UpdatedAt: stamp(o.UpdatedAt), Since: stampOf(o.Since),
		}
	}
	return out
}

func buildOf(b gate.ModelBuild) client.ProjectionBuild {
	return client.ProjectionBuild{
		Kind: client.ProjectionBuildKind(b.Kind), State: client.ProjectionBuildState(b.State), Events: b.Events, Total: b.Total,
		Rate: float32(b.Rate), RemainingSeconds: float32(b.Remaining.Seconds()), MaxRate: b.MaxRate, RequestedBy: b.RequestedBy,
		RequestedAt: stamp(b.RequestedAt), StartedAt: stampOf(b.StartedAt), FinishedAt: stampOf(b.FinishedAt), Builder: b.Builder, Error: b.Error,
	}
}

// stampOf is the zero time for none.
func stampOf(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return stamp(*t)
}

func comparedOf(t gate.ModelTable) client.ComparedTable {
	out := client.ComparedTable{
		Table: t.Table, Rows: t.Rows, Missing: t.Missing, Extra: t.Extra, Different: t.Different, Examples: make([]client.ComparedRow, len(t.Examples)),
	}
	for i, e := range t.Examples {
		out.Examples[i] = client.ComparedRow{Key: e.Key, Kind: client.ComparedRowKind(e.Kind), Columns: append([]string{}, e.Columns...), Position: e.Position}
	}
	return out
}

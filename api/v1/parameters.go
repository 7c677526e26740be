package v1

import (
	"net/http"

	"github.com/google/uuid"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/api/v1/client"
	"github.com/rosterhq/roster/commands"
)

// recordParameter keeps what a user chose for a parameter of a template, so that
// it can be offered again.
func (h *Handler) recordParameter(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	id, err := h.target(r, c, commands.RecordParameters)
	if err != nil {
		return err
	}
	object, err := gate.ReadObject(w, r, gate.MaxBody)
	if err != nil {
		return err
	}
	f := fieldsOf(object)
	command := commands.RecordParameter{
		UserID: id, TemplateID: f.required("templateId"), Name: f.required("name"), Value: f.text("value"),
	}
	f.end()
	if err := f.problem(); err != nil {
		return err
	}
	res, err := h.Commands.RecordParameter(r.Context(), h.request(r, c), command)
	if err != nil {
		return err
	}
	h.Gate.Wrote(w, r, res)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// listParameters shows the latest value of each parameter of a template.
func (h *Handler) listParameters(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	id, err := h.reading(r, c, commands.ReadParameters)
	if err != nil {
		return err
	}
	params, err := parametersOf(r)
	if err != nil {
		return err
	}
	template, err := uuid.Parse(params.values.Get("templateId"))
	if err != nil {
		return parameter("templateId", "format", "must be a UUID")
	}
	found, err := h.Queries.Parameters(r.Context(), id, template.String())
	if err != nil {
		return err
	}
	out := client.ParameterList{Items: make([]client.Parameter, len(found))}
	for i, p := range found {
		out.Items[i] = client.Parameter{Name: p.Name, Value: p.Value}
	}
	return answer(w, http.StatusOK, out)
}

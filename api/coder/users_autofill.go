package coder

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
)

// parameterAnswer is what a user chose last for a parameter.
type parameterAnswer struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

func (h *Handler) autofillParameters(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	u, err := h.userFor(r, c, commands.ReadParameters, errNotFound)
	if err != nil {
		return err
	}
	template, err := templateOf(r.URL.Query())
	if err != nil {
		return err
	}
	found, err := h.Queries.Parameters(r.Context(), u.ID, template)
	if err != nil {
		return err
	}
	out := make([]parameterAnswer, len(found))
	for i, p := range found {
		out[i] = parameterAnswer{p.Name, p.Value}
	}
	write(w, http.StatusOK, out)
	return nil
}

const templateParameter = "template_id"

// templateOf reads the query of autofill, which bears nothing else but a token.
func templateOf(values url.Values) (string, error) {
	var invalid []validation
	id, ok := canonicalUUID(values.Get(templateParameter))
	switch {
	case values.Get(templateParameter) == "":
		invalid = append(invalid, validation{templateParameter, `Query param "template_id" is required`})
	case !ok:
		invalid = append(invalid, validation{templateParameter, `Query param "template_id" must be a valid uuid`})
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if name != templateParameter && name != gate.CoderSessionQuery && name != gate.AccessTokenQuery {
			name = printable(name)
			invalid = append(invalid, validation{name, fmt.Sprintf("Query param %q is not a valid query param", name)})
		}
	}
	if len(invalid) > 0 {
		return "", refuse(http.StatusBadRequest, "Invalid query parameters.", "", invalid...)
	}
	return id, nil
}

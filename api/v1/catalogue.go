package v1

import (
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/gorilla/mux"

	"github.com/rosterhq/roster/api/v1/client"
	"github.com/rosterhq/roster/catalogue"
	"github.com/rosterhq/roster/events"
)

// eventTypes shows the catalogue of events, to everybody: it says nothing of anybody.
type eventTypes struct {
	all  *catalogue.Catalogue
	list client.EventTypeList
}

func newEventTypes() (*eventTypes, error) {
	all, err := catalogue.New()
	if err != nil {
		return nil, err
	}
	t := &eventTypes{all: all}
	for _, e := range all.Entries() {
		t.list.Items = append(t.list.Items, client.EventTypeSummary{
			Type: string(e.Type), Version: e.Version, Current: string(e.Current), Stream: client.EventTypeSummaryStream(e.Stream),
			Description: e.Description, Schema: schemaPath(e),
		})
	}
	return t, nil
}

func schemaPath(e catalogue.Entry) string { return "/v1/catalogue/" + string(e.Type) + "/schema" }

const typeSchemaJSON = "application/schema+json"

func (h *Handler) registerCatalogue(router *mux.Router) {
	types, err := newEventTypes()
	for _, route := range []struct {
		path   string
		handle func(http.ResponseWriter, *http.Request) error
	}{ // in this order: the first one that fits is taken, and asyncapi.yaml could be a type
		{"/v1/catalogue", types.listTypes},
		{"/v1/catalogue/asyncapi.yaml", types.asyncAPI},
		{"/v1/catalogue/{type}", types.getType},
		{"/v1/catalogue/{type}/schema", types.getSchema},
	} {
		router.HandleFunc(route.path, func(w http.ResponseWriter, r *http.Request) {
			failure := err
			if failure == nil {
				failure = route.handle(w, r)
			}
			if failure != nil {
				h.fail(w, r, failure)
			}
		}).Methods(http.MethodGet)
	}
}

func (t *eventTypes) listTypes(w http.ResponseWriter, _ *http.Request) error {
	return answer(w, http.StatusOK, t.list)
}

func (t *eventTypes) asyncAPI(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "application/yaml")
	w.Header().Set("Cache-Control", "no-cache")
	_, _ = w.Write(catalogue.AsyncAPI())
	return nil
}

var errNoEventType = refuse(http.StatusNotFound, "not-found", "there is no such event type; GET /v1/catalogue lists them, each with its version")

func (t *eventTypes) find(r *http.Request) (catalogue.Entry, error) {
	e, ok := t.all.Find(events.Type(mux.Vars(r)["type"]))
	if !ok {
		return catalogue.Entry{}, errNoEventType
	}
	return e, nil
}

func (t *eventTypes) getType(w http.ResponseWriter, r *http.Request) error {
	e, err := t.find(r)
	if err != nil {
		return err
	}
	w.Header().Add("Vary", "Accept")
	if wantsSchema(r) {
		return writeSchema(w, e)
	}
	return answer(w, http.StatusOK, client.EventType{
		Type: string(e.Type), Version: e.Version, Current: string(e.Current), Stream: client.EventTypeStream(e.Stream),
		Description: e.Description, Members: members(e), Example: e.Example, Opened: e.Opened, Schema: e.Schema,
	})
}

func (t *eventTypes) getSchema(w http.ResponseWriter, r *http.Request) error {
	e, err := t.find(r)
	if err != nil {
		return err
	}
	return writeSchema(w, e)
}

func writeSchema(w http.ResponseWriter, e catalogue.Entry) error {
	w.Header().Set("Content-Type", typeSchemaJSON)
	w.Header().Set("Cache-Control", "no-cache")
	_, _ = w.Write(e.Schema)
	return nil
}

// wantsSchema says whether the schema alone is asked for.
func wantsSchema(r *http.Request) bool {
	return slices.ContainsFunc(strings.Split(r.Header.Get("Accept"), ","), func(part string) bool {
		form, _, err := mime.ParseMediaType(part)
		return err == nil && form == typeSchemaJSON
	})
}

func members(e catalogue.Entry) []client.EventMember {
	out := make([]client.EventMember, 0, len(e.Members)+len(e.Sealed))
	for _, m := range e.Members {
		if m.Name != "sealed" { // its members follow
			out = append(out, member(m, client.Public))
		}
	}
	for _, m := range e.Sealed {
		protection := client.Personal
		if m.Secret {
			protection = client.Secret
		}
		out = append(out, member(m, protection))
	}
	return out
}

func member(m catalogue.Member, protection client.EventMemberProtection) client.EventMember {
	return client.EventMember{
		Name: m.Name, Type: m.Type, Required: m.Required, Protection: protection, Values: m.Values, Description: m.Description,
	}
}

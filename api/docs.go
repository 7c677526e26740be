package api

import (
	"embed"
	"encoding/json"
	"net/http"
	"strings"
	"sync"

	"github.com/gorilla/mux"
	"github.com/oasdiff/yaml"
	"go.uber.org/zap"

	v1 "github.com/rosterhq/roster/api/v1"
	"github.com/rosterhq/roster/catalogue"
)

//go:embed docs/index.html docs/docs.js docs/docs.css
var docsFiles embed.FS

// docsPolicy lets the page load its own files and ask its own server, and
// nothing else.
const docsPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// registerDocs adds the landing page and the page that shows every dialect's document.
func (s *surface) registerDocs(router *mux.Router) {
	for path, file := range map[string][2]string{
		"/docs":          {"docs/index.html", "text/html; charset=utf-8"},
		"/docs/docs.js":  {"docs/docs.js", "text/javascript; charset=utf-8"},
		"/docs/docs.css": {"docs/docs.css", "text/css; charset=utf-8"},
	} {
		router.Handle(path, serveFile(file[0], file[1])).Methods(http.MethodGet)
	}
	s.registerEvents(router)
	inJSON := map[string]func() []byte{}
	for name, dialect := range s.dialects {
		router.Handle("/docs/"+name+".yaml", serveBytes(dialect.OpenAPI(), "application/yaml")).Methods(http.MethodGet)
		inJSON[name] = sync.OnceValue(func() []byte { return s.inJSON(name, dialect.OpenAPI()) })
		router.Handle("/docs/"+name+".json", serveMade(inJSON[name])).Methods(http.MethodGet)
	}
	router.Handle("/docs/documents.json", serveMade(sync.OnceValue(func() []byte { return s.documents(inJSON) }))).Methods(http.MethodGet)
	router.HandleFunc("/", landing).Methods(http.MethodGet)
}

// inJSON takes 50 ms and more of a processor: nobody may have it done twice, and a
// start need not wait for it.
func (s *surface) inJSON(name string, document []byte) []byte {
	raw, err := yaml.YAMLToJSON(document)
	if err != nil { // a test reads every document, so this is a build that was never tested
		s.logger.Error("OpenAPI document can not be read", zap.String("dialect", name), zap.Error(err))
		return []byte("null")
	}
	return raw
}

// registerEvents adds the page of events.
func (s *surface) registerEvents(router *mux.Router) {
	all, err := catalogue.New()
	if err != nil { // tests read it, so this is a build that was never tested
		s.logger.Error("catalogue of events can not be read", zap.Error(err))
		return
	}
	page, err := all.Page()
	if err != nil {
		s.logger.Error("page of events can not be made", zap.Error(err))
		return
	}
	router.Handle("/docs/events", serveBytes(page, "text/html; charset=utf-8")).Methods(http.MethodGet)
	router.Handle("/docs/events.js", serveBytes(catalogue.Script(), "text/javascript; charset=utf-8")).Methods(http.MethodGet)
	router.Handle("/docs/events.css", serveBytes(catalogue.Style(), "text/css; charset=utf-8")).Methods(http.MethodGet)
}

func serveFile(name, contentType string) http.Handler {
	raw, err := docsFiles.ReadFile(name)
	if err != nil { // embedded: impossible
		panic(err)
	}
	return serveBytes(raw, contentType)
}

func serveBytes(raw []byte, contentType string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h.Set("Content-Type", contentType)
		h.Set("Cache-Control", "no-cache")
		h.Set("Content-Security-Policy", docsPolicy)
		_, _ = w.Write(raw)
	})
}

// serveMade serves JSON that is made when it is asked for first.
func serveMade(raw func() []byte) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		serveBytes(raw(), "application/json").ServeHTTP(w, r)
	})
}

// document says where a dialect's OpenAPI document is.
type document struct {
	Name  string `json:"name"`
	Title string `json:"title"`
	JSON  string `json:"json"`
	YAML  string `json:"yaml"`
}

// documents lists the documents, the own API first.
func (s *surface) documents(inJSON map[string]func() []byte) []byte {
	names := []string{v1.Name}
	for _, name := range s.names() {
		if name != v1.Name {
			names = append(names, name)
		}
	}
	list := make([]document, len(names))
	for i, name := range names {
		var head struct {
			Info struct {
				Title string `json:"title"`
			} `json:"info"`
		}
		_ = json.Unmarshal(inJSON[name](), &head) // one that can not be read has no title
		list[i] = document{Name: name, Title: head.Info.Title, JSON: "/docs/" + name + ".json", YAML: "/docs/" + name + ".yaml"}
	}
	raw, err := json.Marshal(list)
	if err != nil {
		s.logger.Error("the list of documents can not be written", zap.Error(err))
	}
	return raw
}

// landing sends browsers to the docs and tells programs where they are.
func landing(w http.ResponseWriter, r *http.Request) {
	if strings.Contains(r.Header.Get("Accept"), "text/html") {
		http.Redirect(w, r, "/docs", http.StatusFound)
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{
		"name": "Roster", "docs": "/docs", "openapi": "/v1/openapi.yaml", "health": "/healthz", "ready": "/readyz",
	})
}

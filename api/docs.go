package api

import (
	"embed"
	"encoding/json"
	"net/http"
	"strings"

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
	router.HandleFunc("/docs/documents.json", s.documents).Methods(http.MethodGet)
	for name, dialect := range s.dialects {
		router.Handle("/docs/"+name+".yaml", serveBytes(dialect.OpenAPI(), "application/yaml")).Methods(http.MethodGet)
		raw, err := yaml.YAMLToJSON(dialect.OpenAPI())
		if err != nil { // a test reads every document, so this is a build that was never tested
			s.logger.Error("OpenAPI document can not be read", zap.String("dialect", name), zap.Error(err))
			continue
		}
		router.Handle("/docs/"+name+".json", serveBytes(raw, "application/json")).Methods(http.MethodGet)
	}
	router.HandleFunc("/", landing).Methods(http.MethodGet)
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

// document says where a dialect's OpenAPI document is.
type document struct {
	Name  string `json:"name"`
	Title string `json:"title"`
	JSON  string `json:"json"`
	YAML  string `json:"yaml"`
}

// documents lists the documents, the own API first.
func (s *surface) documents(w http.ResponseWriter, _ *http.Request) {
	list := []document{s.document(v1.Name)}
	for _, name := range s.names() {
		if name != v1.Name {
			list = append(list, s.document(name))
		}
	}
	writeJSON(w, http.StatusOK, list)
}

func (s *surface) document(name string) document {
	var head struct {
		Info struct {
			Title string `json:"title"`
		} `json:"info"`
	}
	if raw, err := yaml.YAMLToJSON(s.dialects[name].OpenAPI()); err == nil {
		_ = json.Unmarshal(raw, &head)
	}
	return document{Name: name, Title: head.Info.Title, JSON: "/docs/" + name + ".json", YAML: "/docs/" + name + ".yaml"}
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

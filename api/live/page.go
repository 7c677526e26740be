// Package livepage is /live: a page on which people watch their own feed arrive.
// It is a client of the own API like any other, and has no part on the server but
// its files.
package livepage

import (
	"embed"
	"net/http"

	"github.com/gorilla/mux"
)

//go:embed page/index.html page/live.js page/live.css
var files embed.FS

// policy lets the page load its own files and ask its own server, and nothing
// else.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Register adds the page.
func Register(router *mux.Router) {
	for path, file := range map[string][2]string{
		"/live":          {"page/index.html", "text/html; charset=utf-8"},
		"/live/live.js":  {"page/live.js", "text/javascript; charset=utf-8"},
		"/live/live.css": {"page/live.css", "text/css; charset=utf-8"},
	} {
		router.Handle(path, serve(file[0], file[1])).Methods(http.MethodGet)
	}
}

func serve(name, contentType string) http.Handler {
	raw, err := files.ReadFile(name)
	if err != nil { // embedded: impossible
		panic(err)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h.Set("Content-Type", contentType)
		h.Set("Cache-Control", "no-cache")
		h.Set("Content-Security-Policy", policy)
		_, _ = w.Write(raw)
	})
}

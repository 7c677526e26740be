package gate

import (
	"context"
	"net/http"
)

type headKey struct{}

// AsGet turns a HEAD request into the GET that handlers know.
func AsGet(r *http.Request) *http.Request {
	get := r.WithContext(context.WithValue(r.Context(), headKey{}, true))
	get.Method = http.MethodGet
	return get
}

// WantsHead says that the client sent HEAD: a handler that streams must end after
// the headers.
func WantsHead(r *http.Request) bool {
	head, _ := r.Context().Value(headKey{}).(bool)
	return head
}

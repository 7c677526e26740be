// Package client has the types of the own API and a client for it, both
// generated from ../openapi.yaml.
//
//	c, err := client.NewClientWithResponses("http://127.0.0.1:8080",
//		client.WithRequestEditorFn(client.Bearer(token)))
package client

import (
	"context"
	"net/http"
)

// Bearer signs every request with a session token or API key.
func Bearer(token string) RequestEditorFn {
	return func(_ context.Context, r *http.Request) error {
		r.Header.Set("Authorization", "Bearer "+token)
		return nil
	}
}

package faults_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// callPatience is how long a client waits for an answer.
const callPatience = 10 * time.Second

// client is one program that calls one node of the API.
type client struct {
	base string
	http *http.Client
}

func newClient(n *node) *client {
	return &client{base: "http://" + n.edge.host(), http: &http.Client{Timeout: callPatience, Transport: &http.Transport{MaxIdleConnsPerHost: 2}}}
}

// call is a request.
type call struct {
	method, path, token, body string
	id                        string // of the write, for Roster-Reason
	key                       string // Idempotency-Key; "" for none
	since                     string // Roster-Min-Position; "" for none
}

// answer is what came back.
type answer struct {
	status   int
	position string // Roster-Position
	stale    bool
	body     map[string]any
}

// do makes a request; an error means that no whole answer came.
func (c *client) do(ctx context.Context, k call) (answer, error) {
	r, err := http.NewRequestWithContext(ctx, k.method, c.base+k.path, strings.NewReader(k.body))
	if err != nil {
		return answer{}, err
	}
	r.GetBody = nil // the transport would repeat what has a key, and nobody would count it
	r.Header.Set("Content-Type", "application/json")
	for name, value := range map[string]string{
		"Authorization": bearer(k.token), "Roster-Reason": k.id, "Idempotency-Key": k.key, "Roster-Min-Position": k.since,
	} {
		if value != "" {
			r.Header.Set(name, value)
		}
	}
	res, err := c.http.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return answer{}, err
	}
	a := answer{status: res.StatusCode, position: res.Header.Get("Roster-Position"), stale: res.Header.Get("Roster-Stale") != ""}
	if len(text) > 0 {
		if err := json.Unmarshal(text, &a.body); err != nil {
			return a, fmt.Errorf("%s %s: %d: %w", k.method, k.path, res.StatusCode, err)
		}
	}
	return a, nil
}

func bearer(token string) string {
	if token == "" {
		return ""
	}
	return "Bearer " + token
}

func (a answer) text(name string) string {
	s, _ := a.body[name].(string)
	return s
}

package signin

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
)

const (
	maxPages      = 20 // of 100 entries
	gitHubMedia   = "application/vnd.github+json"
	gitHubVersion = "2022-11-28"
	userAgent     = "roster"
)

// get reads one page of GitHub's API and says whether there is another.
func (g *GitHub) get(ctx context.Context, t Token, path string, into any) (more bool, err error) {
	broken := func(err error) *Error {
		return &Error{Reason: Unreachable, Detail: "GitHub's API: " + said(err, t.Access, t.Refresh)}
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, g.api+path, http.NoBody)
	if err != nil {
		return false, broken(err)
	}
	r.Header.Set("Accept", gitHubMedia)
	r.Header.Set("Authorization", "Bearer "+t.Access)
	r.Header.Set("User-Agent", userAgent)
	r.Header.Set("X-Github-Api-Version", gitHubVersion)
	res, err := g.client.Do(r)
	if err != nil {
		return false, broken(err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return false, &Error{Reason: Unreachable, Detail: "GitHub's API answered " + res.Status}
	}
	if err := json.NewDecoder(res.Body).Decode(into); err != nil {
		return false, broken(err)
	}
	return strings.Contains(res.Header.Get("Link"), `rel="next"`), nil
}

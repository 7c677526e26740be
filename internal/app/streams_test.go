package app_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// stream opens a feed's stream as lines, and hands them on until it ends.
func (r *running) stream(t *testing.T, token, after string) <-chan string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.url+"/v1/users/me/activities/stream?type=ticket", nil)
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Accept", "application/x-ndjson")
	req.Header.Set("Last-Event-ID", after)
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, res.StatusCode)
	lines := make(chan string, 100)
	go func() {
		defer close(lines)
		defer res.Body.Close()
		for scanner := bufio.NewScanner(res.Body); scanner.Scan(); {
			if line := scanner.Text(); line != "" {
				lines <- line
			}
		}
	}()
	return lines
}

func (r *running) ticket(t *testing.T, token, id string) {
	t.Helper()
	r.must(t, http.StatusOK, http.MethodPost, "/v1/activities", token, fmt.Sprintf(
		`{"source":"tracker","id":%q,"user":{"username":"ada"},"type":"ticket","action":"created","entity":{"id":%q},"occurredAt":"2026-05-03T10:00:00Z"}`, id, id))
}

func requireLine(t *testing.T, lines <-chan string, has string) string {
	t.Helper()
	select {
	case line, ok := <-lines:
		require.True(t, ok, "the stream ended")
		require.Contains(t, line, has)
		return line
	case <-time.After(30 * time.Second):
		require.Fail(t, "nothing came")
		return ""
	}
}

// TestStreamsAreToldOfTheStop: they do not hold it up, and the next start goes on
// where they were.
func TestStreamsAreToldOfTheStop(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	first := start(t, "ROSTER_DATA_DIR="+dir)
	token := first.enter(t)
	first.ticket(t, token, "T-1")
	lines := first.stream(t, token, "earliest")
	requireLine(t, lines, `"T-1"`)
	first.ticket(t, token, "T-2")
	last := requireLine(t, lines, `"T-2"`)
	require.Less(t, first.terminate(t), 5*time.Second)
	requireLine(t, lines, `"event":"shutdown"`)
	_, open := <-lines
	require.False(t, open)

	var activity struct{ ID string }
	require.NoError(t, json.Unmarshal([]byte(last), &activity))
	second := start(t, "ROSTER_DATA_DIR="+dir)
	second.ticket(t, token, "T-3")
	lines = second.stream(t, token, activity.ID)
	requireLine(t, lines, `"T-3"`)
	second.ticket(t, token, "T-4")
	requireLine(t, lines, `"T-4"`)
}

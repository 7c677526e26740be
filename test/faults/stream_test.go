package faults_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// follower is a client of the stream of all activities, which comes back with the
// last position whenever it is cut off.
type follower struct {
	base    string
	token   string
	history *history
	http    *http.Client

	mu      sync.Mutex
	got     []uint64 // positions, as they came
	last    string   // to come back with
	returns int
}

const (
	// silence ends a connection: heartbeats come every 15 s.
	silence = 40 * time.Second
	// comeBack is how long a follower waits before it connects again.
	comeBack = 200 * time.Millisecond
)

func newFollower(n *node, token string, h *history) *follower {
	return &follower{
		base: "http://" + n.edge.host(), token: token, history: h, last: "earliest",
		http: &http.Client{Transport: &http.Transport{DisableKeepAlives: true, ResponseHeaderTimeout: callPatience}},
	}
}

func (f *follower) run(ctx context.Context) {
	for ctx.Err() == nil {
		f.follow(ctx)
		select {
		case <-time.After(comeBack):
		case <-ctx.Done():
		}
	}
}

func (f *follower) follow(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, f.base+"/v1/activities/stream", nil)
	if err != nil {
		return
	}
	r.Header.Set("Authorization", "Bearer "+f.token)
	r.Header.Set("Accept", "application/x-ndjson")
	r.Header.Set("Last-Event-ID", f.last)
	res, err := f.http.Do(r)
	if err != nil {
		return
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return
	}
	f.mu.Lock()
	f.returns++
	f.mu.Unlock()
	dead := time.AfterFunc(silence, cancel)
	defer dead.Stop()
	lines := bufio.NewReader(res.Body)
	for {
		// A line that was cut off is no line.
		line, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		dead.Reset(silence)
		f.take(strings.TrimSpace(line))
	}
}

func (f *follower) take(line string) {
	if line == "" {
		return
	}
	var said struct{ ID, Event, Reason string }
	if err := json.Unmarshal([]byte(line), &said); err != nil {
		f.history.violated("stream of %s: %q is no line: %v", f.base, line, err)
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch said.Event {
	case "":
		sequence, err := strconv.ParseUint(strings.TrimPrefix(said.ID, "a"), 10, 64)
		if err != nil {
			f.history.violated("stream of %s: %q has no position", f.base, line)
			return
		}
		f.got, f.last = append(f.got, sequence), said.ID
	case "position":
		f.last = said.ID
	case "reset", "revoked":
		f.history.violated("stream of %s: %s", f.base, line)
	}
}

// reached is the position of the last activity.
func (f *follower) reached() uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.got) == 0 {
		return 0
	}
	return f.got[len(f.got)-1]
}

package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/rosterhq/roster/archive"
)

// Follow says which activities are followed. Empty members mean all.
type Follow struct {
	Users, Types, Projects, Workspaces []string
	Since                              string // a position, "earliest", or "" for the newest and what comes

	// Line gets each activity, one JSON object without its line's end. Its error
	// ends everything.
	Line func([]byte) error
	// Notice is told what a person may want to know: that the connection was
	// lost, say.
	Notice func(string)
}

const (
	// silence is how long a stream may say nothing: the server sends something
	// every 15 seconds.
	silence = 45 * time.Second
	maxLine = 4 << 20
	// firstTries is how often an absent server is asked before the first answer.
	firstTries = 4
)

// Follow hands on what happens until ctx ends. It comes back by itself, behind
// the last activity that was handed on: none is lost and none comes twice. Before
// the server has answered once it gives up soon; afterwards it tries for ever,
// unless the server says that it is not allowed.
func (c *Client) Follow(ctx context.Context, f Follow) error {
	t := &tailing{client: c, Follow: f, http: &http.Client{Transport: c.http.Transport, CheckRedirect: c.http.CheckRedirect}}
	for try := 1; ; try++ {
		began := t.lines
		err := t.once(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if stop := (*lineError)(nil); errors.As(err, &stop) {
			return stop.error
		}
		if t.lines > began {
			try = 1
		}
		wait, again := retryAfter(err, try)
		if !again || !t.answered && try >= firstTries {
			return whyNot(err)
		}
		if t.answered {
			f.Notice(fmt.Sprintf("%v; coming back", err))
		}
		if !c.cfg.Pause(ctx, wait) {
			return ctx.Err()
		}
	}
}

// lineError is an error of Follow.Line.
type lineError struct{ error }

// tailing is one call of Follow, over all its connections.
type tailing struct {
	Follow
	client   *Client
	http     *http.Client
	answered bool
	lines    int
}

// once follows one connection. It returns an error always.
func (t *tailing) once(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	quiet := time.AfterFunc(silence, cancel)
	defer quiet.Stop()
	res, err := t.open(ctx)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	t.answered = true
	scanner := bufio.NewScanner(res.Body)
	scanner.Buffer(nil, maxLine)
	scanner.Split(archive.WholeLines)
	for scanner.Scan() {
		quiet.Reset(silence)
		if line := bytes.TrimSpace(scanner.Bytes()); len(line) > 0 {
			if err := t.take(line); err != nil {
				return err
			}
		}
	}
	if err := scanner.Err(); err != nil {
		return t.lost(err)
	}
	return t.lost(io.ErrUnexpectedEOF)
}

func (t *tailing) lost(err error) error {
	if errors.Is(err, context.Canceled) { // by silence: whoever called asks his own context
		err = fmt.Errorf("nothing came for %s", silence)
	}
	return &ConnectionError{Server: t.client.base, Err: err}
}

func (t *tailing) open(ctx context.Context) (*http.Response, error) {
	query := url.Values{"user": t.Users, "type": t.Types, "project": t.Projects, "workspace": t.Workspaces}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, t.client.base+"/v1/activities/stream?"+query.Encode(), nil)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+t.client.cfg.Token)
	req.Header.Set("Accept", "application/x-ndjson, application/problem+json")
	req.Header.Set("User-Agent", t.client.cfg.UserAgent)
	if t.Since != "" {
		req.Header.Set("Last-Event-ID", t.Since)
	}
	res, err := t.http.Do(req)
	if err != nil {
		return nil, t.lost(plainCause(err))
	}
	if res.StatusCode == http.StatusOK {
		return res, nil
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return nil, t.lost(err)
	}
	return nil, t.client.problem(res, body)
}

// take handles one line: an activity, or a word about the stream.
func (t *tailing) take(line []byte) error {
	var head struct {
		ID      string `json:"id"`
		Event   string `json:"event"`
		Message string `json:"message"`
	}
	if err := json.Unmarshal(line, &head); err != nil {
		return &lineError{fmt.Errorf("%s sent something else than activities: is it a Roster server?", t.client.base)}
	}
	switch head.Event {
	case "":
		if err := t.Line(line); err != nil {
			return &lineError{err}
		}
		t.lines++
		t.Since = head.ID
	case "position":
		t.Since = head.ID
	case "reset":
		t.Notice("the server can not go on from " + t.Since + ": " + t.client.printable(head.Message) + "; the newest activities follow")
		t.Since = ""
	}
	return nil // after overflow, shutdown and the like the stream ends by itself
}

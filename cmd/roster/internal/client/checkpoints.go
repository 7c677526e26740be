package client

import (
	"context"
	"io"
	"net/url"
	"strings"

	api "github.com/rosterhq/roster/api/v1/client"
	"github.com/rosterhq/roster/events"
)

// Checkpoints asks for the signed checkpoints of a stream, the oldest first; newest for
// the newest one alone. They are texts that nobody looked at yet.
func (c *Client) Checkpoints(ctx context.Context, s events.Stream, newest bool) ([][]byte, error) {
	typed, err := c.API()
	if err != nil {
		return nil, err
	}
	stream := api.ListCheckpointsParamsStream(logName(s))
	asked := &api.ListCheckpointsParams{Stream: &stream, Newest: &newest}
	var notes [][]byte
	for {
		found, err := typed.ListCheckpointsWithResponse(ctx, asked)
		if err != nil {
			return nil, err
		}
		for _, item := range found.JSON200.Items {
			notes = append(notes, []byte(item.Note))
		}
		if found.JSON200.Next == "" {
			return notes, nil
		}
		asked.Cursor = &found.JSON200.Next
	}
}

// CheckpointProof asks for the hashes that show that one size of a stream's tree is the
// begin of another; they are in base64.
func (c *Client) CheckpointProof(ctx context.Context, s events.Stream, from, to events.Position) ([]string, error) {
	typed, err := c.API()
	if err != nil {
		return nil, err
	}
	stream := api.ProveCheckpointsParamsStream(logName(s))
	found, err := typed.ProveCheckpointsWithResponse(ctx, &api.ProveCheckpointsParams{Stream: &stream, From: from.String(), To: to.String()})
	if err != nil {
		return nil, err
	}
	return found.JSON200.Hashes, nil
}

// LogHashes asks for the leaves of a stream's tree, from the first position on. Close it.
func (c *Client) LogHashes(ctx context.Context, s events.Stream) (io.ReadCloser, error) {
	var hashes io.ReadCloser
	err := c.patiently(ctx, func() (err error) {
		query := url.Values{"stream": {strings.ToLower(string(s))}}
		hashes, _, err = c.openStream(ctx, "/v1/admin/log/hashes?"+query.Encode(), "application/octet-stream")
		return err
	})
	return hashes, err
}

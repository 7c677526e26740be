package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
)

// Imported is the answer to lines of users who move in.
type Imported struct {
	Created       int           `json:"created"`
	Unchanged     int           `json:"unchanged"`
	Rejected      []RefusedLine `json:"rejected"` // at most 100 are listed
	RejectedTotal int           `json:"rejectedTotal"`
}

// RefusedLine is a line that was refused.
type RefusedLine struct {
	Line    int    `json:"line"` // from 1
	Code    string `json:"code"`
	Message string `json:"message"`
}

// ImportUsers sends lines, each the JSON of a user or empty. Sent again they change
// nothing. highest is the highest number of the whole import, 0 for none.
func (c *Client) ImportUsers(ctx context.Context, lines [][]byte, highest int64) (Imported, error) {
	path := "/v1/imports/users"
	if highest > 0 {
		path += "?highest=" + strconv.FormatInt(highest, 10)
	}
	var answer Imported
	err := c.do(ctx, request{
		method: http.MethodPost, path: path, contentType: "application/x-ndjson", body: append(bytes.Join(lines, []byte("\n")), '\n'),
	}, &answer)
	if p, ok := errors.AsType[*Problem](err); ok && p.Status == http.StatusForbidden {
		return Imported{}, explained{"the token may not move users in: it takes an owner, and a key needs the scope all", p}
	}
	if err != nil {
		return Imported{}, err
	}
	if answer.Created+answer.Unchanged+answer.RejectedTotal > len(lines) || len(answer.Rejected) > answer.RejectedTotal {
		return Imported{}, fmt.Errorf("the server counted more users than the %d that were sent: is it a Roster server?", len(lines))
	}
	for i, r := range answer.Rejected {
		if r.Line < 1 || r.Line > len(lines) {
			return Imported{}, fmt.Errorf("the server refused line %d of %d: is it a Roster server?", r.Line, len(lines))
		}
		answer.Rejected[i].Code, answer.Rejected[i].Message = c.printable(r.Code), c.printable(r.Message)
	}
	return answer, nil
}

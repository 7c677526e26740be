package client

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"
)

// Comparison is what a read model has other than the log says.
type Comparison struct {
	Projection string            `json:"projection"`
	Position   string            `json:"position"`
	Equal      bool              `json:"equal"`
	Tables     []TableComparison `json:"tables"`
}

// TableComparison counts the rows of a table that are wrong.
type TableComparison struct {
	Table     string          `json:"table"`
	Rows      int64           `json:"rows"`
	Missing   int64           `json:"missing"`
	Extra     int64           `json:"extra"`
	Different int64           `json:"different"`
	Examples  []RowDifference `json:"examples"`
}

// RowDifference is one such row.
type RowDifference struct {
	Key      string   `json:"key"`
	Kind     string   `json:"kind"` // missing, extra or different
	Columns  []string `json:"columns"`
	Position string   `json:"position"` // of the row's last event, where it has one
}

// Rows counts all that were compared.
func (c Comparison) Rows() int64 {
	var n int64
	for _, t := range c.Tables {
		n += t.Rows
	}
	return n
}

// ProjectionNames lists the read models.
func (c *Client) ProjectionNames(ctx context.Context) ([]string, error) {
	var answer struct {
		Items []struct {
			Name string `json:"name"`
		} `json:"items"`
	}
	if err := c.do(ctx, request{method: http.MethodGet, path: "/v1/admin/projections"}, &answer); err != nil {
		return nil, whyNot(err)
	}
	names := make([]string, len(answer.Items))
	for i, p := range answer.Items {
		names[i] = p.Name
	}
	return names, nil
}

// verifyLimit bounds how long a read model is compared: a log of a hundred million
// events takes that long.
const verifyLimit = 2 * time.Hour

// patient is for what takes as long as the log is.
func (c *Client) patient() *Client {
	patient := *c
	patient.http = &http.Client{Transport: c.http.Transport, CheckRedirect: c.http.CheckRedirect, Timeout: verifyLimit}
	return &patient
}

// Rotation is what a change of the master key did.
type Rotation struct {
	MasterKey  string   `json:"masterKey"`
	Wrapped    uint64   `json:"wrapped"`
	Destroyed  uint64   `json:"destroyed"`
	Unreadable []string `json:"unreadable"`
}

// RotateMasterKey lets the server change the master key that it keeps.
func (c *Client) RotateMasterKey(ctx context.Context) (Rotation, error) {
	var answer Rotation
	err := c.patient().do(ctx, request{method: http.MethodPost, path: "/v1/admin/master-key/rotate"}, &answer)
	return answer, whyNot(err)
}

// ErrNoTables says that a projection has nothing that could be compared.
var ErrNoTables = errors.New("this projection has no tables")

// VerifyProjection lets the server compare a read model with the log.
func (c *Client) VerifyProjection(ctx context.Context, name string) (Comparison, error) {
	var answer Comparison
	err := c.patient().do(ctx, request{method: http.MethodPost, path: "/v1/admin/projections/" + url.PathEscape(name) + "/verify"}, &answer)
	if p, ok := errors.AsType[*Problem](err); ok && p.Reason == "no-tables" {
		return answer, ErrNoTables
	}
	return answer, whyNot(err)
}

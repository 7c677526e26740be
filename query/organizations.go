package query

import (
	"context"
	"time"
)

// Organization is a row of the organizations read model.
type Organization struct {
	ID          string
	Number      int64
	Name        string
	DisplayName string
	Description string
	Icon        string
	Default     bool
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// OrganizationRef finds a live organization by exactly one member.
type OrganizationRef struct {
	ID      string
	Name    string // ignoring case
	Number  int64
	Default bool
}

// Organizations returns all live organizations, by name.
func (q *Queries) Organizations(ctx context.Context) ([]Organization, error) {
	return nil, ErrUnavailable
}

// Organization returns one live organization.
func (q *Queries) Organization(ctx context.Context, ref OrganizationRef) (Organization, error) {
	return Organization{}, ErrUnavailable
}

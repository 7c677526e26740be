package query

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/rosterhq/roster/query/internal/rows"
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
	if err := q.await(ctx, anybody, q.users); err != nil {
		return nil, err
	}
	found, err := q.rows.Organizations(ctx)
	if err != nil {
		return nil, failure(ctx, "list organizations", err)
	}
	out := make([]Organization, len(found))
	for i, r := range found {
		out[i] = organizationOf(r)
	}
	return out, nil
}

// OrganizationsOf returns those of some organizations that are live, by number.
func (q *Queries) OrganizationsOf(ctx context.Context, ids []string) ([]Organization, error) {
	keys := make([]pgtype.UUID, 0, len(ids))
	for _, s := range ids {
		if id, err := parseID(s); err == nil {
			keys = append(keys, id)
		}
	}
	if len(keys) == 0 {
		return []Organization{}, nil
	}
	if err := q.await(ctx, anybody, q.users); err != nil {
		return nil, err
	}
	found, err := q.rows.OrganizationsOfIDs(ctx, keys)
	if err != nil {
		return nil, failure(ctx, "read some organizations", err)
	}
	out := make([]Organization, len(found))
	for i, r := range found {
		out[i] = organizationOf(r)
	}
	return out, nil
}

// Organization returns one live organization.
func (q *Queries) Organization(ctx context.Context, ref OrganizationRef) (Organization, error) {
	if err := q.await(ctx, anybody, q.users); err != nil {
		return Organization{}, err
	}
	r, err := q.organizationRow(ctx, ref)
	if err != nil {
		return Organization{}, failure(ctx, "read an organization", err)
	}
	return organizationOf(r), nil
}

func (q *Queries) organizationRow(ctx context.Context, ref OrganizationRef) (rows.Organization, error) {
	switch {
	case ref.ID != "":
		id, err := parseID(ref.ID)
		if err != nil {
			return rows.Organization{}, err
		}
		return q.rows.OrganizationByID(ctx, id)
	case ref.Name != "" && storable(ref.Name):
		return q.rows.OrganizationByName(ctx, ref.Name)
	case ref.Number > 0:
		return q.rows.OrganizationByNumber(ctx, ref.Number)
	case ref.Default:
		return q.rows.DefaultOrganization(ctx)
	default:
		return rows.Organization{}, errNoRow
	}
}

func organizationOf(r rows.Organization) Organization {
	return Organization{
		ID: r.ID.String(), Number: r.Number, Name: r.Name, DisplayName: r.DisplayName, Description: r.Description, Icon: r.Icon,
		Default: r.IsDefault, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt,
	}
}

package query

import (
	"context"
	"time"

	"github.com/rosterhq/roster/query/internal/rows"
)

// Skill is a row of the skills read model.
type Skill struct {
	ID          string
	Owner       string
	Name        string
	Description string
	Content     string // not in lists
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// Skills returns a user's skills by name, without their content. A deleted user
// has none.
func (q *Queries) Skills(ctx context.Context, userID string) ([]Skill, error) {
	id, err := parseID(userID)
	if err != nil {
		return nil, nil //nolint:nilerr // nobody has none
	}
	if err := q.awaitSkills(ctx); err != nil {
		return nil, err
	}
	found, err := q.rows.SkillsOfUser(ctx, id)
	if err != nil {
		return nil, failure(ctx, "list skills", err)
	}
	out := make([]Skill, len(found))
	for i, r := range found {
		out[i] = Skill{
			ID: r.ID.String(), Owner: r.Owner.String(), Name: r.Name, Description: r.Description,
			CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt,
		}
	}
	return out, nil
}

// Skill returns one skill of a user.
func (q *Queries) Skill(ctx context.Context, userID, name string) (Skill, error) {
	id, err := parseID(userID)
	if err != nil || !storable(name) {
		return Skill{}, failure(ctx, "read a skill", errNoRow)
	}
	if err := q.awaitSkills(ctx); err != nil {
		return Skill{}, err
	}
	r, err := q.rows.SkillOfUser(ctx, rows.SkillOfUserParams{Owner: id, Name: name})
	if err != nil {
		return Skill{}, failure(ctx, "read a skill", err)
	}
	return Skill{
		ID: r.ID.String(), Owner: r.Owner.String(), Name: r.Name, Description: r.Description, Content: r.Content,
		CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt,
	}, nil
}

// awaitSkills waits for changes of anybody's: of a skill's end the log does not
// say in clear whose it was.
func (q *Queries) awaitSkills(ctx context.Context) error { return q.await(ctx, anybody, q.skills) }

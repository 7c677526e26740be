package query

import (
	"context"
	"time"
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
	return nil, ErrUnavailable
}

// Skill returns one skill of a user.
func (q *Queries) Skill(ctx context.Context, userID, name string) (Skill, error) {
	return Skill{}, ErrUnavailable
}

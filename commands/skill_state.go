package commands

import "time"

// Skill is the folded state of a personal skill. The zero value is one that never
// was.
type Skill struct {
	ID          string
	Owner       string
	Name        string
	Description string
	Content     string
	Deleted     bool
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

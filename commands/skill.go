package commands

import (
	"context"
	"errors"
)

// WriteSkill creates a skill, or replaces the text of one.
func (s *Service) WriteSkill(_ context.Context, _ Request, _ WriteSkill) (SkillResult, error) {
	return SkillResult{}, errors.ErrUnsupported
}

// DeleteSkill ends a skill and frees its name.
func (s *Service) DeleteSkill(_ context.Context, _ Request, _, _ string) (SkillResult, error) {
	return SkillResult{}, errors.ErrUnsupported
}

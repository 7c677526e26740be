package commands

import (
	"context"
	"fmt"
	"strconv"
)

// OwnsWorkspaces says whether a user owns a live workspace, as the log has it now.
func (s *Service) OwnsWorkspaces(ctx context.Context, userID string) (bool, error) {
	id, ok := canonicalID(userID)
	if !ok {
		return false, nil
	}
	held, err := s.log.Claim(ctx, workspacesOfClaim(id))
	if err != nil {
		return false, refusal(fmt.Errorf("look up what user %s owns: %w", id, err))
	}
	n, err := strconv.Atoi(held.Holder)
	return err == nil && n > 0, nil
}

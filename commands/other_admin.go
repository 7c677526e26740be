package commands

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/rosterhq/roster/events"
)

// otherAdmin is what was found of an organization's other admins, where one must
// remain. A decision by it holds only if nobody had a turn since.
type otherAdmin struct {
	turn  events.ClaimState // as it was before anybody was looked at
	found bool
}

const reasonLastAdmin = "last-admin"

func adminsOfClaim(organizationID string) events.Claim {
	return events.Claim{Kind: claimAdminsOf, Value: organizationID}
}

// administers says whether somebody with these roles in an organization is an admin
// there. Who is only invited is not.
func administers(roles []string) bool {
	return slices.Contains(roles, events.OrganizationAdmin) && !slices.Contains(roles, events.OrganizationInvitationPending)
}

// stops says whether a user who comes to have other roles stops being an admin.
func stops(u User, organizationID string, roles []string) bool {
	m, _ := u.membership(organizationID)
	return administers(m.Roles) && !administers(roles)
}

func (o *otherAdmin) claims(u User, organizationID string, roles []string) []events.Claim {
	if o == nil || !stops(u, organizationID, roles) {
		return nil
	}
	return []events.Claim{adminsOfClaim(organizationID)}
}

// remain refuses to take the last admin away. Of two who would do so by each other's
// word, one finds that the other had the turn.
func (o *otherAdmin) remain(u User, organizationID string, roles []string, f facts) ([]events.ClaimChange, *Error) {
	if o == nil || !stops(u, organizationID, roles) {
		return nil, nil
	}
	turn := adminsOfClaim(organizationID)
	switch {
	case f.claims[turn] != o.turn:
		return nil, errDecideAgain
	case !o.found:
		return nil, &Error{Code: Precondition, Reason: reasonLastAdmin, Message: "the last admin of an organization can not be demoted or removed"}
	}
	taken, err := strconv.Atoi(o.turn.Holder)
	if err != nil { // nobody had one yet
		taken = 0
	}
	return []events.ClaimChange{f.take(turn, strconv.Itoa(taken+1))}, nil
}

// otherAdmin looks for an admin among users beside one, as the log has them now.
func (s *Service) otherAdmin(ctx context.Context, organizationID, userID string, among []string) (*otherAdmin, error) {
	turn, err := s.log.Claim(ctx, adminsOfClaim(organizationID))
	if err != nil {
		return nil, fmt.Errorf("look up whose turn it is in organization %s: %w", organizationID, err)
	}
	for _, other := range among {
		id, ok := canonicalID(other)
		if !ok || id == userID {
			continue
		}
		st, err := s.states.newest(ctx, id)
		if err != nil {
			return nil, err
		}
		if m, in := st.user.membership(organizationID); in && st.user.exists() && administers(m.Roles) {
			return &otherAdmin{turn: turn, found: true}, nil
		}
	}
	return &otherAdmin{turn: turn}, nil
}

// RemoveMemberBeside is RemoveMember where an admin must remain. For beside see
// AssignOrganizationRoles; the user is never counted.
func (s *Service) RemoveMemberBeside(ctx context.Context, r Request, organizationID, userID string, beside []string) (Result, error) {
	return s.onMember(ctx, r, onMember{organizationID, userID, beside}, &problems{}, func(id string, others *otherAdmin) userCommand {
		return removeMember{organization: id, others: others}
	})
}

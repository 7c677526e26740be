package commands

import (
	"context"
	"fmt"

	"github.com/rosterhq/roster/events"
)

// asInstallation is a request that the installation makes for its actor: what a
// dialect offers to everybody, though the policy table leaves it to admins.
func (r Request) asInstallation() Request {
	if r.IdempotencyKey != "" { // the key is the actor's own
		r.IdempotencyKey = r.Actor.UserID + "\x00" + r.IdempotencyKey
	}
	if r.Reason == "" {
		r.Reason = "asked for by user " + r.Actor.UserID
	}
	r.Actor = Actor{UserID: SystemActor}
	return r
}

// everything says whether the actor holds all rights of its user: what is done in
// the installation's name is not for limited keys.
func (a Actor) everything() bool { return Allowed(a, SetUserPassword, a.UserID) }

// FoundOrganization makes an organization that the actor administers. It asks for no
// rights; whether it is offered is for the caller to say. The organization is taken
// back when the actor can not join it.
func (s *Service) FoundOrganization(ctx context.Context, r Request, c CreateOrganization) (OrganizationResult, Result, error) {
	if !r.Actor.everything() {
		return OrganizationResult{}, Result{}, forbidden(CreateOrganizations)
	}
	founder := r.Actor.UserID
	r = r.asInstallation()
	made, err := s.CreateOrganization(ctx, r, c)
	if err != nil {
		return OrganizationResult{}, Result{}, err
	}
	joined, err := s.AddMemberWith(ctx, r, made.Organization.ID, founder, events.OrganizationAdmin)
	if unused(false, err) && !made.Repeated {
		plain := Request{Actor: r.Actor, Dialect: r.Dialect, CorrelationID: r.CorrelationID, Reason: "its founder could not join"}
		if _, undo := s.DeleteOrganization(ctx, plain, made.Organization.ID); undo != nil {
			return OrganizationResult{}, Result{}, fmt.Errorf("%w (the organization stays: %w)", err, undo)
		}
	}
	return made, joined, err
}

// JoinPending takes a user who was invited into an organization, not accepted there
// yet. Checking the invitation is for the caller.
func (s *Service) JoinPending(ctx context.Context, r Request, organizationID, userID string) (Result, error) {
	r.Actor = Actor{UserID: userID}
	return s.AddMemberWith(ctx, r.asInstallation(), organizationID, userID, events.OrganizationInvitationPending)
}

// LeaveOrganization takes the actor out of an organization. For beside see
// AssignOrganizationRoles.
func (s *Service) LeaveOrganization(ctx context.Context, r Request, organizationID string, beside []string) (Result, error) {
	if !r.Actor.everything() {
		return Result{}, forbidden(ChangeMembers)
	}
	return s.RemoveMemberBeside(ctx, r.asInstallation(), organizationID, r.Actor.UserID, beside)
}

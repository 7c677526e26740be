package commands

import (
	"context"
	"errors"
	"time"

	"github.com/rosterhq/roster/events"
)

// errForthcoming is what commands say whose decisions follow.
var errForthcoming = errors.New("this command can not be done yet")

// CreateOrganization makes an organization.
func (s *Service) CreateOrganization(context.Context, Request, CreateOrganization) (OrganizationResult, error) {
	return OrganizationResult{}, errForthcoming
}

// UpdateOrganization changes members of an organization.
func (s *Service) UpdateOrganization(context.Context, Request, UpdateOrganization) (OrganizationResult, error) {
	return OrganizationResult{}, errForthcoming
}

// DeleteOrganization ends an organization and frees its name.
func (s *Service) DeleteOrganization(context.Context, Request, string) (OrganizationResult, error) {
	return OrganizationResult{}, errForthcoming
}

// FindOrganization returns a live organization by its name, through the log alone.
func (s *Service) FindOrganization(context.Context, string) (Organization, error) {
	return Organization{}, errForthcoming
}

// AddMember takes a user into an organization.
func (s *Service) AddMember(_ context.Context, _ Request, organizationID, userID string) (Result, error) {
	_, _ = organizationID, userID
	return Result{}, errForthcoming
}

// RemoveMember takes a user out of an organization.
func (s *Service) RemoveMember(_ context.Context, _ Request, organizationID, userID string) (Result, error) {
	_, _ = organizationID, userID
	return Result{}, errForthcoming
}

// AssignOrganizationRoles replaces a member's roles in one organization.
func (s *Service) AssignOrganizationRoles(context.Context, Request, AssignOrganizationRoles) (Result, error) {
	return Result{}, errForthcoming
}

// OrganizationRoles lists the roles that can be granted in an organization.
func OrganizationRoles() []string {
	return []string{
		events.OrganizationAdmin, events.OrganizationAuditor, events.OrganizationUserAdmin,
		events.OrganizationTemplateAdmin, events.OrganizationWorkspaceAccess, events.OrganizationWorkspaceBan,
	}
}

// CreateWorkspace records a workspace.
func (s *Service) CreateWorkspace(context.Context, Request, CreateWorkspace) (WorkspaceResult, error) {
	return WorkspaceResult{}, errForthcoming
}

// DeleteWorkspace ends a workspace and frees its name.
func (s *Service) DeleteWorkspace(context.Context, Request, string) (WorkspaceResult, error) {
	return WorkspaceResult{}, errForthcoming
}

// Wake brings a dormant user to life by its own use.
func (s *Service) Wake(context.Context, Request, string) (Result, error) {
	return Result{}, errForthcoming
}

// PutToSleep makes an active user dormant who was not seen for long.
func (s *Service) PutToSleep(_ context.Context, _ Request, userID string, lastSeen time.Time) (Result, error) {
	_, _ = userID, lastSeen
	return Result{}, errForthcoming
}

package main

import (
	"context"
	"fmt"
	"strings"

	api "github.com/rosterhq/roster/api/v1/client"
)

type rolesCommand struct {
	Show rolesShow `cmd:"" help:"Show the roles of a user, today or as they were."`
	Set  rolesSet  `cmd:"" help:"Replace the site roles of a user."`
}

// Help is shown by --help.
func (rolesCommand) Help() string {
	return `Everybody is a member beside these roles.

Examples:

  roster roles show ada
  roster roles set grace auditor user-admin
`
}

type rolesShow struct {
	serverFlags
	outputFlag
	User string `arg:"" optional:"" default:"me" help:"Whose: id or username; default the token's own." placeholder:"USER"`
	At   string `help:"As they were at this time or position of the log." placeholder:"WHEN"`
}

// Help is shown by --help.
func (rolesShow) Help() string {
	return `Site roles, and those in organizations.

Examples:

  roster roles show
  roster roles show ada --at 2026-05-03T10:00:00Z
`
}

// Run shows roles.
func (r *rolesShow) Run(ctx context.Context, o outputs) error {
	return r.call(ctx, func(typed *api.ClientWithResponses) error {
		found, err := typed.GetRolesWithResponse(ctx, r.User, &api.GetRolesParams{At: given(r.At)})
		if err != nil {
			return fmt.Errorf("show roles of %s: %w", r.User, err)
		}
		t := table{head: []string{"WHERE", "ROLES"}}
		t.add("site", words(found.JSON200.Roles))
		for _, m := range found.JSON200.Organizations {
			t.add("organization "+m.Organization, strings.Join(m.Roles, ", "))
		}
		return r.print(o, found.JSON200, t)
	})
}

type rolesSet struct {
	serverFlags
	outputFlag
	User string   `arg:"" help:"Id or username." placeholder:"USER"`
	Role []string `arg:"" optional:"" help:"All site roles from now on; none takes them all away." placeholder:"ROLE"`
}

// Help is shown by --help.
func (rolesSet) Help() string {
	return `Roles are owner, user-admin, template-admin, auditor, tester and system. Owners alone may give and take them. The last owner
stays one.

Examples:

  roster roles set grace auditor user-admin
  roster roles set grace
`
}

// Run replaces roles.
func (r *rolesSet) Run(ctx context.Context, o outputs) error {
	list := api.RoleList{Roles: []api.Role{}}
	for _, role := range r.Role {
		list.Roles = append(list.Roles, api.Role(role))
	}
	return r.call(ctx, func(typed *api.ClientWithResponses) error {
		changed, err := typed.SetRolesWithResponse(ctx, r.User, nil, list)
		if err != nil {
			return fmt.Errorf("set roles of %s: %w", r.User, err)
		}
		return r.print(o, changed.JSON200, userFields(changed.JSON200))
	})
}

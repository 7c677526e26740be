package main

import (
	"context"
	"errors"
	"fmt"

	api "github.com/rosterhq/roster/api/v1/client"
)

type usersCommand struct {
	List     usersList     `cmd:"" help:"List users."`
	Show     usersShow     `cmd:"" help:"Show a user, today or as it was."`
	Create   usersCreate   `cmd:"" help:"Create a user."`
	Suspend  usersSuspend  `cmd:"" help:"Suspend an account."`
	Activate usersActivate `cmd:"" help:"Activate a suspended or dormant account."`
	Delete   usersDelete   `cmd:"" help:"Delete a user."`
}

// Help is shown by --help.
func (usersCommand) Help() string {
	return `A user is named by id or username; "me" is the token's own.

Examples:

  roster users list --query ada
  roster users show ada --at 2026-05-03T10:00:00Z
  roster users create grace --email grace@example.com --role auditor --with-password
  roster users suspend grace
`
}

type usersList struct {
	serverFlags
	outputFlag
	Query string `help:"Only whose username or e-mail contains this text." short:"q" placeholder:"TEXT"`
	Limit int    `help:"At most so many; 0 for all." default:"100" placeholder:"N"`
}

// Help is shown by --help.
func (usersList) Help() string {
	return `In the order of the usernames, without those that were deleted.

Examples:

  roster users list
  roster users list --query example.com --limit 0 --output json
`
}

// Run lists users.
func (u *usersList) Run(ctx context.Context, o outputs) error {
	return u.call(ctx, func(typed *api.ClientWithResponses) error {
		all, more, err := pages(u.Limit, func(limit int, cursor string) ([]api.User, string, error) {
			page, err := typed.ListUsersWithResponse(ctx, &api.ListUsersParams{Limit: &limit, Cursor: given(cursor), Q: given(u.Query)})
			if err != nil {
				return nil, "", fmt.Errorf("list users: %w", err)
			}
			return page.JSON200.Items, page.JSON200.Next, nil
		})
		if err != nil {
			return err
		}
		t := table{head: []string{"USERNAME", "ID", "E-MAIL", "STATUS", "ROLES", "CREATED"}}
		for _, one := range all {
			t.add(one.Username, one.Id, one.Email, string(one.Status), words(one.Roles), moment(one.CreatedAt))
		}
		return printPage(u.outputFlag, o, all, t, more)
	})
}

type usersShow struct {
	serverFlags
	outputFlag
	User string `arg:"" help:"Id or username, or me." placeholder:"USER"`
	At   string `help:"As it was at this time or position of the log." placeholder:"WHEN"`
}

// Help is shown by --help.
func (usersShow) Help() string {
	return `Examples:

  roster users show ada
  roster users show ada --at 2026-05-03T10:00:00Z
  roster users show ada --at r1042 --output json
`
}

// Run shows a user.
func (u *usersShow) Run(ctx context.Context, o outputs) error {
	return u.call(ctx, func(typed *api.ClientWithResponses) error {
		found, err := typed.GetUserWithResponse(ctx, u.User, &api.GetUserParams{At: given(u.At)})
		if err != nil {
			return fmt.Errorf("show %s: %w", u.User, err)
		}
		return u.print(o, found.JSON200, userFields(found.JSON200))
	})
}

type usersCreate struct {
	serverFlags
	outputFlag
	Username     string   `arg:"" help:"Letters, digits and single hyphens between them, 1 to 32." placeholder:"USERNAME"`
	Email        string   `help:"E-mail address." placeholder:"ADDRESS"`
	Name         string   `help:"Full name." placeholder:"TEXT"`
	Role         []string `help:"Site roles, as owner, user-admin, template-admin, auditor." placeholder:"ROLE"`
	Language     string   `help:"Language tag, as en." placeholder:"TAG"`
	WithPassword bool     `help:"Ask for a password at the terminal, or read it from standard input."`
}

// Help is shown by --help.
func (usersCreate) Help() string {
	return `Without a password the user can not sign in by password, but may have API keys.

Examples:

  roster users create grace --email grace@example.com --name "Grace Hopper"
  roster users create grace --email grace@example.com --with-password < password.txt
  roster users create robot --role auditor
`
}

// Run creates a user.
func (u *usersCreate) Run(ctx context.Context, o outputs) error {
	made := api.NewUser{Username: u.Username, Email: u.Email, Name: u.Name, Language: u.Language}
	for _, role := range u.Role {
		made.Roles = append(made.Roles, api.Role(role))
	}
	if u.WithPassword {
		var err error
		if made.Password, err = readSecret(ctx, o, "Password of the new user: ", "password"); err != nil {
			return err
		}
	}
	return u.call(ctx, func(typed *api.ClientWithResponses) error {
		created, err := typed.CreateUserWithResponse(ctx, nil, made)
		if err != nil {
			return fmt.Errorf("create %s: %w", u.Username, err)
		}
		return u.print(o, created.JSON201, userFields(created.JSON201))
	})
}

type usersSuspend struct {
	serverFlags
	outputFlag
	User string `arg:"" help:"Id or username." placeholder:"USER"`
}

// Help is shown by --help.
func (usersSuspend) Help() string {
	return `Sessions and keys of the user are refused until roster users activate.

Examples:

  roster users suspend grace
`
}

// Run suspends an account.
func (u *usersSuspend) Run(ctx context.Context, o outputs) error {
	return u.call(ctx, func(typed *api.ClientWithResponses) error {
		changed, err := typed.SuspendUserWithResponse(ctx, u.User, nil)
		if err != nil {
			return fmt.Errorf("suspend %s: %w", u.User, err)
		}
		return u.print(o, changed.JSON200, userFields(changed.JSON200))
	})
}

type usersActivate struct {
	serverFlags
	outputFlag
	User string `arg:"" help:"Id or username." placeholder:"USER"`
}

// Help is shown by --help.
func (usersActivate) Help() string {
	return `Examples:

  roster users activate grace
`
}

// Run activates an account.
func (u *usersActivate) Run(ctx context.Context, o outputs) error {
	return u.call(ctx, func(typed *api.ClientWithResponses) error {
		changed, err := typed.ActivateUserWithResponse(ctx, u.User, nil)
		if err != nil {
			return fmt.Errorf("activate %s: %w", u.User, err)
		}
		return u.print(o, changed.JSON200, userFields(changed.JSON200))
	})
}

type usersDelete struct {
	serverFlags
	User string `arg:"" help:"Id or username." placeholder:"USER"`
	Yes  bool   `help:"Yes, this user. Nothing is deleted without it."`
}

// Help is shown by --help.
func (usersDelete) Help() string {
	return `Username and e-mail are free at once, sessions and keys are dead. It can not be undone. What is known of the person stays
in the log, sealed, until the person is erased.

Examples:

  roster users delete grace --yes
`
}

// Run deletes a user.
func (u *usersDelete) Run(ctx context.Context, o outputs) error {
	if !u.Yes {
		return usageError{try(errors.New("deleting a user can not be undone: say --yes"), "roster users delete "+shellWord(u.User)+" --yes")}
	}
	return u.call(ctx, func(typed *api.ClientWithResponses) error {
		if _, err := typed.DeleteUserWithResponse(ctx, u.User, nil); err != nil {
			return fmt.Errorf("delete %s: %w", u.User, err)
		}
		_, err := fmt.Fprintf(o.out, "deleted %s\n", plainText(u.User))
		return err
	})
}

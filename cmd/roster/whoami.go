package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	api "github.com/rosterhq/roster/api/v1/client"
)

type whoamiCommand struct {
	serverFlags
	outputFlag
}

// Help is shown by --help.
func (whoamiCommand) Help() string {
	return `Examples:

  roster whoami
  roster whoami --output json
`
}

// Run shows who the token belongs to.
func (w *whoamiCommand) Run(ctx context.Context, o outputs) error {
	return w.call(ctx, func(typed *api.ClientWithResponses) error {
		found, err := typed.GetUserWithResponse(ctx, "me", nil)
		if err != nil {
			return fmt.Errorf("ask who the token belongs to: %w", err)
		}
		return w.print(o, found.JSON200, userFields(found.JSON200))
	})
}

// userFields is one user as people read it.
func userFields(u *api.User) table {
	return fields(
		[2]string{"Username", u.Username}, [2]string{"Id", u.Id}, [2]string{"Number", strconv.FormatInt(u.Number, 10)},
		[2]string{"E-mail", u.Email}, [2]string{"Name", u.Name}, [2]string{"Status", string(u.Status)},
		[2]string{"Roles", words(u.Roles)}, [2]string{"Organizations", memberships(u.Organizations)},
		[2]string{"Sign-in", string(u.LoginType)}, [2]string{"Language", u.Language},
		[2]string{"Created", moment(u.CreatedAt)}, [2]string{"Updated", moment(u.UpdatedAt)},
	)
}

func memberships(all []api.Membership) string {
	out := make([]string, len(all))
	for i, m := range all {
		out[i] = m.Organization
		if len(m.Roles) > 0 {
			out[i] += " (" + strings.Join(m.Roles, ", ") + ")"
		}
	}
	return strings.Join(out, ", ")
}

// words joins texts of any kind.
func words[T ~string](list []T) string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = string(v)
	}
	return strings.Join(out, ", ")
}

func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

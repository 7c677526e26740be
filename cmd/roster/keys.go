package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	api "github.com/rosterhq/roster/api/v1/client"
)

type keysCommand struct {
	List   keysList   `cmd:"" help:"List sessions and API keys."`
	Create keysCreate `cmd:"" help:"Make an API key."`
	Delete keysDelete `cmd:"" help:"Delete a session or API key."`
	Rotate keysRotate `cmd:"" help:"Change the master key, which wraps all data keys."`
}

// Help is shown by --help.
func (keysCommand) Help() string {
	return `Examples:

  roster keys list
  roster keys create --name importer --scope users:write --lifetime 720h
  roster keys delete aB3dE6gH9j
`
}

type keysList struct {
	serverFlags
	outputFlag
	User string `arg:"" optional:"" default:"me" help:"Whose: id or username; default the token's own." placeholder:"USER"`
	At   string `help:"As they were at this time or position of the log." placeholder:"WHEN"`
}

// Help is shown by --help.
func (keysList) Help() string {
	return `The newest first. Their secrets are shown to nobody.

Examples:

  roster keys list
  roster keys list ada --output json
`
}

// Run lists keys.
func (k *keysList) Run(ctx context.Context, o outputs) error {
	return k.call(ctx, func(typed *api.ClientWithResponses) error {
		found, err := typed.ListKeysWithResponse(ctx, k.User, &api.ListKeysParams{At: given(k.At)})
		if err != nil {
			return fmt.Errorf("list keys of %s: %w", k.User, err)
		}
		t := table{head: []string{"ID", "KIND", "NAME", "SCOPES", "CREATED", "EXPIRES"}}
		for _, one := range found.JSON200.Items {
			kind := "session (" + string(one.LoginType) + ")"
			if one.LoginType == "token" {
				kind = "key"
			}
			t.add(one.Id, kind, one.Name, strings.Join(one.Scopes, ", "), moment(one.CreatedAt), moment(one.ExpiresAt))
		}
		return k.print(o, found.JSON200, t)
	})
}

type keysCreate struct {
	serverFlags
	outputFlag
	User     string        `arg:"" optional:"" default:"me" help:"For whom: id or username; default the token's own." placeholder:"USER"`
	Name     string        `help:"What it is called; unique among the user's keys." placeholder:"TEXT"`
	Scope    []string      `help:"What it may do; everything that its user may by default." placeholder:"SCOPE"`
	Lifetime time.Duration `help:"How long it lives, as 720h; default 168h." placeholder:"TIME"`
}

// Help is shown by --help.
func (keysCreate) Help() string {
	return `The token is printed once, and never again. With --output table it is the only thing on standard output, so that it can go
into a file or a variable; what the key is goes to standard error.

Examples:

  roster keys create --name backup --scope log:read --lifetime 8760h > token.txt
  export ROSTER_TOKEN=$(roster keys create --name reports --scope events:read)
`
}

// Run makes a key.
func (k *keysCreate) Run(ctx context.Context, o outputs) error {
	wanted := api.NewKey{Name: k.Name, Scopes: k.Scope, LifetimeSeconds: int64(k.Lifetime / time.Second)}
	return k.call(ctx, func(typed *api.ClientWithResponses) error {
		made, err := typed.CreateKeyWithResponse(ctx, k.User, nil, wanted)
		if err != nil {
			return fmt.Errorf("make a key for %s: %w", k.User, err)
		}
		if k.json() {
			return printJSON(o.out, made.JSON201)
		}
		_, _ = fmt.Fprintf(o.err, "made key %s, which ends at %s\n", plainText(made.JSON201.Id), moment(made.JSON201.ExpiresAt))
		_, err = fmt.Fprintln(o.out, made.JSON201.Token)
		return err
	})
}

type keysDelete struct {
	serverFlags
	Key  string `arg:"" help:"Id of the session or key, as roster keys list shows it." placeholder:"KEY"`
	User string `help:"Whose: id or username; default the token's own." default:"me" placeholder:"USER"`
}

// Help is shown by --help.
func (keysDelete) Help() string {
	return `Whoever uses it is refused at once.

Examples:

  roster keys delete aB3dE6gH9j
  roster keys delete aB3dE6gH9j --user grace
`
}

// Run deletes a key.
func (k *keysDelete) Run(ctx context.Context, o outputs) error {
	return k.call(ctx, func(typed *api.ClientWithResponses) error {
		if _, err := typed.DeleteKeyWithResponse(ctx, k.User, k.Key, nil); err != nil {
			return try(fmt.Errorf("delete key %s of %s: %w", k.Key, k.User, err), "roster keys list "+shellWord(k.User))
		}
		_, err := fmt.Fprintf(o.out, "deleted key %s\n", plainText(k.Key))
		return err
	})
}

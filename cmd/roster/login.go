package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	api "github.com/rosterhq/roster/api/v1/client"
	"github.com/rosterhq/roster/cmd/roster/internal/client"
	"github.com/rosterhq/roster/cmd/roster/internal/profile"
)

// profileFlags say which profile is meant.
type profileFlags struct {
	Profile  string `help:"Name of the profile." env:"ROSTER_PROFILE" default:"default" placeholder:"NAME"`
	Profiles string `help:"File of the profiles; default roster/profiles.json in the directory of settings." env:"ROSTER_PROFILES" placeholder:"FILE"`
}

func (p profileFlags) flags() serverFlags {
	return serverFlags{Profile: p.Profile, Profiles: p.Profiles}
}

type loginCommand struct {
	profileFlags
	Server    string `help:"Address of the server; default that of the profile, else http://127.0.0.1:8080." env:"ROSTER_SERVER" placeholder:"URL"`
	Email     string `help:"E-mail address of the user." placeholder:"ADDRESS"`
	WithToken bool   `help:"Keep a token, read from standard input, instead of signing in by password."`
}

// Help is shown by --help.
func (loginCommand) Help() string {
	return `The password is asked for at the terminal, or read from standard input. The session's token goes into a profile, a file
that nobody else can read; every command uses it from then on.

For what runs by itself, an API key with few scopes is better than a session: roster keys create.

Examples:

  roster login --email ada@example.com
  roster login --server https://roster.example.com --profile production --email ada@example.com
  roster login --with-token < token.txt
`
}

// Run signs in.
func (l *loginCommand) Run(ctx context.Context, o outputs) error {
	flags := l.flags()
	file, err := flags.profiles()
	if err != nil {
		return err
	}
	server := l.Server
	if server == "" {
		server = file.Profiles[flags.profileName()].Server
	}
	if server == "" {
		server = defaultServer
	}
	if err := client.CheckServer(server); err != nil {
		return usageError{err}
	}
	token, err := l.token(ctx, o, server)
	if err != nil {
		return err
	}
	me, err := whoIs(ctx, server, token)
	if err != nil {
		return err
	}
	file.Profiles[flags.profileName()] = profile.Profile{Server: server, Token: token}
	if err := file.Write(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(o.out, "signed in to %s as %s, kept as profile %s\n", server, plainText(me.Username), plainText(flags.profileName()))
	return err
}

func (l *loginCommand) token(ctx context.Context, o outputs, server string) (string, error) {
	if l.WithToken {
		return readSecret(ctx, o, "Token: ", "token")
	}
	if l.Email == "" {
		return "", usageError{errors.New("no --email: whose account is it?")}
	}
	password, err := readSecret(ctx, o, "Password: ", "password")
	if err != nil {
		return "", err
	}
	cfg := client.Config{Server: server, UserAgent: "roster/" + version(), Stop: ctx.Done()}
	token, err := client.Login(ctx, cfg, l.Email, password)
	if errors.Is(err, client.ErrNoLogin) {
		return "", try(err, "roster login --with-token")
	}
	return token, err
}

// whoIs asks who a token belongs to.
func whoIs(ctx context.Context, server, token string) (*api.User, error) {
	flags := serverFlags{Server: server, Token: token}
	var me *api.User
	err := flags.call(ctx, func(typed *api.ClientWithResponses) error {
		found, err := typed.GetUserWithResponse(ctx, "me", nil)
		if err != nil {
			return fmt.Errorf("ask who the token belongs to: %w", err)
		}
		me = found.JSON200
		return nil
	})
	return me, err
}

type logoutCommand struct {
	profileFlags
}

// Help is shown by --help.
func (logoutCommand) Help() string {
	return `The session or key of the profile is deleted at the server, and the profile from the file.

Examples:

  roster logout
  roster logout --profile production
`
}

// Run signs out.
func (l *logoutCommand) Run(ctx context.Context, o outputs) error {
	flags := l.flags()
	file, err := flags.profiles()
	if err != nil {
		return err
	}
	kept, ok := file.Profiles[flags.profileName()]
	if !ok {
		return try(fmt.Errorf("there is no profile %q", flags.profileName()), "roster login")
	}
	if err := endSession(ctx, kept); err != nil {
		return err
	}
	delete(file.Profiles, flags.profileName())
	if err := file.Write(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(o.out, "signed out of %s\n", kept.Server)
	return err
}

// endSession deletes what a token belongs to; one that is dead already is fine.
func endSession(ctx context.Context, kept profile.Profile) error {
	flags := serverFlags{Server: kept.Server, Token: kept.Token}
	return flags.call(ctx, func(typed *api.ClientWithResponses) error {
		id, _, _ := strings.Cut(kept.Token, "-")
		_, err := typed.DeleteKeyWithResponse(ctx, "me", id, nil)
		if p, ok := errors.AsType[*client.Problem](err); ok && (p.Status == http.StatusUnauthorized || p.Status == http.StatusNotFound) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("end the session: %w", err)
		}
		return nil
	})
}

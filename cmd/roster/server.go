package main

import (
	"context"
	"errors"
	"fmt"

	api "github.com/rosterhq/roster/api/v1/client"
	"github.com/rosterhq/roster/cmd/roster/internal/client"
	"github.com/rosterhq/roster/cmd/roster/internal/profile"
)

const defaultServer = "http://127.0.0.1:8080"

// serverFlags say which server is meant, and who asks. A flag counts before the
// environment, and both before a profile.
type serverFlags struct {
	Server   string `help:"Address of the server; default that of the profile, else http://127.0.0.1:8080." env:"ROSTER_SERVER" placeholder:"URL"`
	Token    string `help:"Session token or API key. Others on the machine can read a command's arguments: rather sign in with roster login, or set ROSTER_TOKEN." env:"ROSTER_TOKEN" placeholder:"TOKEN"`
	Profile  string `help:"Profile that roster login made." env:"ROSTER_PROFILE" default:"default" placeholder:"NAME"`
	Profiles string `help:"File of the profiles; default roster/profiles.json in the directory of settings." env:"ROSTER_PROFILES" placeholder:"FILE"`
}

// connect makes a client for the server that is meant; Close it. Nothing is asked
// of the server yet. Its errors are mistakes of who calls.
func (s *serverFlags) connect(ctx context.Context, options ...func(*client.Config)) (*client.Client, error) {
	server, token, err := s.resolve()
	if err != nil {
		return nil, usageError{err}
	}
	cfg := client.Config{Server: server, Token: token, UserAgent: "roster/" + version(), Stop: ctx.Done()}
	for _, option := range options {
		option(&cfg)
	}
	c, err := client.New(cfg)
	if err != nil {
		return nil, usageError{err}
	}
	return c, nil
}

// call connects for one call of the generated client.
func (s *serverFlags) call(ctx context.Context, do func(*api.ClientWithResponses) error) error {
	c, err := s.connect(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	typed, err := c.API()
	if err != nil {
		return err
	}
	return do(typed)
}

// connections is an option of connect: how many requests are under way at once.
func connections(n int) func(*client.Config) {
	return func(c *client.Config) { c.Connections = n }
}

// resolve finds server and token. A profile's token is for the profile's server
// alone: another one would learn it.
func (s *serverFlags) resolve() (server, token string, err error) {
	server, token = s.Server, s.Token
	if server != "" && token != "" {
		return server, token, nil
	}
	kept, err := s.kept()
	if err != nil {
		return "", "", err
	}
	if server == "" {
		server = kept.Server
	}
	if server == "" {
		server = defaultServer
	}
	if token == "" && kept.Server == server {
		token = kept.Token
	}
	if token == "" {
		return "", "", try(errors.New("no token: sign in, or set ROSTER_TOKEN or give --token"), "roster login --server "+shellWord(server))
	}
	return server, token, nil
}

// kept returns the profile; an empty one when there is none by the default name.
func (s *serverFlags) kept() (profile.Profile, error) {
	file, err := s.profiles()
	if err != nil {
		return profile.Profile{}, err
	}
	p, ok := file.Profiles[s.profileName()]
	if !ok && s.profileName() != profile.Default {
		return profile.Profile{}, try(fmt.Errorf("no profile %q in the file of profiles, which has %q", s.Profile, file.Names()),
			"roster login --profile "+shellWord(s.Profile))
	}
	return p, nil
}

func (s *serverFlags) profileName() string {
	if s.Profile == "" {
		return profile.Default
	}
	return s.Profile
}

func (s *serverFlags) profiles() (*profile.File, error) {
	path := s.Profiles
	if path == "" {
		var err error
		if path, err = profile.Path(); err != nil {
			return &profile.File{}, nil //nolint:nilerr // no home, no profiles: flags and environment still do
		}
	}
	file, err := profile.Read(path)
	if errors.Is(err, profile.ErrReadable) {
		return nil, try(err, "chmod 600 "+shellWord(path))
	}
	return file, err
}

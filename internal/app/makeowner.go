package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/internal/config"
)

// MakeOwner says who becomes an owner of which installation. Whoever has its data
// directory, or its broker and master key, needs no other right.
type MakeOwner struct {
	User string // id, username or e-mail
	// Password is a new password of theirs; "" leaves the old one.
	Password string
	Settings config.API // those of the server
	Logger   *zap.Logger
}

// Run makes a user an owner whose account is active. It answers with the user as it
// is then, and whether anything changed.
func (o MakeOwner) Run(ctx context.Context) (made commands.User, changed bool, err error) {
	p := &parts{log: o.Logger}
	defer func() { err = errors.Join(err, p.abandon(ctx, nil)) }()
	log, err := openStopped(ctx, p, o.Settings)
	if err != nil {
		return commands.User{}, false, err
	}
	service, err := commands.NewService(ctx, commands.Config{
		Log: log, Clock: time.Now, Logger: o.Logger, PasswordMinEntropy: o.Settings.PasswordMinEntropy,
	})
	if err != nil {
		return commands.User{}, false, fmt.Errorf("start the commands: %w", err)
	}
	return o.promote(ctx, service)
}

func (o MakeOwner) promote(ctx context.Context, s *commands.Service) (commands.User, bool, error) {
	user, err := o.find(ctx, s)
	if err != nil {
		return commands.User{}, false, err
	}
	request := commands.Request{Actor: commands.Actor{UserID: commands.SystemActor}, Reason: "roster make-owner"}
	var changed bool
	if o.Password != "" { // first: what is wrong with it leaves all as it is
		set, err := s.UpdateUser(ctx, request, commands.UpdateUser{UserID: user.ID, Password: &o.Password})
		if err != nil {
			return commands.User{}, false, fmt.Errorf("set the password: %w", err)
		}
		changed = set.Changed
	}
	active, err := s.Activate(ctx, request, user.ID)
	if err != nil {
		return commands.User{}, false, fmt.Errorf("activate the account: %w", err)
	}
	roles := append(slices.Clone(active.User.Roles), events.RoleOwner)
	made, err := s.AssignRoles(ctx, request, commands.AssignRoles{UserID: user.ID, Roles: roles})
	if err != nil {
		return commands.User{}, false, fmt.Errorf("assign the role: %w", err)
	}
	return made.User, changed || active.Changed || made.Changed, nil
}

// find looks by id, username and e-mail, in this order.
func (o MakeOwner) find(ctx context.Context, s *commands.Service) (commands.User, error) {
	for _, ref := range []commands.UserRef{{ID: o.User}, {Username: o.User}, {Email: o.User}} {
		user, err := s.Find(ctx, ref)
		if err == nil {
			return user, nil
		}
		if commands.CodeOf(err) != commands.NotFound {
			return commands.User{}, fmt.Errorf("look for the user: %w", err)
		}
	}
	return commands.User{}, errors.New("there is no such user")
}

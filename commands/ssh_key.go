package commands

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"

	"golang.org/x/crypto/ssh"

	"github.com/rosterhq/roster/events"
)

// newSSHKey makes a key pair: the public half as one line of authorized_keys, the
// private one as OpenSSH writes it.
func newSSHKey() (events.UserSSHKeyPrivate, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return events.UserSSHKeyPrivate{}, fmt.Errorf("make SSH key: %w", err)
	}
	line, err := ssh.NewPublicKey(public)
	if err != nil {
		return events.UserSSHKeyPrivate{}, fmt.Errorf("write public SSH key: %w", err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		return events.UserSSHKeyPrivate{}, fmt.Errorf("write private SSH key: %w", err)
	}
	return events.UserSSHKeyPrivate{
		PublicKey:  string(ssh.MarshalAuthorizedKey(line)),
		PrivateKey: string(pem.EncodeToMemory(block)),
	}, nil
}

// generateSSHKey gives a user a key pair.
type generateSSHKey struct {
	pair    events.UserSSHKeyPrivate
	missing bool // only if there is none yet
}

// actions: who may see the public half may be the first to need it.
func (c generateSSHKey) actions(facts) []Action {
	if c.missing {
		return []Action{ReadPersonal}
	}
	return []Action{WritePersonal}
}

func (generateSSHKey) claims(User) []events.Claim { return nil }

func decideSSHKey(u User, c generateSSHKey) (decision, *Error) {
	if c.missing && u.SSHKey != nil {
		return decision{}, nil
	}
	return decided(&events.UserSSHKeyGenerated{Sealed: events.Seal(c.pair)})
}

// EnsureSSHKey makes a user's key pair if there is none: users get theirs at
// registration only where the dialect asks for it. Result.User.SSHKey is the pair.
func (s *Service) EnsureSSHKey(ctx context.Context, r Request, userID string) (Result, error) {
	return s.generateSSHKey(ctx, r, userID, true)
}

// RegenerateSSHKey replaces a user's key pair; the old one is gone for good.
func (s *Service) RegenerateSSHKey(ctx context.Context, r Request, userID string) (Result, error) {
	return s.generateSSHKey(ctx, r, userID, false)
}

func (s *Service) generateSSHKey(ctx context.Context, r Request, userID string, missing bool) (Result, error) {
	pair, err := newSSHKey()
	if err != nil {
		return Result{}, err
	}
	return s.checked(ctx, r, userID, generateSSHKey{pair: pair, missing: missing}, &problems{})
}

// Package vault holds the cryptography of an installation: the master key only
// wraps; data keys and the installation's secret are random and wrapped by it.
// It does no I/O.
package vault

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
)

// MasterKeySize is the length of a master key in bytes.
const MasterKeySize = 32

// idSize is the length of a master key's id in bytes.
const idSize = 4

// version is the first byte of a wrapped key, so that another way of wrapping
// can follow one day.
const version = 1

// Errors of the keys. Both kinds of log answer with these.
var (
	// ErrWrongMasterKey says that the master key, or none of those that there are, is
	// the one that a key of this installation was wrapped with.
	ErrWrongMasterKey = errors.New("wrong master key")
	// ErrNoKey says that no data key was ever made for a user: a mistake or a
	// damaged log, where events.ErrErased is an answer.
	ErrNoKey = errors.New("no data key was ever made")
)

// Vault wraps keys under the master key. It is safe for concurrent use.
type Vault struct {
	aead cipher.AEAD
	id   string
}

// ID tells master keys apart and nothing else about them: 8 hexadecimal digits.
func (v *Vault) ID() string { return v.id }

// New makes a vault of a master key of MasterKeySize bytes. The key that wraps
// is derived from it, so that the master key itself encrypts nothing.
func New(master []byte) (*Vault, error) {
	if len(master) != MasterKeySize {
		return nil, fmt.Errorf("master key: got %d bytes, want %d", len(master), MasterKeySize)
	}
	raw, err := hkdf.Key(sha256.New, master, nil, "roster/wrap/v1", 32)
	if err != nil {
		return nil, fmt.Errorf("derive wrapping key: %w", err)
	}
	block, err := aes.NewCipher(raw)
	if err != nil {
		return nil, fmt.Errorf("wrapping key: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("wrapping key: %w", err)
	}
	id, err := hkdf.Key(sha256.New, master, nil, "roster/wrap/id/v1", idSize)
	if err != nil {
		return nil, fmt.Errorf("name the master key: %w", err)
	}
	return &Vault{aead: aead, id: hex.EncodeToString(id)}, nil
}

// Wrap seals a raw key and binds it to its name, so that a wrapped key moved to
// another name does not open.
func (v *Vault) Wrap(raw []byte, name string) []byte {
	out := make([]byte, 1, 1+len(raw)+v.aead.Overhead())
	out[0] = version
	return v.aead.Seal(out, nil, raw, []byte(name))
}

// Unwrap is the reverse of Wrap.
func (v *Vault) Unwrap(box []byte, name string) ([]byte, error) {
	if len(box) == 0 || box[0] != version {
		return nil, fmt.Errorf("unwrap %s: unknown form", name)
	}
	raw, err := v.aead.Open(nil, nil, box[1:], []byte(name))
	if err != nil {
		return nil, fmt.Errorf("unwrap %s: %w", name, err)
	}
	return raw, nil
}

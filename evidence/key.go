package evidence

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// Key signs checkpoints.
type Key struct {
	note.Signer
	public string
}

// Public is what checkpoints are verified with: name, hash and key. It is no secret.
func (k *Key) Public() string { return k.public }

// keyParts are those of a signing key's text.
const keyParts = 5

// errBadKey does not repeat the key.
var errBadKey = errors.New("is no key for checkpoints: make one with roster checkpoints make-key")

// MakeKey makes a signing key and returns it as the text that ParseKey reads. Whoever
// verifies sees the name, which may not have spaces or plus signs.
func MakeKey(random io.Reader, name string) (secret string, err error) {
	if name == "" || strings.ContainsAny(name, "+ \t\r\n") {
		return "", fmt.Errorf("%q can not be a key's name: it must have no spaces and no plus signs", name)
	}
	secret, _, err = note.GenerateKey(random, name)
	if err != nil {
		return "", fmt.Errorf("make a key for checkpoints: %w", err)
	}
	return secret, nil
}

// ParseKey reads a signing key.
func ParseKey(secret string) (*Key, error) {
	secret = strings.TrimSpace(secret)
	signer, err := note.NewSigner(secret)
	if err != nil {
		return nil, errBadKey
	}
	// PRIVATE+KEY+name+hash+key; the key, which may have plus signs itself, is a byte for
	// the algorithm, and the seed.
	parts := strings.SplitN(secret, "+", keyParts)
	raw, err := base64.StdEncoding.DecodeString(parts[keyParts-1])
	if err != nil || len(raw) != 1+ed25519.SeedSize {
		return nil, errBadKey
	}
	public, ok := ed25519.NewKeyFromSeed(raw[1:]).Public().(ed25519.PublicKey)
	if !ok {
		return nil, errBadKey
	}
	verifier, err := note.NewEd25519VerifierKey(signer.Name(), public)
	if err != nil {
		return nil, errBadKey
	}
	return &Key{Signer: signer, public: verifier}, nil
}

// Verifiers reads public keys.
func Verifiers(public ...string) (note.Verifiers, error) {
	list := make([]note.Verifier, 0, len(public))
	for _, text := range public {
		v, err := note.NewVerifier(strings.TrimSpace(text))
		if err != nil {
			return nil, fmt.Errorf("%q is no public key for checkpoints: it has the form name+hash+key", text)
		}
		list = append(list, v)
	}
	return note.VerifierList(list...), nil
}

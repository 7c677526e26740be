package signin

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"io"

	"golang.org/x/oauth2"
)

// Attempt is one try of one browser to sign in, from its start to its callback.
type Attempt struct {
	State    string // comes back with the code
	Verifier string // the secret of the try (RFC 7636); the provider sees its hash
	Callback string // where the provider sends the browser back to
	Issuer   string // who the callback says it comes from (RFC 9207); "" when it does not
}

const (
	stateLength     = 32
	verifierBytes   = 32
	stateCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
)

// NewState makes a state: 32 random characters that need no escaping.
func NewState() string {
	raw := make([]byte, stateLength)
	_, _ = io.ReadFull(rand.Reader, raw) // it never fails
	for i, b := range raw {
		raw[i] = stateCharacters[b&63] // 64 characters: none is likelier
	}
	return string(raw)
}

// NewVerifier makes the secret of an attempt.
func NewVerifier() string {
	raw := make([]byte, verifierBytes)
	_, _ = io.ReadFull(rand.Reader, raw)
	return base64.RawURLEncoding.EncodeToString(raw)
}

// nonce ties an id token to the attempt. It is made of the verifier, so that a
// browser need not keep one more secret, and does not give it away.
func (a Attempt) nonce() string {
	sum := sha256.Sum256([]byte("nonce of an id token\n" + a.Verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func (a Attempt) challenge() oauth2.AuthCodeOption { return oauth2.S256ChallengeOption(a.Verifier) }

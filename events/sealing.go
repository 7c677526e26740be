package events

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
)

// KeySize is the length of a data key in bytes (AES-256).
const KeySize = 32

// ErrErased says that a data key was destroyed on purpose: what it sealed is
// gone for good. It is an answer, not a failure.
var ErrErased = errors.New("data key is erased")

// DataKey seals and opens the personal part of one user's events. It is safe
// for concurrent use.
type DataKey struct{ aead cipher.AEAD }

// NewDataKey makes a data key of KeySize raw bytes.
func NewDataKey(raw []byte) (*DataKey, error) {
	if len(raw) != KeySize {
		return nil, fmt.Errorf("data key: got %d bytes, want %d", len(raw), KeySize)
	}
	block, err := aes.NewCipher(raw)
	if err != nil {
		return nil, fmt.Errorf("data key: %w", err)
	}
	// A random nonce per message: 2^32 messages per key is the bound of NIST
	// SP 800-38D, far beyond one person's events.
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("data key: %w", err)
	}
	return &DataKey{aead: aead}, nil
}

// NewRawKey returns KeySize fresh random bytes.
func NewRawKey() []byte {
	raw := make([]byte, KeySize)
	_, _ = rand.Read(raw) // never fails, by its documentation
	return raw
}

// Seal encrypts plain and binds it to the associated data.
func (k *DataKey) Seal(plain, associated []byte) []byte {
	return k.aead.Seal(nil, nil, plain, associated)
}

// Open is the reverse of Seal. It fails when the box was changed or moved to
// another place (other associated data).
func (k *DataKey) Open(box, associated []byte) ([]byte, error) {
	plain, err := k.aead.Open(nil, nil, box, associated)
	if err != nil {
		return nil, fmt.Errorf("open sealed part: %w", err)
	}
	return plain, nil
}

// Sealed is embedded in payloads that have a part of secrets or personal data.
// Private never lies in the log in clear; Box is its sealed form on the wire.
type Sealed[T any] struct {
	Private T      `json:"-"`
	Box     []byte `json:"sealed,omitempty"`
}

// Seal wraps the private part for a payload literal.
func Seal[T any](private T) Sealed[T] { return Sealed[T]{Private: private} }

func (s *Sealed[T]) private() any { return &s.Private }
func (s *Sealed[T]) box() *[]byte { return &s.Box }

// sealable is a payload with a private part.
type sealable interface {
	private() any
	box() *[]byte
}

// associated binds a sealed part to its event.
func associated(m *Meta) []byte {
	return append(append(make([]byte, 0, len(m.ID)+len(m.Type)+1), m.ID...), "\n"+string(m.Type)...)
}

// PrivatePart returns a pointer to the private part of a payload, or nil where
// it has none.
func PrivatePart(p Payload) any {
	if s, ok := p.(sealable); ok {
		return s.private()
	}
	return nil
}

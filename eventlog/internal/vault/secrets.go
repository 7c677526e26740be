package vault

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"sync"
)

// SecretsName is the name that the installation's secret is wrapped under.
const SecretsName = "installation/secret"

// UserKeyName is the name that a user's data key is wrapped under.
func UserKeyName(userID string) string { return "user/" + userID }

// Secrets derives the installation's secrets, one for each purpose, from one
// random secret that was made once. It is safe for concurrent use.
type Secrets struct {
	root []byte
	hash []byte
	macs sync.Pool // of hash.Hash keyed with hash: making one costs more than using it
}

// NewSecrets makes the secrets of a root of 32 random bytes.
func NewSecrets(root []byte) (*Secrets, error) {
	if len(root) != 32 {
		return nil, fmt.Errorf("installation secret: got %d bytes, want 32", len(root))
	}
	s := &Secrets{root: root}
	s.hash = s.Secret("keyed-hash")
	return s, nil
}

// Secret returns 32 bytes that are the same for a purpose for ever and tell
// nothing of those for another.
func (s *Secrets) Secret(purpose string) []byte {
	key, err := hkdf.Key(sha256.New, s.root, nil, "roster/secret/v1/"+purpose, 32)
	if err != nil {
		panic("vault: derive secret: " + err.Error()) // only for lengths beyond 255 hashes
	}
	return key
}

// KeyedHash returns a keyed hash (32 bytes, hexadecimal) of a value for a
// purpose, the same in every process of the installation.
func (s *Secrets) KeyedHash(purpose, value string) string {
	mac, ok := s.macs.Get().(hash.Hash)
	if !ok {
		mac = hmac.New(sha256.New, s.hash)
	}
	defer s.macs.Put(mac)
	mac.Reset()
	// The length in front keeps ("a", "bc") apart from ("ab", "c").
	buf := make([]byte, 0, len(purpose)+len(value)+1)
	buf = append(buf, byte(len(purpose)))
	buf = append(buf, purpose...)
	buf = append(buf, value...)
	mac.Write(buf)
	var sum [sha256.Size]byte
	return hex.EncodeToString(mac.Sum(sum[:0]))
}

package commands

import (
	"crypto/rand"
	"crypto/sha256"

	"github.com/google/uuid"
)

// The two parts of a token "<id>-<secret>". Ids are looked up, secrets only
// compared by their hash.
const (
	keyIDLength  = 10
	secretLength = 22 // 131 bits
)

const alphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// randomText returns n random characters of the alphabet, each as likely as the
// others. The alphabet has at most 64 characters.
func randomText(n int, alphabet string) string {
	out := make([]byte, 0, n)
	var buf [32]byte
	for len(out) < n {
		_, _ = rand.Read(buf[:]) // never fails, by its documentation
		for _, b := range buf {
			if i := int(b & 63); i < len(alphabet) && len(out) < n {
				out = append(out, alphabet[i])
			}
		}
	}
	return string(out)
}

// newToken makes a token. Its secret's hash is what the log keeps.
func newToken() (id, token string, hash []byte) {
	id = randomText(keyIDLength, alphanumeric)
	secret := randomText(secretLength, alphanumeric)
	return id, id + "-" + secret, HashSecret(secret)
}

// HashSecret returns what is kept of the secret of a session or key. Secrets are
// random and long: a fast hash is enough.
func HashSecret(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

// newID returns a fresh UUIDv7.
func newID() string { return uuid.Must(uuid.NewV7()).String() }

// canonicalID returns the one form of an id. What has not the form of an id must
// never reach the log, where ids are part of subjects.
func canonicalID(s string) (string, bool) {
	if len(s) != 36 {
		return "", false
	}
	id, err := uuid.Parse(s)
	return id.String(), err == nil
}

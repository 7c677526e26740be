package commands

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"strconv"
	"strings"

	"github.com/alexedwards/argon2id"
	"golang.org/x/crypto/bcrypt"
)

// The most that checking an imported hash may cost: about a second of one core,
// so that no hash from outside can be made to stop sign-ins.
const (
	maxBcryptCost       = 15
	maxPBKDF2Iterations = 2_000_000
	maxArgonMemoryKiB   = 256 * 1024
	maxArgonIterations  = 16
	maxHashLength       = 512
)

var errHashForm = errors.New("this is no password hash of a known form")

// passwordHash is a stored password that can be compared with. Users who moved
// in from elsewhere keep theirs until the next sign-in makes one of ours.
type passwordHash interface {
	matches(password string) (bool, error)
}

// parseHash reads argon2id, bcrypt as Devise and Node write it, PBKDF2 as Coder,
// Django and PM415 write it, and what Django makes of the others.
func parseHash(s string) (passwordHash, error) {
	switch {
	case len(s) > maxHashLength:
		return nil, errHashForm
	case strings.HasPrefix(s, "$argon2id$"):
		return parseArgon(s)
	case strings.HasPrefix(s, "$2a$"), strings.HasPrefix(s, "$2b$"), strings.HasPrefix(s, "$2y$"):
		return parseBcrypt(s)
	case strings.HasPrefix(s, "$pbkdf2-sha256$"):
		return parseCoderPBKDF2(s)
	case strings.HasPrefix(s, "pbkdf2_sha256$"):
		return parseDjangoPBKDF2(s)
	case strings.HasPrefix(s, "argon2$argon2id$"):
		return parseArgon(strings.TrimPrefix(s, "argon2"))
	case strings.HasPrefix(s, "bcrypt$"):
		return parseBcrypt(strings.TrimPrefix(s, "bcrypt$"))
	case strings.HasPrefix(s, "bcrypt_sha256$"):
		return parseDjangoBcrypt(strings.TrimPrefix(s, "bcrypt_sha256$"))
	case strings.Count(s, ".") == 2:
		return parsePM415(s)
	default:
		return nil, errHashForm
	}
}

// argonHash is a hash in the form that this release writes, with any parameters.
type argonHash struct {
	text   string
	params argon2id.Params
}

func parseArgon(s string) (passwordHash, error) {
	params, _, _, err := argon2id.DecodeHash(s)
	if err != nil {
		return nil, errHashForm
	}
	if params.Memory > maxArgonMemoryKiB || params.Iterations > maxArgonIterations || params.Memory == 0 || params.Iterations == 0 || params.Parallelism == 0 {
		return nil, fmt.Errorf("%w: its costs are out of bounds", errHashForm)
	}
	return argonHash{text: s, params: *params}, nil
}

func (h argonHash) matches(password string) (bool, error) {
	return argon2id.ComparePasswordAndHash(password, h.text)
}

type bcryptHash string

func parseBcrypt(s string) (passwordHash, error) {
	cost, err := bcrypt.Cost([]byte(s))
	if err != nil || len(s) != 60 {
		return nil, errHashForm
	}
	if cost > maxBcryptCost {
		return nil, fmt.Errorf("%w: its cost is over %d", errHashForm, maxBcryptCost)
	}
	return bcryptHash(s), nil
}

// bcryptBytes is how much of a password bcrypt looks at; those who wrote the
// hashes cut what was longer.
const bcryptBytes = 72

func (h bcryptHash) matches(password string) (bool, error) {
	err := bcrypt.CompareHashAndPassword([]byte(h), []byte(password[:min(len(password), bcryptBytes)]))
	if errors.Is(err, bcrypt.ErrMismatchedHashAndPassword) {
		return false, nil
	}
	return err == nil, err
}

// hashedBcrypt is a bcrypt of the SHA-256 of the password, in hexadecimal, by which
// Django lifts bcrypt's bound.
type hashedBcrypt struct{ passwordHash }

func parseDjangoBcrypt(s string) (passwordHash, error) {
	inner, err := parseBcrypt(s)
	return hashedBcrypt{inner}, err
}

func (h hashedBcrypt) matches(password string) (bool, error) {
	sum := sha256.Sum256([]byte(password))
	return h.passwordHash.matches(hex.EncodeToString(sum[:]))
}

// pbkdf2Hash is PBKDF2 with HMAC (RFC 8018).
type pbkdf2Hash struct {
	hash       func() hash.Hash
	iterations int
	salt, key  []byte
}

// parseCoderPBKDF2 reads "$pbkdf2-sha256$<iterations>$<salt>$<key>", both in
// unpadded base64.
func parseCoderPBKDF2(s string) (passwordHash, error) {
	parts := strings.Split(s, "$")
	if len(parts) != 5 {
		return nil, errHashForm
	}
	salt, saltErr := base64.RawStdEncoding.DecodeString(parts[3])
	key, keyErr := base64.RawStdEncoding.DecodeString(parts[4])
	if saltErr != nil || keyErr != nil {
		return nil, errHashForm
	}
	return newPBKDF2(sha256.New, parts[2], salt, key)
}

// parseDjangoPBKDF2 reads "pbkdf2_sha256$<iterations>$<salt>$<key>": the salt is
// text as it stands, the key padded base64.
func parseDjangoPBKDF2(s string) (passwordHash, error) {
	parts := strings.Split(s, "$")
	if len(parts) != 4 {
		return nil, errHashForm
	}
	key, err := base64.StdEncoding.DecodeString(parts[3])
	if err != nil {
		return nil, errHashForm
	}
	return newPBKDF2(sha256.New, parts[1], []byte(parts[2]), key)
}

// parsePM415 reads "<salt>.<iterations>.<key>" of PBKDF2-SHA512: the salt is text as
// it stands, the key hexadecimal.
func parsePM415(s string) (passwordHash, error) {
	parts := strings.Split(s, ".")
	key, err := hex.DecodeString(parts[2])
	if err != nil {
		return nil, errHashForm
	}
	return newPBKDF2(sha512.New, parts[1], []byte(parts[0]), key)
}

func newPBKDF2(hash func() hash.Hash, iterations string, salt, key []byte) (passwordHash, error) {
	n, err := strconv.Atoi(iterations)
	if err != nil || n < 1 || len(salt) == 0 || len(key) < 16 || len(key) > 128 {
		return nil, errHashForm
	}
	if n > maxPBKDF2Iterations {
		return nil, fmt.Errorf("%w: it has over %d iterations", errHashForm, maxPBKDF2Iterations)
	}
	return pbkdf2Hash{hash: hash, iterations: n, salt: salt, key: key}, nil
}

func (h pbkdf2Hash) matches(password string) (bool, error) {
	key, err := pbkdf2.Key(h.hash, password, h.salt, h.iterations, len(h.key))
	if err != nil {
		return false, fmt.Errorf("derive key: %w", err)
	}
	return subtle.ConstantTimeCompare(key, h.key) == 1, nil
}

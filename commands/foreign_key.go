package commands

import (
	"crypto/hmac"
	"crypto/sha256"
	"math/big"
)

// ForeignKeyID returns the id of a key that has another system's form: any text,
// of which sum is the SHA-256. Such a key is found by this id, and compared by sum,
// as one of ours is by its own id and the hash of its secret.
//
// The id tells 59 bits about the key, so that it says nothing of one that can not
// be guessed; two keys share one once in a billion of keys, and the second of them
// is refused.
func ForeignKeyID(sum [sha256.Size]byte) string {
	h := hmac.New(sha256.New, []byte("roster: id of a foreign key"))
	_, _ = h.Write(sum[:])
	n, base, digit := new(big.Int).SetBytes(h.Sum(nil)), big.NewInt(int64(len(alphanumeric))), new(big.Int)
	id := make([]byte, keyIDLength)
	for i := range id {
		n.DivMod(n, base, digit)
		id[i] = alphanumeric[digit.Int64()]
	}
	return string(id)
}

// Bounds of keys of other forms, in bytes. Shorter ones could be guessed.
const (
	ShortestForeignKey = 20
	LongestForeignKey  = 4096
)

// IsForeignKey says whether a text can be a key of another system: visible ASCII
// characters, so that it fits into a header.
func IsForeignKey(s string) bool {
	if len(s) < ShortestForeignKey || len(s) > LongestForeignKey {
		return false
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

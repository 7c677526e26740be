package gate

import "strings"

// Lengths of the two parts of a token.
const (
	KeyIDLength  = 10
	SecretLength = 22
)

// ParseToken splits "<id>-<secret>". Its error is *Error with reason Malformed.
func ParseToken(token string) (id, secret string, err error) {
	parts := strings.Count(token, "-") + 1
	if parts != 2 {
		return "", "", &Error{Reason: Malformed, Parts: parts}
	}
	id, secret, _ = strings.Cut(token, "-")
	if len(id) != KeyIDLength || len(secret) != SecretLength || !alphanumeric(id) || !alphanumeric(secret) {
		return "", "", &Error{Reason: Malformed, Parts: parts, IDLength: len(id), SecretLength: len(secret)}
	}
	return id, secret, nil
}

// IsKeyID says whether a text has the form of a key's id.
func IsKeyID(s string) bool { return len(s) == KeyIDLength && alphanumeric(s) }

// alphanumeric keeps everything that is no token, NUL included, away from the
// read model.
func alphanumeric(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}

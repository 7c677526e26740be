// Package bearer makes and checks signed tokens (JWTs, RFC 7519) for the dialects
// whose clients expect them.
//
// Promises of this package:
//
//   - HS256 and nothing else, whatever a token says of itself. Issuer and audience
//     (the kind of token) are checked: a token of one kind is worthless as another.
//   - Keys are derived from one secret of the installation, for each kind and for
//     each month apart; a month's key signs during that month alone, and is believed
//     for as long as a token of its kind may live.
//   - A token that opens anything carries the id of a session in the log: signing
//     out, suspension and the rest of what ends sessions ends it. That is for the
//     caller to check; this package knows no sessions.
package bearer

import (
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Kind is what a token is for; its audience.
type Kind string

// The kinds of tokens.
const (
	PM415          Kind = "pm415"
	RunWhenAccess  Kind = "runwhen-access"
	RunWhenRefresh Kind = "runwhen-refresh"
	VerifyEmail    Kind = "verify-email"
	Invitation     Kind = "invitation"
	PasswordReset  Kind = "password-reset"
)

// maxLife bounds how long a token of a kind may live.
var maxLife = map[Kind]time.Duration{
	PM415:          7 * 24 * time.Hour,
	RunWhenAccess:  366 * 24 * time.Hour,
	RunWhenRefresh: 60 * 24 * time.Hour,
	VerifyEmail:    24 * time.Hour,
	Invitation:     24 * time.Hour,
	PasswordReset:  24 * time.Hour,
}

const (
	issuer = "roster"
	// period is how long one key signs.
	period = 30 * 24 * time.Hour
	// skew is how far the clocks of two processes may be apart.
	skew = time.Minute
	// maxLength of a token that is looked at: ours are about 400 bytes.
	maxLength = 4096
)

// ErrInvalid says that a token is not one of ours, not of this kind, or over.
var ErrInvalid = errors.New("token is not valid")

// Claims are what a token says.
type Claims struct {
	Kind       Kind   // of a token that was checked
	UserID     string // the user's id (sub)
	SessionID  string // the session's id in the log (jti); "" where the token opens none
	IssuedAt   time.Time
	ExpiresAt  time.Time
	Generation int64             // of a refresh token
	Number     int64             // the user's number, for clients that look into tokens
	OrgID      int64             // the current organization's number; 0 for none
	Extra      map[string]string // of tokens that travel by mail
}

// wire is the form of Claims in a token. userId and orgId are the names that
// PM415's clients know.
type wire struct {
	jwt.RegisteredClaims
	Generation int64             `json:"gen,omitempty"`
	Number     int64             `json:"userId,omitempty"`
	OrgID      int64             `json:"orgId,omitempty"`
	Extra      map[string]string `json:"ext,omitempty"`
}

// Signer signs and checks. It is safe for concurrent use.
type Signer struct {
	secret []byte
	clock  func() time.Time
	parser *jwt.Parser
	keys   sync.Map // of keyName: []byte; there are a few for each kind
}

// keyName is whose key it is: of a kind, in a month.
type keyName struct {
	kind   Kind
	serial int64
}

// New makes a signer from a secret of at least 32 bytes, the same in every process
// of an installation.
func New(secret []byte, clock func() time.Time) (*Signer, error) {
	if len(secret) < sha256.Size {
		return nil, fmt.Errorf("make signer: the secret has %d bytes, want at least %d", len(secret), sha256.Size)
	}
	if clock == nil {
		clock = time.Now
	}
	return &Signer{secret: secret, clock: clock, parser: jwt.NewParser(
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}), jwt.WithIssuer(issuer),
		jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithLeeway(0), jwt.WithTimeFunc(clock), jwt.WithStrictDecoding(),
	)}, nil
}

// Sign makes a token. IssuedAt is now; ExpiresAt must be set.
func (s *Signer) Sign(k Kind, c Claims) (string, error) {
	now := s.clock()
	life := c.ExpiresAt.Sub(now)
	if longest, ok := maxLife[k]; !ok || life <= 0 || life > longest+skew {
		return "", fmt.Errorf("sign token of kind %q: it can not live for %s", k, life)
	}
	serial := serialOf(now)
	key, err := s.key(k, serial)
	if err != nil {
		return "", err
	}
	token := jwt.NewWithClaims(jwt.SigningMethodHS256, wire{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: issuer, Audience: jwt.ClaimStrings{string(k)}, Subject: c.UserID, ID: c.SessionID,
			IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(c.ExpiresAt),
		},
		Generation: c.Generation, Number: c.Number, OrgID: c.OrgID, Extra: c.Extra,
	})
	token.Header["kid"] = strconv.FormatInt(serial, 10)
	signed, err := token.SignedString(key)
	if err != nil {
		return "", fmt.Errorf("sign token of kind %q: %w", k, err)
	}
	return signed, nil
}

// Verify returns what a token of one of these kinds says. Its error is ErrInvalid,
// whatever the reason.
func (s *Signer) Verify(token string, kinds ...Kind) (Claims, error) {
	if !Looks(token) {
		return Claims{}, ErrInvalid
	}
	var w wire
	_, err := s.parser.ParseWithClaims(token, &w, func(t *jwt.Token) (any, error) {
		if len(w.Audience) != 1 || !slices.Contains(kinds, Kind(w.Audience[0])) {
			return nil, errors.New("the token is of another kind")
		}
		return s.keyOf(t, Kind(w.Audience[0])) // a kind that is lied about has another key
	})
	if err != nil {
		return Claims{}, ErrInvalid
	}
	return Claims{
		Kind: Kind(w.Audience[0]), UserID: w.Subject, SessionID: w.ID, IssuedAt: w.IssuedAt.Time, ExpiresAt: w.ExpiresAt.Time,
		Generation: w.Generation, Number: w.Number, OrgID: w.OrgID, Extra: w.Extra,
	}, nil
}

// keyOf returns the key that a token names, if that key may have signed a token
// that is still alive.
func (s *Signer) keyOf(t *jwt.Token, k Kind) (any, error) {
	kid, _ := t.Header["kid"].(string)
	serial, err := strconv.ParseInt(kid, 10, 64)
	if err != nil {
		return nil, errors.New("no key is named")
	}
	now := s.clock()
	if serial > serialOf(now.Add(skew)) || serial < serialOf(now.Add(-maxLife[k]-skew)) {
		return nil, errors.New("the key is over")
	}
	return s.key(k, serial)
}

// key derives a key once. Only months whose tokens can live come here, so that few
// are kept.
func (s *Signer) key(k Kind, serial int64) ([]byte, error) {
	name := keyName{k, serial}
	if key, ok := s.keys.Load(name); ok {
		return key.([]byte), nil //nolint:forcetypeassert // nothing else is stored
	}
	key, err := hkdf.Key(sha256.New, s.secret, nil, "roster token "+string(k)+" "+strconv.FormatInt(serial, 10), sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("derive key of kind %q: %w", k, err)
	}
	s.keys.Store(name, key)
	return key, nil
}

// serialOf numbers the months of keys.
func serialOf(t time.Time) int64 { return t.Unix() / int64(period/time.Second) }

// Looks says whether a text has the form of a signed token, so that it is not taken
// for another credential.
func Looks(token string) bool {
	return len(token) <= maxLength && strings.Count(token, ".") == 2
}

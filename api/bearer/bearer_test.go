package bearer_test

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/bearer"
)

// clock is a time that a test moves.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

func signer(t *testing.T) (*bearer.Signer, *clock) {
	t.Helper()
	c := &clock{now: time.Date(2026, 5, 3, 10, 0, 0, 0, time.UTC)}
	s, err := bearer.New(bytes.Repeat([]byte{7}, 32), c.Now)
	require.NoError(t, err)
	return s, c
}

func TestSignedTokens(t *testing.T) {
	t.Parallel()
	s, c := signer(t)
	said := bearer.Claims{
		UserID: "u", SessionID: "k123456789", ExpiresAt: c.now.Add(time.Hour), Generation: 2, Number: 4, OrgID: 16,
		Extra: map[string]string{"email": "a@example.com"},
	}
	token, err := s.Sign(bearer.PM415, said)
	require.NoError(t, err)
	require.True(t, bearer.Looks(token))
	heard, err := s.Verify(token, bearer.RunWhenAccess, bearer.PM415)
	require.NoError(t, err)
	said.IssuedAt = c.now
	require.True(t, heard.ExpiresAt.Equal(said.ExpiresAt))
	heard.ExpiresAt, heard.IssuedAt = said.ExpiresAt, said.IssuedAt
	said.Kind = bearer.PM415
	require.Equal(t, said, heard)

	_, err = s.Verify(token, bearer.RunWhenAccess, bearer.VerifyEmail)
	require.ErrorIs(t, err, bearer.ErrInvalid, "another kind")
	other, err := bearer.New(bytes.Repeat([]byte{8}, 32), c.Now)
	require.NoError(t, err)
	_, err = other.Verify(token, bearer.PM415)
	require.ErrorIs(t, err, bearer.ErrInvalid, "another installation")
	c.now = c.now.Add(time.Hour)
	_, err = s.Verify(token, bearer.PM415)
	require.ErrorIs(t, err, bearer.ErrInvalid, "over")
}

func TestKeysRotateWithOverlap(t *testing.T) {
	t.Parallel()
	s, c := signer(t)
	kid := func(token string) any {
		parsed, _, err := jwt.NewParser().ParseUnverified(token, jwt.MapClaims{})
		require.NoError(t, err)
		return parsed.Header["kid"]
	}
	token, err := s.Sign(bearer.RunWhenRefresh, bearer.Claims{ExpiresAt: c.now.Add(60 * 24 * time.Hour)})
	require.NoError(t, err)
	c.now = c.now.Add(45 * 24 * time.Hour)
	next, err := s.Sign(bearer.RunWhenRefresh, bearer.Claims{ExpiresAt: c.now.Add(time.Hour)})
	require.NoError(t, err)
	require.NotEqual(t, kid(token), kid(next))
	_, err = s.Verify(token, bearer.RunWhenRefresh)
	require.NoError(t, err, "the key of before is still believed")
	_, err = s.Verify(next, bearer.RunWhenRefresh)
	require.NoError(t, err)
}

func TestForgedTokens(t *testing.T) {
	t.Parallel()
	s, c := signer(t)
	token, err := s.Sign(bearer.PM415, bearer.Claims{UserID: "u", ExpiresAt: c.now.Add(time.Hour)})
	require.NoError(t, err)
	parts := strings.Split(token, ".")
	encode := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	head, err := base64.RawURLEncoding.DecodeString(parts[0])
	require.NoError(t, err)
	for name, forged := range map[string]string{
		"no signature":     parts[0] + "." + parts[1] + ".",
		"algorithm none":   encode(`{"alg":"none","typ":"JWT"}`) + "." + parts[1] + ".",
		"other algorithm":  encode(strings.Replace(string(head), "HS256", "HS512", 1)) + "." + parts[1] + "." + parts[2],
		"no key named":     encode(`{"alg":"HS256"}`) + "." + parts[1] + "." + parts[2],
		"key of next year": encode(`{"alg":"HS256","kid":"99999"}`) + "." + parts[1] + "." + parts[2],
		"other claims":     parts[0] + "." + encode(`{"iss":"roster","aud":"pm415","sub":"root","exp":99999999999,"iat":1}`) + "." + parts[2],
		"empty":            "", "dots": "..", "session token": "aaaaaaaaaa-bbbbbbbbbbbbbbbbbbbbbb", "long": strings.Repeat("a", 5000) + "..",
	} {
		_, err := s.Verify(forged, bearer.PM415)
		require.ErrorIs(t, err, bearer.ErrInvalid, name)
	}
	for _, ends := range []time.Time{{}, c.now, c.now.Add(8 * 24 * time.Hour)} {
		_, err := s.Sign(bearer.PM415, bearer.Claims{ExpiresAt: ends})
		require.Error(t, err)
	}
	_, err = bearer.New([]byte("short"), nil)
	require.Error(t, err)
}

func FuzzVerify(f *testing.F) {
	c := &clock{now: time.Date(2026, 5, 3, 10, 0, 0, 0, time.UTC)}
	s, err := bearer.New(bytes.Repeat([]byte{7}, 32), c.Now)
	require.NoError(f, err)
	token, err := s.Sign(bearer.PM415, bearer.Claims{UserID: "u", ExpiresAt: c.now.Add(time.Hour)})
	require.NoError(f, err)
	f.Add(token)
	f.Add("a.b.c")
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := s.Verify(text, bearer.PM415); err == nil {
			require.Equal(t, token, text)
		}
	})
}

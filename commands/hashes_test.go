package commands

import (
	"context"
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/alexedwards/argon2id"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/bcrypt"
)

// The hashes of "correct horse", each in the form of the system that writes it.
const (
	djangoHash = "pbkdf2_sha256$1000$NaClNaCl$DFRHyP75NhhP9KfmBQVw3DRMTlplRxD2m0/X6CUIpWg="
	coderHash  = "$pbkdf2-sha256$1000$c2FsdHNhbHRzYWx0c2FsdA$BBs+1+PaslLtBPULUr8/lQicvVuHiEPMz0i8MjLCbzMlDQ3Yb2wCsKdu0jOOQpv3YwCPvTBpfPZXomHUAcFnjQ"
)

func TestHashesOfOtherSystems(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h, err := newPasswords(PasswordParams{MemoryKiB: 64, Iterations: 1, Parallelism: 1}, 0)
	require.NoError(t, err)
	made, err := bcrypt.GenerateFromPassword([]byte("correct horse"), bcrypt.MinCost)
	require.NoError(t, err)
	sum := sha256.Sum256([]byte("correct horse"))
	hashed, err := bcrypt.GenerateFromPassword([]byte(hex.EncodeToString(sum[:])), bcrypt.MinCost)
	require.NoError(t, err)
	argon, err := argon2id.CreateHash("correct horse", &argon2id.Params{Memory: 128, Iterations: 1, Parallelism: 2, SaltLength: 8, KeyLength: 16})
	require.NoError(t, err)
	salted, err := pbkdf2.Key(sha512.New, "correct horse", []byte("9f86d081884c7d65"), 1000, 128)
	require.NoError(t, err)
	node := strings.Replace(string(made), "$2a$", "$2b$", 1)
	for name, hash := range map[string]string{
		"devise": string(made), "node": node, "php": strings.Replace(node, "$2b$", "$2y$", 1), "django": djangoHash, "coder": coderHash,
		"pm415": "9f86d081884c7d65.1000." + hex.EncodeToString(salted), "django's argon2": "argon2" + argon,
		"django's bcrypt": "bcrypt$" + node, "django's other bcrypt": "bcrypt_sha256$" + string(hashed),
	} {
		right, outdated, err := h.compare(ctx, "correct horse", hash)
		require.NoError(t, err, name)
		require.True(t, right, name)
		require.True(t, outdated, "%s: made anew at the sign-in", name)
		right, _, err = h.compare(ctx, "correct horsf", hash)
		require.NoError(t, err, name)
		require.False(t, right, name)
	}
	long := strings.Repeat("x", 100)
	made, err = bcrypt.GenerateFromPassword([]byte(long[:72]), bcrypt.MinCost)
	require.NoError(t, err)
	right, _, err := h.compare(ctx, long, string(made))
	require.NoError(t, err)
	require.True(t, right, "bcrypt looks at 72 bytes")
}

func TestHashesOfNoForm(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"", "plain", "$1$md5", "$2b$20$" + strings.Repeat("a", 53), "$2b$10$short", "pbkdf2_sha256$x$salt$aGFzaA==", "pbkdf2_sha256$9999999999$salt$aGFzaA==",
		"pbkdf2_sha256$3000000$salt$" + strings.Repeat("QUFB", 10), "$pbkdf2-sha256$1$$", "$argon2id$v=19$m=1048576,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo",
		"$argon2id$v=19$m=64,t=0,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo", "$argon2id$", "a.b.c", "salt.10.zz", ".10." + strings.Repeat("ab", 64), "bcrypt_sha256$x", "argon2$argon2i$v=19$m=64,t=1,p=1$c2FsdA$aGFzaA", "$2a$" + strings.Repeat("9", 600),
	} {
		_, err := parseHash(s)
		require.ErrorIs(t, err, errHashForm, s)
	}
}

func FuzzParseHash(f *testing.F) {
	f.Add(djangoHash)
	f.Add(coderHash)
	f.Add("9f86d081884c7d65.10." + strings.Repeat("ab", 128))
	f.Add("bcrypt_sha256$$2b$04$......................................................")
	f.Add("$2b$04$......................................................")
	f.Add("$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo")
	f.Fuzz(func(t *testing.T, s string) {
		h, err := parseHash(s)
		if err != nil {
			require.ErrorIs(t, err, errHashForm)
			return
		}
		require.NotNil(t, h)
	})
}

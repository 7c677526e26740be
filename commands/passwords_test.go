package commands

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPasswords(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h, err := newPasswords(PasswordParams{MemoryKiB: 64, Iterations: 1, Parallelism: 1}, 0)
	require.NoError(t, err)
	hash, err := h.hash(ctx, "secret")
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(hash, "$argon2id$v=19$m=64,t=1,p=1$"))
	right, outdated, err := h.compare(ctx, "secret", hash)
	require.NoError(t, err)
	require.True(t, right)
	require.False(t, outdated)
	right, _, err = h.compare(ctx, "Secret", hash)
	require.NoError(t, err)
	require.False(t, right)
	right, _, err = h.compare(ctx, "no such password", "")
	require.NoError(t, err)
	require.False(t, right, "a user without a password is not the stand-in")
	right, outdated, err = h.compare(ctx, "", "")
	require.NoError(t, err)
	require.False(t, right)
	require.False(t, outdated)
	_, _, err = h.compare(ctx, "secret", "$2a$not-ours")
	require.Error(t, err)
}

func TestHashingIsBounded(t *testing.T) {
	t.Parallel()
	h, err := newPasswords(PasswordParams{MemoryKiB: 64, Iterations: 1, Parallelism: 1}, 0)
	require.NoError(t, err)
	for range cap(h.turns) {
		h.turns <- struct{}{}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = h.hash(ctx, "x")
	require.ErrorIs(t, err, context.Canceled)
	h.waiting.Store(maxWaitingHashes)
	_, err = h.hash(context.Background(), "x")
	require.Equal(t, Unavailable, CodeOf(err))
	require.EqualValues(t, maxWaitingHashes, h.waiting.Load())
}

func TestStrength(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"SomeSecurePassword!", "MySecurePassword!", "SomeStrongPassword!"} {
		require.Nil(t, CheckStrength(s, 52), s)
	}
	for _, s := range []string{"testing", "newpassword", "password", ""} {
		err := CheckStrength(s, 52)
		require.NotNil(t, err, s)
		require.Equal(t, "weak", err.Fields[0].Rule)
		require.True(t, strings.HasPrefix(err.Fields[0].Detail, "insecure password, try "), err.Fields[0].Detail)
	}
	require.Equal(t, "too-long", CheckStrength(strings.Repeat("aB3$", 17), 52).Fields[0].Rule)
	require.Nil(t, CheckStrength("1111", 0))
}

func TestTokens(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 200 {
		id, token, hash := newToken()
		require.Regexp(t, `^[A-Za-z0-9]{10}-[A-Za-z0-9]{22}$`, token)
		require.Equal(t, HashSecret(token[11:]), hash)
		require.Equal(t, id, token[:10])
		require.False(t, seen[token])
		seen[token] = true
	}
	id := newID()
	got, ok := canonicalID(strings.ToUpper(id))
	require.True(t, ok)
	require.Equal(t, id, got)
	for _, bad := range []string{"", "me", "roster.>", "{" + id + "}", id[:35] + "*", "urn:uuid:" + id} {
		_, ok := canonicalID(bad)
		require.False(t, ok, bad)
	}
}

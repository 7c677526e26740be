package runwhen

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// FuzzBody: whatever comes is read or told off in the one form, and what is read is
// fit for the log.
func FuzzBody(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"firstName":"a","optOutPublicGroup":1}`, `{"username":"a-b","email":"a@b"}`, `[1]`, `{"a":`, "{\"a\":\"\xff\"}", `{"avatarUrl":"http://x"}`,
		`{"email":null,"primaryEmail":"x"}`, `{"days":1e9}`, `{"firstName":"\ud800"}`, `{"escalationMessage":"\u0000"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if !utf8.Valid(raw) {
			return // refused before
		}
		b, err := parseBody(raw)
		if err != nil {
			told := shownProblems(t, err)
			require.Len(t, told, 1)
			if told[0].Type == "json_invalid" {
				require.False(t, json.Valid(raw))
				at, ok := told[0].Loc[1].(int)
				require.True(t, ok && at >= 0 && at <= utf8.RuneCount(raw))
			}
			return
		}
		c := change{body: b}
		c.replace()
		c.merge()
		_, _ = b.number(b.need("days"), 1, 180)
		b.registration()
		if err := b.err(); err != nil {
			shownProblems(t, err)
		}
		for _, s := range []*string{c.command.Username, c.command.Email, c.command.FirstName, c.command.LastName, c.command.Avatar} {
			require.False(t, s != nil && (strings.Contains(*s, "\x00") || !utf8.ValidString(*s)))
		}
	})
}

// shownProblems are those of a refusal that can be sent.
func shownProblems(t *testing.T, err error) []problem {
	t.Helper()
	a, ok := err.(*answer) //nolint:errorlint // as it was made
	require.True(t, ok)
	list, ok := a.detail.([]problem)
	require.True(t, ok)
	raw, err := json.Marshal(list)
	require.NoError(t, err)
	require.True(t, utf8.Valid(raw))
	for _, p := range list {
		require.True(t, p.Type != "" && p.Msg != "" && len(p.Loc) > 0)
	}
	return list
}

// FuzzInteger: a text is a number as Python's reader would have it, or told off.
func FuzzInteger(f *testing.F) {
	for _, seed := range []string{"1", "-1", "+7", " 3 ", "", "x", "1.5", "99999999999999999999", "\x00", "\xff", "0x10", "1_0", "٣"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var p problems
		n, ok := p.parsed(s, []any{"query", "page"}, 1, 100)
		require.Equal(t, ok, len(p.list) == 0)
		if !ok {
			shownProblems(t, p.err())
			return
		}
		want, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
		require.NoError(t, err)
		require.Equal(t, want, n)
	})
}

// FuzzTokenID: the id of a key goes into a UUID and comes back.
func FuzzTokenID(f *testing.F) {
	f.Add("aZ09bcdefg")
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		key, ok := keyOfToken(s)
		require.False(t, ok && !bytes.EqualFold([]byte(tokenID(key)), []byte(strings.Trim(strings.TrimPrefix(s, "urn:uuid:"), "{}"))) && len(s) == 36)
		if len(s) != 10 || strings.Trim(s, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
			return
		}
		back, ok := keyOfToken(tokenID(s))
		require.True(t, ok)
		require.Equal(t, s, back)
	})
}

func TestVerbs(t *testing.T) {
	t.Parallel()
	for in, want := range map[[2]string]string{
		{"ticket", "created"}: "TICKET_CREATED", {"account", "profile-updated"}: "ACCOUNT_PROFILE_UPDATED", {"review", "approvedAgain"}: "REVIEW_APPROVED_AGAIN",
		{"commit", ""}: "COMMIT", {"comment", "a  b--c"}: "COMMENT_A_B_C", {"project", "HTTPServer"}: "PROJECT_HTTPSERVER", {"", "x"}: "X",
	} {
		require.Equal(t, want, verbOf(in[0], in[1]))
	}
}

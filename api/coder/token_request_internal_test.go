package coder

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/events"
)

// TestProviders_1_3: sessions of a provider have refusals of their own.
func TestProviders_1_3(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err             gate.Error
		message, detail string
	}{
		{gate.Error{Reason: gate.LinkGone}, signedOut, "You must re-authenticate with the login provider."},
		{
			gate.Error{Reason: gate.RefreshFailed, LoginType: events.LoginOIDC},
			"Could not refresh expired OpenID Connect token. Try re-authenticating to resolve this issue.", "",
		},
		{
			gate.Error{Reason: gate.RefreshFailed, LoginType: events.LoginGitHub},
			"Could not refresh expired GitHub token. Try re-authenticating to resolve this issue.", "",
		},
	} {
		a := answerOf(&c.err)
		require.Equal(t, http.StatusUnauthorized, a.status)
		require.Equal(t, c.message, a.Message)
		require.Equal(t, c.detail, a.Detail)
		require.NotEmpty(t, a.challenge)
	}
}

// FuzzAllowedEntry: whatever a client sends as an entry of an allow list is a
// type and * or a UUID, or nothing.
func FuzzAllowedEntry(f *testing.F) {
	for _, raw := range []string{
		`"user:*"`, `"*:*"`, `{"type":"user","id":"497F6ECA-6276-4993-bfeb-53cbbbba6f08"}`, `7`, `null`, `[]`, `"a:b:c"`, `{"type":1}`, `""`, `" "`,
	} {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		var list []json.RawMessage
		if json.Unmarshal([]byte("["+raw+"]"), &list) != nil {
			t.Skip()
		}
		for _, one := range list {
			e, ok := allowedEntry(one)
			if !ok {
				continue
			}
			require.NotEmpty(t, e.Type)
			if e.ID != "*" {
				id, err := uuid.Parse(e.ID)
				require.NoError(t, err)
				require.Equal(t, id.String(), e.ID)
			}
		}
	})
}

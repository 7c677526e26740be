package v1_test

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/rosterhq/roster/api/apitest"
	"github.com/rosterhq/roster/api/v1/client"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/evidence"
)

// signer signs the log of a system when it is told to.
func signer(t *testing.T, s *apitest.System) (sign func(), public string) {
	t.Helper()
	secret, err := evidence.MakeKey(rand.Reader, "example.org")
	require.NoError(t, err)
	key, err := evidence.ParseKey(secret)
	require.NoError(t, err)
	f, err := evidence.NewFollower(evidence.Config{Log: s.Log, Store: s.Log, Key: key, Interval: time.Minute})
	require.NoError(t, err)
	return func() { require.NoError(t, f.Sweep(t.Context())) }, key.Public()
}

// A client with the public key alone tells from what is served that nothing was changed.
func TestCheckpointsAreServedWithTheirProofs(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	auditor := owner.NewUser("ada", "auditor")
	member := owner.NewUser("grace")

	var page client.CheckpointPage
	for _, path := range []string{"/v1/checkpoints", "/v1/checkpoints?newest=true&stream=activity"} {
		a := owner.Do(http.MethodGet, path, nil, nil)
		require.Equal(t, http.StatusOK, a.Status, "%s", a.Body)
		require.JSONEq(t, `{"items":[]}`, string(a.Body), "without a key nothing is signed")
	}
	for _, path := range []string{"/v1/checkpoints/proof?from=r1&to=r2", "/v1/admin/log/hashes"} {
		require.Equal(t, http.StatusNotFound, owner.Do(http.MethodGet, path, nil, nil).Status)
	}

	sign, public := signer(t, s)
	known, err := evidence.Verifiers(public)
	require.NoError(t, err)
	sign()
	owner.NewUser("alan")
	sign()
	a := auditor.Do(http.MethodGet, "/v1/checkpoints", nil, nil)
	require.Equal(t, http.StatusOK, a.Status, "%s", a.Body)
	a.JSON(s, &page)
	require.Len(t, page.Items, 2)
	require.Empty(t, page.Next)
	var signed []*evidence.Checkpoint
	for _, item := range page.Items {
		c, err := evidence.Open([]byte(item.Note), known)
		require.NoError(t, err)
		require.Equal(t, s.Log.InstallationID(), c.Installation)
		require.Equal(t, item.Position, c.Position().String())
		require.Equal(t, item.Root, c.Root.String())
		require.Equal(t, "example.org", item.Key)
		signed = append(signed, c)
	}
	head, err := s.Log.Head(t.Context(), events.Roster)
	require.NoError(t, err)
	require.Equal(t, head, signed[1].Size)

	var newest client.CheckpointPage
	auditor.Do(http.MethodGet, "/v1/checkpoints?newest=true", nil, nil).JSON(s, &newest)
	require.Equal(t, page.Items[1:], newest.Items)

	a = auditor.Do(http.MethodGet, fmt.Sprintf("/v1/checkpoints/proof?from=%s&to=%d", page.Items[0].Position, head), nil, nil)
	require.Equal(t, http.StatusOK, a.Status, "%s", a.Body)
	var proof client.CheckpointProof
	a.JSON(s, &proof)
	hashes := make([]tlog.Hash, len(proof.Hashes))
	for i, text := range proof.Hashes {
		hashes[i], err = tlog.ParseHash(text)
		require.NoError(t, err)
	}
	require.NoError(t, evidence.Consistent(signed[0], signed[1], hashes))

	a = owner.Do(http.MethodGet, "/v1/admin/log/hashes", nil, nil)
	require.Equal(t, http.StatusOK, a.Status)
	require.Len(t, a.Body, int(head)*tlog.HashSize)
	part := owner.Do(http.MethodGet, "/v1/admin/log/hashes?from=r3&to=5", nil, nil)
	require.Equal(t, a.Body[2*tlog.HashSize:5*tlog.HashSize], part.Body)
	v, err := evidence.NewVerifier(events.Roster, signed, bytes.NewReader(a.Body))
	require.NoError(t, err)
	require.NoError(t, s.Log.Messages(t.Context(), events.Roster, 1, 0, v.Add))
	found, err := v.End(head)
	require.NoError(t, err)
	require.Equal(t, evidence.Verified{Checkpoints: 2, To: head}, found)

	refused(t, member, http.StatusForbidden, "/v1/checkpoints", "/v1/checkpoints/proof?from=r1&to=r2", "/v1/admin/log/hashes")
	refused(t, auditor, http.StatusForbidden, "/v1/admin/log/hashes")
	refused(t, owner, http.StatusBadRequest, "/v1/checkpoints?stream=keys", "/v1/checkpoints?cursor=x", "/v1/checkpoints?newest=maybe",
		"/v1/checkpoints/proof?from=r1", "/v1/checkpoints/proof?from=a1&to=r2", "/v1/checkpoints/proof?from=r2&to=r1",
		fmt.Sprintf("/v1/checkpoints/proof?from=r1&to=%d", head+1), "/v1/admin/log/hashes?from=a1")
	require.Equal(t, http.StatusUnauthorized, s.Do(http.MethodGet, "/v1/checkpoints", nil, nil).Status)
	require.Equal(t, http.StatusOK, owner.Do(http.MethodHead, "/v1/admin/log/hashes", nil, nil).Status)
}

func refused(t *testing.T, by *apitest.Session, status int, paths ...string) {
	t.Helper()
	for _, path := range paths {
		a := by.Do(http.MethodGet, path, nil, nil)
		require.Equal(t, status, a.Status, "%s: %s", path, a.Body)
	}
}

func TestCheckpointsArePaged(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	sign, _ := signer(t, s)
	sign()
	last, err := s.Log.LastCheckpoint(t.Context(), events.Roster)
	require.NoError(t, err)
	kept := last.Sequence
	for range 300 {
		kept, err = s.Log.AppendCheckpoint(t.Context(), events.Roster, kept, last.Note)
		require.NoError(t, err)
	}
	total, pages := 0, 0
	for cursor := ""; ; pages++ {
		var page client.CheckpointPage
		owner.Do(http.MethodGet, "/v1/checkpoints?cursor="+cursor, nil, nil).JSON(s, &page)
		total += len(page.Items)
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	require.Equal(t, 301, total)
	require.Equal(t, 1, pages)
}

package v1_test

import (
	"maps"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
	"github.com/rosterhq/roster/commands"
)

// TestRepeatedRecordings are answered as the first time; the same key with another
// body is refused and records nothing.
func TestRepeatedRecordings(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	for name, kind := range map[string]string{"lines": "application/x-ndjson", "array": "application/json"} {
		body, other := line(1)+"\n"+line(2)+"\nnonsense\n", line(1)+"\n"
		if name == "array" {
			body, other = "["+line(3)+","+line(4)+",7]", "["+line(3)+"]"
		}
		headers := map[string]string{"Content-Type": kind, "Idempotency-Key": "key-" + name}
		first := owner.Do("POST", "/v1/activities", headers, body)
		require.Equal(t, http.StatusOK, first.Status, "%s", first.Body)
		require.EqualValues(t, 2, first.Map(s)["accepted"])
		require.EqualValues(t, 1, first.Map(s)["rejectedTotal"])
		again := owner.Do("POST", "/v1/activities", headers, body)
		require.Equal(t, http.StatusOK, again.Status, "%s", again.Body)
		require.JSONEq(t, string(first.Body), string(again.Body))
		require.Equal(t, first.Header.Get("Roster-Position"), again.Header.Get("Roster-Position"))

		reused := owner.Do("POST", "/v1/activities", headers, other)
		require.Equal(t, http.StatusUnprocessableEntity, reused.Status, "%s", reused.Body)
		keyless := maps.Clone(headers)
		delete(keyless, "Idempotency-Key")
		plain := owner.Do("POST", "/v1/activities", keyless, body)
		require.EqualValues(t, 2, plain.Map(s)["duplicates"], "without the key it is what it is")
	}
}

// TestAnswersAreRememberedAcrossProcesses asks a second process, which knows of the
// first one's answers by the log alone.
func TestAnswersAreRememberedAcrossProcesses(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	request := commands.Request{Actor: commands.Actor{UserID: owner.ID}, IdempotencyKey: "k"}
	require.NoError(t, s.Commands.Remember(request, "hash", []byte(`{"accepted":1}`)))
	second, err := commands.NewService(t.Context(), commands.Config{Log: s.Log})
	require.NoError(t, err)
	hash := func(h string) func() (string, error) { return func() (string, error) { return h, nil } }
	require.Eventually(t, func() bool { // it is kept some time soon
		body, ok, err := second.Remembered(t.Context(), request, hash("hash"))
		require.NoError(t, err)
		return ok && string(body) == `{"accepted":1}`
	}, 5*time.Second, 10*time.Millisecond)
	_, _, err = second.Remembered(t.Context(), request, hash("other"))
	require.Equal(t, commands.KeyReused, commands.CodeOf(err))
	request.Actor.UserID = "somebody-else"
	_, ok, err := second.Remembered(t.Context(), request, hash("hash"))
	require.NoError(t, err)
	require.False(t, ok, "a key is its actor's")
}

package roles_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// soon is well below the time-outs of requests, which are five seconds and more.
const soon = 4 * time.Second

// A server does not answer a request that it refuses. Roster says so, and does not wait.
func TestAMissingRightEndsTheStart(t *testing.T) {
	t.Parallel()
	for name, missing := range map[string]string{
		"look up a stream":      "$JS.API.STREAM.INFO.STATE",
		"make a stream":         "$JS.API.STREAM.CREATE.ACTIVITY",
		"make the first secret": "keys.>",
		"follow a stream":       "$JS.API.CONSUMER.CREATE.ROSTER.>",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := newInstallation(t, startBroker(t, without("api", missing)))
			began := time.Now()
			_, err := in.startAPI(t.Context(), t)
			require.ErrorContains(t, err, "NATS refuses what this process must do")
			require.ErrorContains(t, err, missing[:len(missing)-1])
			require.ErrorContains(t, err, "accounts.conf")
			require.Less(t, time.Since(began), soon)
		})
	}
}

func TestAMissingRightEndsTheStartOfAProjector(t *testing.T) {
	t.Parallel()
	in := newInstallation(t, startBroker(t, without("projector", "JS.ROSTER.API.CONSUMER.CREATE.ACTIVITY.>")))
	_, err := in.startAPI(t.Context(), t)
	require.NoError(t, err)
	began := time.Now()
	err = in.startProjector(t.Context(), t)
	require.ErrorContains(t, err, "JS.ROSTER.API.CONSUMER.CREATE.ACTIVITY.")
	require.Less(t, time.Since(began), soon)
}

// What comes later is refused as soon, and the log names the right.
func TestAMissingRightEndsTheRequest(t *testing.T) {
	t.Parallel()
	in := newInstallation(t, startBroker(t, without("api", "$JS.API.STREAM.MSG.DELETE.KEYS"), without("api", "activity.>"), without("api", "$JS.API.STREAM.PURGE.STATE")))
	_, err := in.startAPI(t.Context(), t)
	require.NoError(t, err)
	require.NoError(t, in.startProjector(t.Context(), t))
	in.enter(t)
	in.must(t, http.StatusCreated, http.MethodPost, "/v1/users", `{"username":"grace"}`)
	for path, body := range map[string]string{
		"/v1/users/grace/erase": `{}`,
		"/v1/activities":        `{"source":"tracker","id":"T-1","user":{"username":"ada"},"type":"ticket","action":"created","entity":{"id":"T-1"},"occurredAt":"2026-05-03T10:00:00Z"}`,
	} {
		began := time.Now()
		status, answer, err := in.call(http.MethodPost, path, body)
		require.NoError(t, err)
		require.Equal(t, http.StatusServiceUnavailable, status, "%s: %s", path, answer)
		require.NotContains(t, answer, "MSG.DELETE", "the cause is for the operator's log")
		require.Less(t, time.Since(began), soon, path)
	}
	require.NotZero(t, in.said.FilterMessageSnippet("NATS refuses").Len())
}

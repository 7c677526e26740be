package app_test

import (
	"fmt"
	"net/http"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/internal/natsserver"
	"github.com/rosterhq/roster/internal/testenv"
)

// Two api processes and two projectors on servers of the operator's, and one of
// each is killed.
func TestManyProcessesOnSharedServers(t *testing.T) {
	t.Parallel()
	broker, err := natsserver.Start(natsserver.Options{Dir: t.TempDir(), Listen: "127.0.0.1:0"})
	require.NoError(t, err)
	t.Cleanup(broker.Stop)
	shared := environment(
		"ROSTER_NATS_URL="+broker.URL(), "DATABASE_URL="+testenv.Postgres(t), "ROSTER_NATS_PREFIX=acme",
		fmt.Sprintf("ROSTER_MASTER_KEY=%x", testenv.MasterKey()), "ROSTER_PROJECTORS=off",
	)
	// All start together, on an empty broker and an empty database.
	var launched []*running
	for _, name := range []string{"api", "api", "projector", "projector"} {
		cmd := exec.Command(program(name))
		cmd.Env = shared
		launched = append(launched, launch(t, cmd))
	}
	for _, r := range launched {
		r.awaitReady(t)
	}
	one, other, projector, standby := launched[0], launched[1], launched[2], launched[3]
	token := one.enter(t)
	other.must(t, http.StatusCreated, http.MethodPost, "/v1/users", token, `{"username":"grace"}`)
	sees(t, one, "grace", token, "what one process writes the other serves")
	standby.must(t, http.StatusOK, http.MethodGet, "/readyz", "", "")
	require.Contains(t, standby.must(t, http.StatusOK, http.MethodGet, "/metrics", "", ""), "roster_projection_held")

	projector.kill(t)
	one.kill(t)
	other.must(t, http.StatusCreated, http.MethodPost, "/v1/users", token, `{"username":"alan"}`)
	sees(t, other, "alan", token, "the projector that stood by takes over")
	other.terminate(t)
	standby.terminate(t)
}

// sees waits until a process serves a user that another one may have written.
func sees(t *testing.T, r *running, username, token, why string) {
	t.Helper()
	require.Eventually(t, func() bool {
		status, _, err := r.call(http.MethodGet, "/v1/users/"+username, token, "")
		return err == nil && status == http.StatusOK
	}, 20*time.Second, 10*time.Millisecond, why)
}

package faults_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/eventlog"
	"github.com/rosterhq/roster/projections/runtime"
)

// TestPowerCuts takes the power away from the broker of the default installation,
// which is inside the api process: with ROSTER_SYNC=always nothing that was
// acknowledged is missing, whatever was not synced.
func TestPowerCuts(t *testing.T) {
	c := settingsOf(t).part(4)
	dir := newDir(t)
	disk := newPowerDisk(t, dir, c.seed)
	s := newEmbedded(t, dir, disk.mounted, "always")
	require.NoError(t, s.start(t.Context()))
	s.attack(c, []fault{s.powerCut(disk)})
}

// intervalLoss is how old an acknowledged write may be that a power cut takes with
// ROSTER_SYNC=interval: a second, and what a busy disk adds to it.
const intervalLoss = 2 * time.Second

// TestAPowerCutWithInterval measures what is lost with ROSTER_SYNC=interval: of each
// stream what it got last, so that an account may be there without its data key, and
// is parked. The read models are ahead of the log then, so they are emptied, as the
// README says.
func TestAPowerCutWithInterval(t *testing.T) {
	c := settingsOf(t)
	dir := newDir(t)
	disk := newPowerDisk(t, dir, c.seed)
	s := newEmbedded(t, dir, disk.mounted, "interval")
	require.NoError(t, s.start(t.Context()))
	h := &history{}
	s.owner = s.enter(t)
	load := startLoad(t.Context(), s, s.owner, c.seed, h)
	pause(t.Context(), 5*time.Second)
	cut := time.Now()
	s.apis[0].kill()
	load.stop()
	load.stopFollowers()
	require.NoError(t, disk.cut())
	s.postgres.empty(t)
	require.NoError(t, s.start(t.Context()))
	require.NoError(t, s.recovered(t.Context()))

	a := newAuditor(t, s.direct(), s.postgres.dsn(), h)
	defer a.close()
	require.NoError(t, a.settle(true))
	a.readLog()
	lost, oldest := 0, time.Duration(0)
	for _, w := range h.writes {
		if w.outcome == acknowledged && len(a.events[w.id]) == 0 {
			lost, oldest = lost+1, max(oldest, cut.Sub(w.answered))
		}
	}
	require.Less(t, oldest, intervalLoss)
	c.write(t, fmt.Sprintf("## %s\n\n| what | figure |\n|---|---|\n| writes acknowledged | %d |\n| of them lost | %d |\n"+
		"| the oldest of these, before the power cut | %s |\n| accounts left without their data key | %d |\n",
		t.Name(), h.count(acknowledged), lost, oldest.Round(time.Millisecond), a.withoutKey(cut)))
}

// withoutKey counts the accounts that are parked. They must have no data key, and be
// as young as what may be lost.
func (a *auditor) withoutKey(cut time.Time) int {
	a.t.Helper()
	parked, err := runtime.Parked(a.t.Context(), a.db, "", 10_000)
	require.NoError(a.t, err)
	accounts := map[string]bool{}
	for _, e := range parked {
		user := strings.TrimPrefix(e.Aggregate, "user/")
		_, err := a.log.DataKey(a.t.Context(), user)
		require.ErrorIs(a.t, err, eventlog.ErrNoKey, e.Error)
		accounts[user] = true
	}
	for user := range accounts {
		id, err := uuid.Parse(user)
		require.NoError(a.t, err)
		made := time.Unix(id.Time().UnixTime())
		require.Less(a.t, cut.Sub(made), intervalLoss, "its id is as old as its key")
	}
	return len(accounts)
}

// empty puts an empty database in the place of the read models.
func (d *database) empty(t *testing.T) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), d.server.DSN("postgres"))
	require.NoError(t, err)
	defer conn.Close(context.Background())
	_, err = conn.Exec(t.Context(), "drop database roster with (force)")
	require.NoError(t, err)
	require.NoError(t, d.server.CreateDatabase(t.Context(), "roster"))
}

// newEmbedded is one process with broker and projectors inside; PostgreSQL, whose
// power stays, is outside.
func newEmbedded(t *testing.T, dir, data, sync string) *stack {
	t.Helper()
	s := &stack{t: t, dir: dir, postgres: newDatabase(t, filepath.Join(dir, "postgresql"))}
	n := s.newNode("api-1")
	n.runs(s, "api", []string{"ROSTER_DATA_DIR=" + data, "ROSTER_SYNC=" + sync, "ROSTER_NATS_LISTEN=127.0.0.1:0", "ROSTER_RATE_LIMITS=off"})
	s.apis = []*node{n}
	s.direct = func() string {
		url, err := os.ReadFile(filepath.Join(data, "nats.url"))
		require.NoError(t, err)
		return strings.TrimSpace(string(url))
	}
	return s
}

func (s *stack) powerCut(disk *powerDisk) fault {
	api := s.apis[0]
	return fault{
		kind: "power cut", what: "the broker", hold: span{0, time.Second},
		inject: func(context.Context) error {
			api.kill()
			return disk.cut()
		},
		heal: api.start,
	}
}

package faults_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/projections"
)

// jumpingClock is wrong by something else every now and then.
type jumpingClock struct{ by atomic.Int64 }

func (c *jumpingClock) now() time.Time { return time.Now().Add(time.Duration(c.by.Load())) }

// TestClockJumps lets the clock of everything that decides jump back and forth by
// hours under load. It runs in this process, since the programs have no other clock
// than the machine's. Order is the log's; nothing else may depend on the clock but
// when things end.
func TestClockJumps(t *testing.T) {
	c := settingsOf(t)
	clock := &jumpingClock{}
	system := apitest.New(t, apitest.WithOneClock(clock.now))
	owner := system.FirstUser()
	h := &history{}
	ctx, stop := context.WithCancel(t.Context())
	var working sync.WaitGroup
	for i := range workers / 2 {
		w := &worker{
			name: fmt.Sprintf("w%d", i), random: rand.New(rand.NewPCG(c.seed, uint64(i))), owner: owner.Token, history: h,
			nodes: []*client{{base: system.URL, http: &http.Client{Timeout: callPatience, Transport: &http.Transport{}}}},
		}
		working.Go(func() {
			defer w.close()
			w.run(ctx)
		})
	}
	random := rand.New(rand.NewPCG(c.seed, 0))
	jumps := 0
	for until := time.Now().Add(min(c.length/4, time.Minute)); time.Now().Before(until); jumps++ {
		clock.by.Store(random.Int64N(int64(12*time.Hour)) - int64(6*time.Hour))
		pause(ctx, 200*time.Millisecond)
	}
	stop()
	working.Wait()

	db, err := pgx.Connect(t.Context(), system.DSN)
	require.NoError(t, err)
	defer db.Close(context.Background())
	a := &auditor{
		t: t, log: system.Log, db: db, history: h, events: map[string][]events.Stored{},
		found: findings{messages: map[events.Stream]uint64{}},
	}
	require.NoError(t, a.settle(false))
	a.readLog()
	a.writes()
	a.names()
	for _, p := range projections.All() {
		if p.Migrations == nil {
			continue
		}
		verified := owner.Do(http.MethodPost, "/v1/admin/projections/"+p.Name+"/verify", nil, nil)
		require.Equal(t, http.StatusOK, verified.Status, "%s", verified.Body)
		require.Equal(t, true, verified.Map(system)["equal"], "%s", verified.Body)
	}
	require.Empty(t, h.wrong)
	require.NotZero(t, h.count(acknowledged))
	c.write(t, fmt.Sprintf("## %s\n\n| what | figure |\n|---|---|\n| jumps of the clock, by up to 6 h | %d |\n| writes acknowledged | %d |\n"+
		"| acknowledged writes lost | %d |\n| writes doubled | %d |\n", t.Name(), jumps, h.count(acknowledged), a.found.lost, a.found.doubled))
}
